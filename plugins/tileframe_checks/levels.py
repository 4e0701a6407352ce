"""Is each level the 2x2 mean of the one below it?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain, groupby

import numpy as np

from tileframe import Box, Equality, Finding, Progress, Pyramid, Severity, StoredPyramid, TileAddress
from tileframe.pixels import Pixels, halve
from tileframe_checks.pairs import MAX_OF_STORED_LEVELS, Pair, blamed, compared, disagreeing, mean_difference, sound


def check_levels(pyramid: StoredPyramid, progress: Progress) -> Iterator[Finding]:
    """Compare every tile with the halved tiles that it was made from.

    Exactly, where the tiles are lossless and the manifest promises every pixel; by a threshold elsewhere, for lossy
    tiles were halved before they were encoded, and a scanner's own levels were halved by the scanner.
    """
    geometry = pyramid.pyramid
    promised = None if pyramid.manifest is None else pyramid.manifest.plan.promises
    exact = pyramid.writer.encoding.lossless and promised is Equality.PIXELS
    least = MAX_OF_STORED_LEVELS if promised is not None and promised < Equality.PIXELS else 0.0
    tiles = pixels = 0

    def told(found: Iterable[tuple[TileAddress, list[Pair]]]) -> Iterator[Pair]:
        nonlocal tiles, pixels
        for tile, pairs in found:
            yield from pairs
            tiles, pixels = tiles + 1, pixels + geometry.cell(tile).size.area
            progress(tiles, pixels)

    all_tiles = chain.from_iterable(map(geometry.tiles, pyramid.layout.levels[:-1]))
    all_pairs = compared(pyramid, all_tiles, partial(_pairs, pyramid, exact=exact))
    for _, of_level in groupby(all_pairs, key=lambda one: one[0].level):
        bad, threshold = disagreeing(pyramid, told(of_level), exact=exact, least=least)

        def message(pair: Pair, tile: TileAddress, threshold: float = threshold) -> str:
            other = pair.second if tile == pair.first else pair.first
            relation = "the 2x2 mean of" if tile.level < other.level else "what it is in"
            most = "none was expected" if exact else f"at most {threshold:.0f} was expected"
            return f"differs by {pair.difference:.1f} from {relation} {pyramid.layout.key(other)}; {most}"

        yield from blamed(
            "levels",
            bad,
            total=lambda tile: _partners(pyramid, tile),
            key=pyramid.layout.key,
            message=message,
            severity=Severity.ERROR if exact else Severity.WARNING,
        )


@dataclass(frozen=True)
class Span:
    """The part of the finer level that one tile was made from."""

    level: int
    box: Box
    """In pixels of the finer level."""
    tiles: list[TileAddress]


def _span(geometry: Pyramid, tile: TileAddress) -> Span:
    level, side = tile.level + 1, geometry.tile_size
    size = geometry.level_size(level)
    cell = Box(2 * tile.col * side, 2 * tile.row * side, 2 * side, 2 * side)
    box = cell.clipped(Box(0, 0, size.width, size.height))
    cols = range(box.x // side, (box.right - 1) // side + 1)
    rows = range(box.y // side, (box.bottom - 1) // side + 1)
    return Span(level, box, [TileAddress(level, col, row) for row in rows for col in cols])


def _partners(pyramid: StoredPyramid, tile: TileAddress) -> int:
    geometry = pyramid.pyramid
    finer = len(_span(geometry, tile).tiles) if tile.level < geometry.base_level else 0
    return finer + (tile.level > pyramid.layout.levels.start)


def _pairs(pyramid: StoredPyramid, tile: TileAddress, *, exact: bool) -> list[Pair]:
    """Compare a tile with the finer tiles below it: one pair for each."""
    geometry = pyramid.pyramid
    own = sound(pyramid, tile)
    if own is None:
        return []
    span = _span(geometry, tile)
    finer: Pixels = np.zeros((span.box.height, span.box.width, 3), np.uint8)
    parts: list[tuple[TileAddress, Box]] = []
    for below in span.tiles:
        pixels = sound(pyramid, below)
        if pixels is not None:
            part = geometry.cell(below)
            inside = part.shifted(-span.box.x, -span.box.y)
            finer[inside.y : inside.bottom, inside.x : inside.right] = _inner(geometry, below, pixels)
            parts.append((below, inside))
    expected, core = halve(finer), _inner(geometry, tile, own)
    pairs = []
    for below, inside in parts:
        rows = _halved(inside.y, inside.bottom, span.box.height)
        cols = _halved(inside.x, inside.right, span.box.width)
        pairs.append(Pair(below, tile, mean_difference(expected[rows, cols], core[rows, cols], exact=exact)))
    return pairs


def _halved(start: int, stop: int, end: int) -> slice:
    """Return the coarser pixels made from ``start`` to ``stop`` alone: not the one that two tiles share."""
    return slice(-(-start // 2), -(-stop // 2) if stop == end else stop // 2)


def _inner(geometry: Pyramid, tile: TileAddress, pixels: Pixels) -> Pixels:
    """Cut away the overlap."""
    box, own = geometry.tile_box(tile), geometry.cell(tile)
    return pixels[own.y - box.y : own.bottom - box.y, own.x - box.x : own.right - box.x]
