"""What is read of a TIFF, and how often: several places at once, and tiles once for their bytes and their pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from tests.pictures import photo, svs
from tileframe import Box, CompressedTiles, InputError, open_slide, run
from tileframe_stream import blocks
from tileframe_tiff.files import LocalFile, SharedFile

SIDE = 256


@pytest.fixture
def slide(tmp_path) -> Path:
    return svs(tmp_path / "a.svs", photo(1500, 1100))


@pytest.mark.parametrize(
    "places", [[], [(3, 5)], [(0, 10), (10, 7), (17, 1)], [(40, 9), (2, 3), (2, 3), (4, 20)], [(5, 9), (90_000, 9)]]
)
def test_bytes_at_several_places_are_those_at_each_of_them(places, tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(np.random.default_rng(2).bytes(100_000))
    file = SharedFile(path)
    assert list(file.read_each(places)) == [file.read(*place) for place in places]
    file.close()


def test_places_of_which_one_is_behind_the_end_are_cut_short(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(bytes(100))
    file = SharedFile(path)
    with pytest.raises(InputError, match="is cut short"):
        list(file.read_each([(10, 20), (90, 20)]))
    file.close()


def test_each_of_the_slides_tiles_is_read_once_for_its_bytes_and_its_pixels(slide, registry, monkeypatch, tmp_path):
    starts: list[int] = []
    read_at = LocalFile.read_at

    def noted(file: LocalFile, offset: int, count: int) -> bytes:
        starts.extend(start for start, length in data if offset <= start and start + length <= offset + count)
        return read_at(file, offset, count)

    with tifffile.TiffFile(slide) as file:
        data = list(zip(file.pages.first.dataoffsets, file.pages.first.databytecounts, strict=True))
    monkeypatch.setattr(blocks, "SIDE", 2 * SIDE)
    monkeypatch.setattr(LocalFile, "read_at", noted)
    report = run(slide, tmp_path / "a.dzi", passthrough=True, workers=1, registry=registry)
    assert report.passed_through == 20
    # But for the first block, and the first tile: before it was known that the bytes are wanted.
    first_block = {start for start, _ in (data[0], data[1], data[6], data[7])}
    assert {start for start, _ in data} == set(starts)
    assert {start for start in starts if starts.count(start) > 1} <= first_block


def test_bytes_are_those_of_the_tile_that_is_asked_for_whatever_was_read_before(slide, registry):
    with open_slide(slide, registry=registry) as source, open_slide(slide, registry=registry) as fresh:
        assert isinstance(source, CompressedTiles)
        assert isinstance(fresh, CompressedTiles)
        source.compressed_tile(0, 0)
        source.read(Box(SIDE, 0, 2 * SIDE, 2 * SIDE))
        source.read(Box(0, 0, 100, 100), native_level=1)
        source.read(Box(100, 300, 700, 300))
        for col, row in ((0, 0), (1, 0), (1, 1), (2, 1), (3, 1), (4, 3)):
            assert source.compressed_tile(col, row) == fresh.compressed_tile(col, row)
    with pytest.raises(InputError, match="was closed"):
        source.compressed_tile(2, 1)
