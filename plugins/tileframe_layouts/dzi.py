"""The Deep Zoom layout.

The descriptor is Microsoft's ``http://schemas.microsoft.com/deepzoom/2008`` schema, which OpenSlide,
libvips and every viewer use.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from tileframe import CheckError, OptionError, Pyramid, Size, TileAddress
from tileframe_layouts.descriptors import number, suffix, xml_root
from tileframe_layouts.grids import NUMBER, SUFFIX, GridLayout, can_be, numbers

NAMESPACE = "http://schemas.microsoft.com/deepzoom/2008"
TILE = re.compile(f"{NUMBER}/{NUMBER}_{NUMBER}{SUFFIX}")


class DziLayout(GridLayout):
    """Names ``NAME.dzi`` and ``NAME_files/LEVEL/COL_ROW.SUFFIX``; level 0 is one pixel."""

    known = ("vips-properties.xml",)

    def __init__(self, name: str, suffix: str, pyramid: Pyramid) -> None:
        super().__init__(suffix, pyramid, folder=f"{name}_files", levels=range(pyramid.level_count))
        self._name = name
        self._heads = [f"{self.folder}/{level}/" for level in self.levels]
        self._tail = f".{suffix}"

    def key(self, tile: TileAddress) -> str:
        """Return the key of ``tile``, with forward slashes."""
        return f"{self._heads[tile.level]}{tile.col}_{tile.row}{self._tail}"

    def descriptor(self) -> Mapping[str, bytes]:
        """Return ``NAME.dzi``."""
        pyramid = self._pyramid
        text = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<Image xmlns="{NAMESPACE}" Format="{self._suffix}" Overlap="{pyramid.overlap}"'
            f' TileSize="{pyramid.tile_size}">\n'
            f'  <Size Width="{pyramid.base.width}" Height="{pyramid.base.height}"/>\n'
            "</Image>\n"
        )
        return {f"{self._name}.dzi": text.encode()}

    def _parse(self, rest: str) -> TileAddress | None:
        found = numbers(TILE, rest)
        return TileAddress(*found) if found else None

    def _looks_like_a_tile(self, rest: str) -> bool:
        found = numbers(TILE, rest)
        return bool(found) and can_be(*found)


def read(data: bytes) -> tuple[Pyramid, str]:
    """Return the pyramid that a ``.dzi`` file describes and the suffix of its tiles; `CheckError` if it has none."""
    image = xml_root(data, "Image")
    size = image.find("{*}Size")
    if size is None:
        raise CheckError("the descriptor is not an <Image> with a <Size>")
    ending = suffix(image.get("Format", ""), "Format")
    try:
        base = Size(number(size, "Width"), number(size, "Height"))
        return Pyramid(base, number(image, "TileSize"), number(image, "Overlap")), ending
    except OptionError as error:
        raise CheckError(f"the descriptor is wrong: {error}") from error
