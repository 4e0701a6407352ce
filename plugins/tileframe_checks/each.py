"""Looking at every tile, or at blocks of them, in parallel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from itertools import chain

from tileframe import Box, Finding, Progress, Pyramid, StoredPyramid, TileAddress
from tileframe.parallel import in_order

# Of tiles a side: neighbours are decoded twice only where blocks meet.
SIDE = 8


def every_tile(
    pyramid: StoredPyramid, progress: Progress, look: Callable[[TileAddress], Iterable[Finding]]
) -> Iterator[Finding]:
    """Yield what ``look`` says of each tile, telling ``progress`` on the way."""
    geometry = pyramid.pyramid
    tiles = chain.from_iterable(geometry.tiles(level) for level in range(geometry.level_count))

    def looked(tile: TileAddress) -> tuple[int, list[Finding]]:
        return cell(geometry, tile).size.area, list(look(tile))

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


def cell(geometry: Pyramid, tile: TileAddress) -> Box:
    """Return the pixels of a tile without its overlap, in its level's plane."""
    size, side = geometry.level_size(tile.level), geometry.tile_size
    return Box(tile.col * side, tile.row * side, side, side).clipped(Box(0, 0, size.width, size.height))
