"""Pyramids from strangers: what is no file, lies elsewhere, or is far too large is said, and not read."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import tileframe
from tests.pictures import gradient, png
from tileframe import CheckError, InputError, verify
from tileframe.pixels import Pixels
from tileframe_checks import files as files_check

POSIX_ONLY = pytest.mark.skipif(sys.platform == "win32", reason="pipes, links and sparse files of POSIX")
TILE = "a_files/9/0_0.jpeg"
HUGE = 10_000_000_000


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    tileframe.run(png(folder / "in.png", gradient(500, 300)), folder / "a")
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    """A folder with a pyramid ``a`` of its own."""
    return Path(shutil.copytree(made, tmp_path / "stranger"))


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


def sparse(path: Path) -> None:
    os.truncate(path, HUGE)


def found(target: Path) -> dict[str, list[str]]:
    """What ``tileframe verify`` finds, by key."""
    by_key: dict[str, list[str]] = {}
    for finding in verify(target):
        by_key.setdefault(finding.key, []).append(finding.message)
    return by_key


@POSIX_ONLY
@pytest.mark.parametrize(
    ("harm", "said"),
    [(pipe, "is a pipe or a device"), (device, "is a link to a file outside"), (sparse, "has 10,000,000,000 bytes")],
)
def test_a_tile_that_is_no_file_of_a_pyramid_is_found_and_not_read(harm, said, folder):
    harm(folder / TILE)
    assert any(message.startswith(said) for message in found(folder / "a.dzi")[TILE])


@POSIX_ONLY
@pytest.mark.parametrize(("harm", "said"), [(pipe, "is a pipe or a device"), (sparse, "has 10,000,000,000 bytes")])
def test_so_is_a_list_of_digests(harm, said, folder):
    harm(folder / "a.sha256")
    assert found(folder / "a.dzi")["a.sha256"][0].startswith(said)


@POSIX_ONLY
@pytest.mark.parametrize("harm", [pipe, device, sparse])
@pytest.mark.parametrize(("name", "error"), [("a.tileframe.json", CheckError), ("a.dzi", InputError)])
def test_a_descriptor_or_manifest_that_is_no_file_is_an_error(name, error, harm, folder):
    harm(folder / name)
    with pytest.raises(error, match=r"is a pipe or a device|bytes, and no file of a pyramid has more"):
        tileframe.open_pyramid(folder / "a.dzi")


@POSIX_ONLY
def test_a_linked_tile_is_read_within_the_folder_alone(folder):
    tile = folder / TILE
    kept = tile.rename(folder / "a_files" / "kept.jpeg")
    tile.symlink_to("../kept.jpeg")
    assert TILE not in found(folder / "a.dzi")
    kept.rename(folder.parent / "kept.jpeg")
    assert found(folder / "a.dzi")[TILE] == ["is a link that leads nowhere"]
    tile.unlink()
    tile.symlink_to(folder.parent / "kept.jpeg")
    assert found(folder / "a.dzi")[TILE] == ["is a link to a file outside of the pyramid's folder"]


@POSIX_ONLY
def test_a_pyramid_may_be_linked_to_as_a_whole(folder, tmp_path):
    for name in ("a.dzi", "a_files", "a.sha256", "a.tileframe.json"):
        (tmp_path / name).symlink_to(folder / name)
    assert found(tmp_path / "a.dzi") == {}


def test_a_tile_whose_header_says_more_than_memory_holds_is_not_decoded(folder, monkeypatch):
    Image.fromarray(np.zeros((4000, 4000), np.uint8)).convert("RGB").save(folder / TILE)
    pyramid = tileframe.open_pyramid(folder / "a.dzi")
    decode, seen = type(pyramid.writer).decode, []

    def decoded(self: Any, data: bytes) -> Pixels:
        pixels = decode(self, data)
        seen.append(pixels.shape)
        return pixels

    monkeypatch.setattr(type(pyramid.writer), "decode", decoded)
    assert "the tile is 4000x4000, not 255x255" in found(folder / "a.dzi")[TILE]
    with tileframe.open_pyramid(folder / "a.dzi") as one, tileframe.open_pyramid(folder / "a.dzi") as other:
        assert any("the tile is 4000x4000" in text for text in tileframe.compare(one, other).layout)
    assert max(seen) <= (256, 256, 3)


@pytest.mark.parametrize(
    ("text", "said"),
    [("[" * 100_000, "the manifest is not JSON"), (f'{{"schema": 1{"0" * 400}}}', "a number of 401 digits")],
    ids=["nested", "digits"],
)
def test_a_manifest_that_no_program_would_write_is_an_error_of_one_line(text, said, folder):
    (folder / "a.tileframe.json").write_text(text)
    with pytest.raises(CheckError, match=said):
        tileframe.open_pyramid(folder / "a.dzi")


def test_of_many_missing_tiles_the_first_are_named_and_the_others_counted(folder, monkeypatch):
    monkeypatch.setattr(files_check, "MOST", 1)
    for name in ("0_0", "1_1", "0_1"):
        (folder / f"a_files/9/{name}.jpeg").unlink()
    said = found(folder / "a.dzi")
    assert said["a_files/9/"] == ["2 more tiles of level 9 are missing"]
    assert [key for key, messages in said.items() if "the tile is missing" in messages] == [TILE]
