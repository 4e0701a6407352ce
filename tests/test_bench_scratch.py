"""The disk that outputs take is given back, and nobody else's is."""

from __future__ import annotations

import errno
import os
import sys

import pytest

from tileframe import OutputError
from tileframe_bench.scratch import give_back, scratch_folder


def test_outputs_take_no_more_room_and_what_they_are_linked_to_is_left(tmp_path):
    slide, picture = tmp_path / "slide", tmp_path / "picture"
    for path in (slide, picture):
        path.write_bytes(b"dear")
    with scratch_folder(tmp_path) as folder:
        out = folder / "out" / "pyramid_files" / "0"
        out.mkdir(parents=True)
        (out / "0_0.jpeg").write_bytes(b"a tile")
        (out / "1_0.jpeg").hardlink_to(slide)
        if sys.platform != "win32":
            (out / "2_0.jpeg").symlink_to(picture)
            (out / "all").symlink_to(tmp_path)
        give_back(folder / "out")
        assert not (out / "0_0.jpeg").exists() or not (out / "0_0.jpeg").stat().st_size
    assert sorted(path.name for path in tmp_path.iterdir()) == ["picture", "slide"]
    assert slide.read_bytes() == picture.read_bytes() == b"dear"


def test_where_files_are_few_they_are_deleted(tmp_path, monkeypatch):
    monkeypatch.setattr("tileframe.machine.free_inodes", lambda folder: 3)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "0_0.jpeg").write_bytes(b"a tile")
    give_back(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_full_disk_is_said_in_a_line_with_the_place(tmp_path):
    said = r"no room there: cannot be written \(.*\); give --scratch a folder with room"
    with pytest.raises(OutputError, match=said), scratch_folder(tmp_path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "no room there")
    assert not list(tmp_path.iterdir())
