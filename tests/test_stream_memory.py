"""How much memory `stream` takes for pixels: as documented, and no more for a higher picture."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from tests.streamed import Slide, StreamedSource
from tileframe import Access, Box, JobSpec, Size, Store
from tileframe.interfaces import CheckedTile
from tileframe.parallel import AHEAD
from tileframe.pixels import Pixels
from tileframe.planning import plan
from tileframe_stream.blocks import levels_of_block
from tileframe_stream.rows import BUFFERS, LEAST_STRIPS, MOST_STRIPS, strips_at_once
from tileframe_stream.strips import strip_height

MB = 1_000_000
AROUND = 4 * MB  # what is not pixels, and a tile or two of the layouts here for each worker


class Endless(Slide):
    """A slide without pixels of its own."""

    def __init__(self, folder: Path, size: Size, access: Access) -> None:
        super().__init__(folder, np.zeros((1, 1, 3), np.uint8), access)
        self.facts = replace(self.facts, size=size)

    def open(self, path: Path, *, background: object = None) -> StreamedSource:
        return EndlessSource(self)


class EndlessSource(StreamedSource):
    """Black wherever it is read."""

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        return np.zeros((box.height, box.width, 3), np.uint8)


class Nowhere:
    """A store that keeps nothing; a backend only puts."""

    def put(self, key: str, data: bytes) -> None:
        pass


NOWHERE = cast("Store", Nowhere())


class Nothing(dict[str, CheckedTile]):
    """No record of what was put, which grows with the number of tiles."""

    def __setitem__(self, key: str, tile: CheckedTile) -> None:
        pass


def peak(folder: Path, size: Size, access: Access, **options: int) -> int:
    """The most bytes at once, while all tiles of such a slide are made."""
    slide = Endless(folder, size, access)
    how = {"reader": "streamed", "backend": "stream", "format": "blank", **options}
    planned = plan(JobSpec(slide.path, folder / "a.dzi", **how), slide.registry)  # type: ignore[arg-type]
    tracemalloc.start()
    try:
        planned.backend.run(replace(planned.job, store=NOWHERE, checked=Nothing()), lambda tiles, pixels: None)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def strips(width: int, tile_size: int, overlap: int) -> int:
    """The documented bytes for slides that come in rows."""
    strip = 3 * width * (strip_height(tile_size) + 2 * overlap)
    base = strip * min(MOST_STRIPS, max(LEAST_STRIPS, BUFFERS // strip))
    return 2 * base


def blocks(width: int, tile_size: int, overlap: int, workers: int) -> int:
    """The documented bytes for slides that can be read anywhere."""
    levels = levels_of_block(tile_size, 99)
    side = (tile_size << levels) + 2 * (overlap << levels)
    block, remainder = 3 * side * side, 3 * tile_size * tile_size
    strip = 3 * (width >> levels) * (strip_height(tile_size) + 2 * overlap)
    return workers * (block * 3 // 2 + AHEAD * remainder) + 2 * LEAST_STRIPS * strip


LAYOUTS = [(254, 1), (512, 0), (255, 3)]
both = pytest.mark.parametrize("access", [Access.ROWS, Access.REGIONS])
layouts = pytest.mark.parametrize(("tile_size", "overlap"), LAYOUTS)


@both
@layouts
def test_a_higher_picture_takes_no_more(access, tile_size, overlap, tmp_path):
    options = {"tile_size": tile_size, "overlap": overlap, "workers": 1}
    low, high = (peak(tmp_path, Size(2000, height), access, **options) for height in (20_000, 80_000))
    assert high < 1.15 * low  # threads meet by chance, which makes a strip more or less


@both
@layouts
@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("size", [Size(9001, 9001), Size(30001, 4001)], ids=str)
def test_it_stays_within_what_is_documented(size, access, tile_size, overlap, workers, tmp_path):
    found = peak(tmp_path, size, access, tile_size=tile_size, overlap=overlap, workers=workers)
    most = (
        strips(size.width, tile_size, overlap)
        if access is Access.ROWS
        else blocks(size.width, tile_size, overlap, workers)
    )
    assert found < most + AROUND


def test_strips_are_few_where_they_are_large_and_never_too_few(tmp_path):
    def at_once(width: int) -> int:
        slide = Endless(tmp_path, Size(width, 9000), Access.ROWS)
        how = {"reader": "streamed", "format": "blank"}
        return strips_at_once(plan(JobSpec(slide.path, tmp_path / "a.dzi", **how), slide.registry).job)  # type: ignore[arg-type]

    assert [at_once(width) for width in (1000, 15_000, 20_000, 200_000)] == [6, 6, 4, 3]
