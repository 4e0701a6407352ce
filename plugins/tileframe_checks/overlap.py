"""Do neighbouring tiles agree over their overlap?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from tileframe import Box, Finding, Progress, Severity, StoredPyramid, TileAddress
from tileframe.pixels import Pixels
from tileframe_checks.every_tile import blocks
from tileframe_checks.pairs import Pair, blamed, compared, disagreeing, mean_difference, sound


def check_overlap(pyramid: StoredPyramid, progress: Progress) -> Iterator[Finding]:
    """Compare every tile with its right and its lower neighbour: lossless ones exactly, lossy ones by a threshold."""
    geometry, exact = pyramid.pyramid, pyramid.writer.encoding.lossless
    tiles = pixels = 0

    def told(found: Iterable[tuple[tuple[int, Box], list[Pair]]]) -> Iterator[Pair]:
        nonlocal tiles, pixels
        for (level, block), pairs in found:
            yield from pairs
            tiles += block.size.area
            corners = (TileAddress(level, block.x, block.y), TileAddress(level, block.right - 1, block.bottom - 1))
            first, last = (geometry.cell(tile) for tile in corners)
            pixels += (last.right - first.x) * (last.bottom - first.y)
            progress(tiles, pixels)

    def neighbours(tile: TileAddress) -> int:
        grid = geometry.grid(tile.level)
        beside = (tile.col > 0) + (tile.col < grid.width - 1)
        return beside + (tile.row > 0) + (tile.row < grid.height - 1)

    levels = pyramid.layout.levels if geometry.overlap else ()
    all_blocks = ((level, block) for level in levels for block in blocks(pyramid, level))
    all_pairs = compared(pyramid, all_blocks, lambda one: _pairs(pyramid, *one, exact=exact))
    for _, of_level in groupby(all_pairs, key=lambda one: one[0][0]):
        bad, threshold = disagreeing(pyramid, told(of_level), exact=exact)

        def message(pair: Pair, tile: TileAddress, threshold: float = threshold) -> str:
            other = pair.second if tile == pair.first else pair.first
            most = "none was expected" if exact else f"at most {threshold:.0f} was expected"
            return f"differs by {pair.difference:.1f} from {pyramid.layout.key(other)} where they overlap; {most}"

        severity = Severity.ERROR if exact else Severity.WARNING
        key = pyramid.layout.key
        yield from blamed("overlap", bad, total=neighbours, key=key, message=message, severity=severity)


def _pairs(pyramid: StoredPyramid, level: int, block: Box, *, exact: bool) -> list[Pair]:
    grid = pyramid.pyramid.grid(level)
    tiles = {
        (col, row): sound(pyramid, TileAddress(level, col, row))
        for col in range(block.x, min(block.right + 1, grid.width))
        for row in range(block.y, min(block.bottom + 1, grid.height))
    }
    pairs = []
    for col in range(block.x, block.right):
        for row in range(block.y, block.bottom):
            for right, lower in ((1, 0), (0, 1)):
                one, other = tiles[col, row], tiles.get((col + right, row + lower))
                if one is not None and other is not None:
                    first, second = TileAddress(level, col, row), TileAddress(level, col + right, row + lower)
                    one_part, other_part = _shared(pyramid, first, second, one, other)
                    pairs.append(Pair(first, second, mean_difference(one_part, other_part, exact=exact)))
    return pairs


def _shared(
    pyramid: StoredPyramid, first: TileAddress, second: TileAddress, one: Pixels, other: Pixels
) -> tuple[Pixels, Pixels]:
    """Return what the two tiles show of the pixels that both have."""
    box, next_box = pyramid.pyramid.tile_box(first), pyramid.pyramid.tile_box(second)
    shared = box.clipped(next_box)
    return _part(one, shared, box), _part(other, shared, next_box)


def _part(pixels: Pixels, shared: Box, box: Box) -> Pixels:
    return pixels[shared.y - box.y : shared.bottom - box.y, shared.x - box.x : shared.right - box.x]
