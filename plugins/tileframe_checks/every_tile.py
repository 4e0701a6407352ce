"""Run a function on every tile, or name blocks of tiles to be worked on, in parallel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing

from tileframe import Box, Finding, Progress, StoredPyramid, TileAddress, tiles_of
from tileframe.work import in_order

# Of tiles a side: neighbours are decoded twice only where blocks meet.
SIDE = 8


def every_tile(
    pyramid: StoredPyramid, progress: Progress, look: Callable[[TileAddress], Iterable[Finding]]
) -> Iterator[Finding]:
    """Yield what ``look`` says of each tile, telling ``progress`` on the way."""
    geometry = pyramid.pyramid
    tiles = tiles_of(pyramid.layout, geometry)

    def looked(tile: TileAddress) -> tuple[int, list[Finding]]:
        return geometry.cell(tile).size.area, list(look(tile))

    count = pixels = 0
    with closing(in_order(looked, tiles, workers=pyramid.workers)) as results:
        for area, findings in results:
            count, pixels = count + 1, pixels + area
            progress(count, pixels)
            yield from findings


def blocks(pyramid: StoredPyramid, level: int) -> Iterator[Box]:
    """Yield the blocks of ``level``, in tile columns and rows."""
    grid = pyramid.pyramid.grid(level)
    whole = Box(0, 0, grid.width, grid.height)
    for row in range(0, grid.height, SIDE):
        for col in range(0, grid.width, SIDE):
            yield Box(col, row, SIDE, SIDE).clipped(whole)
