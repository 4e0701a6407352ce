"""The layout of Google Maps tiles."""

from __future__ import annotations

import re

from tileframe import Pyramid, TileAddress
from tileframe_layouts.grids import (
    NUMBER,
    SUFFIX,
    GridLayout,
    can_be,
    numbers,
    shown_suffix,
    single_tile_levels,
    without_overlap,
)

TILE = re.compile(f"{NUMBER}/{NUMBER}/{NUMBER}{SUFFIX}")


class GoogleLayout(GridLayout):
    """Names ``NAME/LEVEL/ROW/COL.SUFFIX``; level 0 is one tile, and every tile is a full square.

    It has no descriptor: how large the picture is stands in the manifest alone.
    """

    pads = True
    known = ("blank.png",)  # dzsave's

    def __init__(self, name: str, suffix: str, pyramid: Pyramid) -> None:
        without_overlap("google", pyramid)
        ending = shown_suffix("google", suffix, ())
        super().__init__(ending, pyramid, folder=name, levels=single_tile_levels(pyramid))
        first = self.levels.start
        self._heads = [f"{name}/{level - first}/" for level in range(pyramid.level_count)]
        self._tail = f".{ending}"

    def key(self, tile: TileAddress) -> str:
        """Return the key of ``tile``, with forward slashes."""
        return f"{self._heads[tile.level]}{tile.row}/{tile.col}{self._tail}"

    def _parse(self, rest: str) -> TileAddress | None:
        found = numbers(TILE, rest)
        return TileAddress(found[0] + self.levels.start, found[2], found[1]) if found else None

    def _looks_like_a_tile(self, rest: str) -> bool:
        found = numbers(TILE, rest)
        return bool(found) and can_be(*found)
