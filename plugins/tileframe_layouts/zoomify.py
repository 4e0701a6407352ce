"""The Zoomify layout.

Tiles are counted from the top level down, row by row, and every 256 of them share a folder ``TileGroupN``.
Level sizes are rounded up, as libvips and OpenLayers do it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import accumulate

from tileframe import CheckError, OptionError, Pyramid, Size, TileAddress
from tileframe_layouts.descriptors import number, suffix, xml_root
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

DESCRIPTOR = "ImageProperties.xml"
GROUP = 256
"""Tiles in one folder."""
TILE = re.compile(f"TileGroup{NUMBER}/{NUMBER}-{NUMBER}-{NUMBER}{SUFFIX}")
FORMATS = ("jpg", "png", "webp", "avif", "jxl")


class ZoomifyLayout(GridLayout):
    """Names ``NAME/ImageProperties.xml`` and ``NAME/TileGroupN/LEVEL-COL-ROW.SUFFIX``; level 0 is one tile."""

    known = (DESCRIPTOR,)

    def __init__(self, name: str, suffix: str, pyramid: Pyramid) -> None:
        without_overlap("zoomify", pyramid)
        ending = shown_suffix("zoomify", suffix, FORMATS)
        super().__init__(ending, pyramid, folder=name, levels=single_tile_levels(pyramid))
        self._before = list(accumulate((self._grids[level].area for level in self.levels), initial=0))
        self._tail = f".{ending}"

    def key(self, tile: TileAddress) -> str:
        """Return the key of ``tile``, with forward slashes."""
        level = tile.level - self.levels.start
        group = (self._before[level] + tile.row * self._grids[tile.level].width + tile.col) // GROUP
        return f"{self._inside}TileGroup{group}/{level}-{tile.col}-{tile.row}{self._tail}"

    def descriptor(self) -> Mapping[str, bytes]:
        """Return ``ImageProperties.xml``, as dzsave writes it; tiles other than JPEG are named in it."""
        base, side = self._pyramid.base, self._pyramid.tile_size
        tiles = f'WIDTH="{base.width}" HEIGHT="{base.height}" NUMTILES="{self._before[-1]}" NUMIMAGES="1"'
        other = "" if self._suffix == "jpg" else f'FORMAT="{self._suffix}" '
        text = f'<IMAGE_PROPERTIES {tiles} VERSION="1.8" TILESIZE="{side}" {other}/>\n'
        return {f"{self._inside}{DESCRIPTOR}": text.encode()}

    def _parse(self, rest: str) -> TileAddress | None:
        found = numbers(TILE, rest)
        return TileAddress(found[1] + self.levels.start, found[2], found[3]) if found else None

    def _looks_like_a_tile(self, rest: str) -> bool:
        found = numbers(TILE, rest)
        return bool(found) and can_be(*found[1:])


def read(data: bytes) -> tuple[Pyramid, str]:
    """Return the pyramid that an ``ImageProperties.xml`` describes and the suffix of its tiles.

    `CheckError` if it describes none, or one whose levels are not rounded up: they have other tiles.
    """
    image = xml_root(data, "IMAGE_PROPERTIES")
    try:
        pyramid = Pyramid(Size(number(image, "WIDTH"), number(image, "HEIGHT")), number(image, "TILESIZE"), 0)
    except OptionError as error:
        raise CheckError(f"the descriptor is wrong: {error}") from error
    count = sum(pyramid.grid(level).area for level in single_tile_levels(pyramid))
    if number(image, "NUMTILES", digits=20) != count:
        raise CheckError(f"the descriptor's NUMTILES must be {count} for these sizes, not {image.get('NUMTILES')}")
    return pyramid, suffix(image.get("FORMAT", "jpg"), "FORMAT")
