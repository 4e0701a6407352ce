"""The Deep Zoom layout: tile keys, and the `.dzi` descriptor as text and back.

The descriptor is Microsoft's ``http://schemas.microsoft.com/deepzoom/2008`` schema, which OpenSlide,
libvips and every viewer use.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tileframe.errors import CheckError, OptionError
from tileframe.geometry import Pyramid, Size, TileAddress

NAMESPACE = "http://schemas.microsoft.com/deepzoom/2008"


def descriptor(pyramid: Pyramid, suffix: str) -> str:
    """Return the `.dzi` text of ``pyramid``, whose tiles end in ``.suffix``."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Image xmlns="{NAMESPACE}" Format="{suffix}" Overlap="{pyramid.overlap}" TileSize="{pyramid.tile_size}">\n'
        f'  <Size Width="{pyramid.base.width}" Height="{pyramid.base.height}"/>\n'
        "</Image>\n"
    )


def parse_descriptor(text: str) -> tuple[Pyramid, str]:
    """Return the pyramid that a `.dzi` text describes and the suffix of its tiles; `CheckError` if it has none."""
    if "<!DOCTYPE" in text:
        raise CheckError("the descriptor has a document type, which no Deep Zoom writer makes")
    try:
        image = ET.fromstring(text)
    except ET.ParseError as error:
        raise CheckError(f"the descriptor is not XML: {error}") from error
    size = image.find("{*}Size")
    if image.tag.rpartition("}")[2] != "Image" or size is None:
        raise CheckError("the descriptor is not an <Image> with a <Size>")
    suffix = image.get("Format", "")
    if not re.fullmatch(r"[A-Za-z0-9]+", suffix):
        raise CheckError(f"the descriptor's Format must be the suffix of a file, not '{suffix}'")
    try:
        base = Size(_number(size, "Width"), _number(size, "Height"))
        return Pyramid(base, _number(image, "TileSize"), _number(image, "Overlap")), suffix
    except OptionError as error:
        raise CheckError(f"the descriptor is wrong: {error}") from error


def _number(element: ET.Element, name: str) -> int:
    text = element.get(name, "")
    # Not what int() takes besides: signs, spaces, underscores, other scripts' digits.
    if not re.fullmatch(r"[0-9]{1,10}", text):
        raise CheckError(f"the descriptor's {name} must be a whole number, not '{text}'")
    return int(text)


@dataclass(frozen=True, slots=True)
class DziLayout:
    """Names ``NAME.dzi`` and ``NAME_files/LEVEL/COL_ROW.SUFFIX``."""

    name: str
    suffix: str

    @property
    def folder(self) -> str:
        """The folder that holds the level folders."""
        return f"{self.name}_files"

    def key(self, tile: TileAddress) -> str:
        """Return the key of ``tile``, with forward slashes."""
        return f"{self.folder}/{tile.level}/{tile.col}_{tile.row}.{self.suffix}"

    def descriptor(self, pyramid: Pyramid) -> Mapping[str, bytes]:
        """Return the files that describe ``pyramid``, by key."""
        return {f"{self.name}.dzi": descriptor(pyramid, self.suffix).encode()}

    def keys(self, pyramid: Pyramid) -> Iterator[tuple[str, Size]]:
        """Yield every tile key of ``pyramid`` with the tile's size in pixels."""
        for level in range(pyramid.level_count):
            for tile in pyramid.tiles(level):
                yield self.key(tile), pyramid.tile_box(tile).size
