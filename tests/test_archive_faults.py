"""An archive that cannot be finished leaves nothing, and only an archive of ours is replaced."""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.archived import DESCRIPTOR, FILES, LAYOUT, TILES, fill, finished, prepared, store_for, zipped
from tileframe import Location, OutputError, Target
from tileframe.testing.made import MadeLayout
from tileframe_storage import members as members_module
from tileframe_stores.archive import ArchiveStore
from tileframe_stores.directory import DirectoryStore


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[ArchiveStore]:
    store = prepared(tmp_path)
    yield store
    store.discard()


def test_a_key_that_leads_outside_is_refused(opened):
    with pytest.raises(OutputError, match="is no name for a file in an archive"):
        opened.put("../thesis.txt", b"")


def test_a_key_cannot_be_put_twice(opened):
    opened.put("out_files/1/7_0.png", b"tile")
    opened.put("out_files/1/6_0.png", b"tile")
    with pytest.raises(OutputError, match=r"out_files/1/7_0\.png: was put twice"):
        opened.put("out_files/1/7_0.png", b"tile")


def test_what_was_put_can_be_read_before_the_end(opened):
    for col in (11, 1):  # one name is a part of the other
        opened.put(f"out_files/0/{col}_0.png", b"tile %d" % col)
    assert opened.get("out_files/0/1_0.png") == b"tile 1"
    assert sorted(opened.keys()) == ["out_files/0/11_0.png", "out_files/0/1_0.png"]
    with pytest.raises(KeyError):
        opened.get("out_files/0/2_0.png")


@pytest.mark.parametrize("call", ["writev", "fsync"])
def test_a_full_disk_is_one_line_and_leaves_nothing(call, tmp_path, monkeypatch):
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    store = prepared(tmp_path)
    monkeypatch.delattr(os, "writev", raising=False)
    monkeypatch.setattr(os, call.removesuffix("v"), full)
    for key, data in TILES.items():
        store.put(key, data)
    with pytest.raises(OutputError, match="No space left on device"):
        store.commit(FILES)
    with pytest.raises(OutputError, match="cannot be written"):
        store.put("out_files/9/0_0.png", b"after a write that failed")
    monkeypatch.undo()
    store.discard()
    assert os.listdir(tmp_path) == []


