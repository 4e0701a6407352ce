"""The ledger is a file on the disk, which may be full."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.pictures import photo, png
from tileframe import OutputError, Pyramid, Size, TileAddress, run
from tileframe.ledger import Ledger, TileRecord

PYRAMID = Pyramid(Size(300, 200), 10, 0)
LEVELS = range(PYRAMID.level_count)
TILES = [tile for level in LEVELS for tile in PYRAMID.tiles(level)]


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    ledger = Ledger(PYRAMID, LEVELS)
    yield ledger
    ledger.close()


def record_of(tile: TileAddress) -> TileRecord:
    return TileRecord.of(repr(tile).encode(), passed_through=tile.col % 2 == 1)


def test_without_pwrite_as_on_windows_it_is_the_same(ledger, monkeypatch):
    monkeypatch.delattr(os, "pwrite", raising=False)

    def put(tile: TileAddress) -> TileAddress:
        ledger.put(tile, record_of(tile))
        return tile

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(put, TILES)) == TILES
    assert list(ledger.records()) == [record_of(tile) for tile in TILES]


@pytest.mark.parametrize("backend", ["stream", "vips", "openslide"])
def test_where_it_has_no_room_the_run_ends_with_4_and_leaves_nothing(backend, registry, monkeypatch, tmp_path):
    def full(*arguments: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    slide = png(tmp_path / "a.png", photo(300, 200))
    monkeypatch.setattr(os, "pwrite", full, raising=False)
    with pytest.raises(OutputError, match=r"temporary files cannot be written \(No space left on device\)") as caught:
        run(slide, tmp_path / "out" / "o", backend=backend, registry=registry)
    assert caught.value.exit_code == 4
    assert os.listdir(tmp_path) == ["a.png"]


def test_a_record_that_is_written_in_part_is_no_room_either(ledger, monkeypatch):
    monkeypatch.setattr(os, "pwrite", lambda *arguments: 12, raising=False)
    with pytest.raises(OutputError, match="the disk is full"):
        ledger.put(TILES[0], record_of(TILES[0]))


def test_where_there_is_no_folder_for_it_the_run_says_what_to_name(registry, monkeypatch, tmp_path):
    def missing(*arguments: object, **options: object) -> None:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory found")

    slide = png(tmp_path / "a.png", photo(300, 200))
    monkeypatch.setattr("tempfile.TemporaryFile", missing)
    with pytest.raises(OutputError, match="name another in TMPDIR"):
        run(slide, tmp_path / "out" / "o", registry=registry)
    assert os.listdir(tmp_path) == ["a.png"]