LIMITED = """
import resource, sys
from tileframe import Location, OutputError, Target
from tileframe.testing.made import BESIDE
from tileframe_stores.archive import ArchiveStore

store = ArchiveStore(Target(Location("file", sys.argv[1], "out", "zip"), BESIDE))
store.prepare()
resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))
try:
    for number in range(1000):
        store.put(f"made_files/16/{number}_0.png", bytes(10_000))
except OutputError as error:
    print(error)
finally:
    store.discard()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no limits of file sizes")
def test_a_file_that_may_not_grow_is_one_line_and_leaves_nothing(tmp_path):
    command = [sys.executable, "-c", LIMITED, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "File too large" in done.stdout, done.stderr
    assert done.stdout.count("\n") == 1
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("overwrite", [False, True])
def test_ctrl_c_during_commit_changes_nothing(overwrite, tmp_path, monkeypatch):
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    before = finished(tmp_path).read_bytes() if overwrite else None
    store = prepared(tmp_path, overwrite=overwrite)
    store.put("out_files/0/0_0.png", b"new")
    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.commit(FILES)
    store.discard()
    assert os.listdir(tmp_path) == (["out.zip"] if overwrite else [])
    assert before is None or (tmp_path / "out.zip").read_bytes() == before


def test_a_content_that_changes_between_two_readings_is_an_error(opened):
    shrinking = iter([[b"four"], [b"one"]])

    class Changing:
        def __iter__(self) -> Iterator[bytes]:
            return iter(next(shrinking))

    with pytest.raises(OutputError, match=r"out\.sha256: cannot be written in .*it changed while it was written"):
        opened.commit({"out.sha256": Changing()})


def test_what_a_killed_run_left_is_cleared_away(tmp_path):
    store, scratch = prepared(tmp_path), tmp_path / ".out.zip.partial"
    for key, data in TILES.items():
        store.put(key, data)
    shutil.copytree(scratch, tmp_path / "left")
    store.discard()
    (tmp_path / "left").rename(scratch)
    owner = {"host": socket.gethostname(), "pid": max(psutil.pids()) + 9999, "started": 1.0}
    (scratch / "owner.json").write_text(json.dumps(owner))
    next_one = prepared(tmp_path)
    assert list(next_one.keys()) == []
    next_one.discard()
    assert os.listdir(tmp_path) == []


def test_an_archive_and_a_folder_of_one_name_are_made_at_once(opened, tmp_path):
    folder = DirectoryStore(Target(Location("file", str(tmp_path), "out"), LAYOUT))
    folder.prepare()
    fill(folder)
    fill(opened)
    assert sorted(os.listdir(tmp_path)) == ["out.dzi", "out.sha256", "out.zip", "out_files"]


def test_writing_needs_no_memory_for_every_member(tmp_path, monkeypatch):
    monkeypatch.setattr(members_module, "WRITTEN_AT_ONCE", 10_000)
    monkeypatch.setattr(members_module, "BLOCK", 10_000)

    def peak(count: int, folder: Path) -> int:
        store = prepared(folder)
        tracemalloc.start()
        for number in range(count):
            store.put(f"out_files/16/{number % 200}_{number // 200}.png", b"a tile")
        assert sum(map(bool, store.keys())) == count
        store.commit({"out.dzi": DESCRIPTOR})
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        store.discard()
        return peak

    peak(100, tmp_path / "warm")
    assert peak(6_000, tmp_path / "many") - peak(1_000, tmp_path / "few") < 250_000  # a set of names: 600,000 bytes


def test_an_existing_archive_is_not_touched(tmp_path):
    before = finished(tmp_path).read_bytes()
    with pytest.raises(OutputError, match=r"out\.zip: exists; give --overwrite"):
        store_for(tmp_path).prepare()
    assert (tmp_path / "out.zip").read_bytes() == before


def test_an_archive_that_appears_during_the_run_is_not_touched(opened, tmp_path):
    opened.put("out_files/0/0_0.png", b"new")
    (tmp_path / "out.zip").write_bytes(b"someone else's")
    with pytest.raises(OutputError, match="exists"):
        opened.commit(FILES)
    opened.discard()
    assert (tmp_path / "out.zip").read_bytes() == b"someone else's"


@pytest.mark.parametrize("renamed", [False, True])
def test_overwrite_replaces_an_archive_of_ours_even_if_it_was_renamed(renamed, tmp_path):
    path = finished(tmp_path)
    if renamed:
        path.rename(tmp_path / "other.zip")
    name = "other" if renamed else "out"
    layout = MadeLayout(folder=f"{name}_files", described_by=f"{name}.dzi")
    store = store_for(tmp_path, overwrite=True, layout=layout, name=name)
    store.prepare()
    store.put(f"{name}_files/0/0_0.png", b"new")
    store.commit(layout.descriptor())
    store.discard()
    with zipfile.ZipFile(tmp_path / f"{name}.zip") as archive:
        assert archive.namelist() == [f"{name}/{name}.dzi", f"{name}/{name}_files/0/0_0.png"]
    assert os.listdir(tmp_path) == [f"{name}.zip"]


def test_what_dzsave_has_written_can_be_overwritten(tmp_path):
    pyvips = pytest.importorskip("pyvips")
    pyvips.Image.black(300, 300).dzsave(str(tmp_path / "out.zip"), container="szi", suffix=".png")
    fill(prepared(tmp_path, overwrite=True))
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert "out/out_files/vips-properties.xml" not in archive.namelist()


@pytest.mark.parametrize(
    "names",
    [
        (),
        ("thesis/chapter1.txt", "thesis/chapter2.txt"),
        ("out/out.dzi",),
        ("out/out_files/0/0_0.png",),
        ("out/out.dzi", "out/out_files/0/0_0.png", "out/thesis.txt"),
    ],
    ids=["no zip", "a thesis", "a file called .dzi", "no descriptor", "a thesis inside"],
)
def test_what_is_no_archive_of_a_pyramid_is_not_overwritten(names, tmp_path):
    path = zipped(tmp_path / "out.zip", *names) if names else tmp_path / "out.zip"
    if not names:
        path.write_bytes(b"precious")
    before = path.read_bytes()
    with pytest.raises(OutputError, match=r"and is not overwritten; move it away"):
        store_for(tmp_path, overwrite=True).prepare()
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["out.zip"]


@pytest.mark.parametrize("kind", ["dangling", "to an archive of ours", "folder"])
def test_a_link_or_a_folder_is_not_overwritten(kind, tmp_path):
    elsewhere = finished(tmp_path / "elsewhere")
    here = tmp_path / "here"
    here.mkdir()
    try:
        if kind == "folder":
            (here / "out.zip").mkdir()
        else:
            (here / "out.zip").symlink_to(tmp_path / "nowhere" if kind == "dangling" else elsewhere)
    except OSError:
        pytest.skip("this user cannot make links here")
    with pytest.raises(OutputError, match="is not overwritten; move it away"):
        store_for(here, overwrite=True).prepare()
    assert elsewhere.exists()
