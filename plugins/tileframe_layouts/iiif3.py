"""The layout of a static IIIF image: Image API 3.0, level 0."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import chain, count
from typing import Any
from urllib.parse import quote

from tileframe import CheckError, OptionError, Pyramid, Size, TileAddress
from tileframe_layouts.descriptors import decoded, suffix
from tileframe_layouts.grids import (
    NUMBER,
    SUFFIX,
    GridLayout,
    numbers,
    shown_suffix,
    single_tile_levels,
    without_overlap,
)
from tileframe_layouts.options import Iiif3Options

DESCRIPTOR = "info.json"
CONTEXT = "http://iiif.io/api/image/3/context.json"
PROTOCOL = "http://iiif.io/api/image"
FORMATS = ("jpg", "png", "webp")
"""Of those that the API names, which have neither AVIF nor JPEG XL, what a viewer shows."""
REGION = re.compile(f"{NUMBER},{NUMBER},{NUMBER},{NUMBER}/{NUMBER},{NUMBER}/0/default{SUFFIX}")
FULL = re.compile(f"full/(?:max|[1-9][0-9]{{0,9}},[1-9][0-9]{{0,9}})/0/default{SUFFIX}")


class Iiif3Layout(GridLayout):
    """Names ``NAME/info.json``, ``NAME/X,Y,W,H/W,H/0/default.SUFFIX`` and, for the whole, ``NAME/full/W,H/...``.

    ``NAME/full/max/...`` is a copy of that largest picture of the whole.
    """

    known = (DESCRIPTOR,)

    def __init__(self, name: str, suffix: str, pyramid: Pyramid, options: Iiif3Options | None = None) -> None:
        without_overlap("iiif3", pyramid)
        ending = shown_suffix("iiif3", suffix, FORMATS)
        _refuse_equal_names(pyramid)
        super().__init__(ending, pyramid, folder=name, levels=single_tile_levels(pyramid))
        self._id = _identifier(name, (options or Iiif3Options()).id)
        self._tail = f"/0/default.{ending}"
        self._sizes = [pyramid.level_size(level) for level in range(pyramid.level_count)]
        self._steps = [pyramid.tile_size * pyramid.downsample(level) for level in range(pyramid.level_count)]
        self._by_step = {self._steps[level]: level for level in self.levels[1:]}
        self._whole = self._sizes[self.levels.start]
        self._top = f"{name}/full/{self._whole.width},{self._whole.height}{self._tail}"
        self.extras = {f"{name}/full/max{self._tail}": TileAddress(self.levels.start, 0, 0)}

    def key(self, tile: TileAddress) -> str:
        """Return the key of ``tile``, with forward slashes."""
        if tile.level == self.levels.start:
            return self._top
        x, y, width, height, scaled_width, scaled_height = self._numbers(tile.level, tile.col, tile.row)
        return f"{self._inside}{x},{y},{width},{height}/{scaled_width},{scaled_height}{self._tail}"

    def descriptor(self) -> Mapping[str, bytes]:
        """Return ``info.json``."""
        base, whole, side = self._pyramid.base, self._whole, self._pyramid.tile_size
        info: dict[str, Any] = {
            "@context": CONTEXT,
            "id": self._id,
            "type": "ImageService3",
            "protocol": PROTOCOL,
            "profile": "level0",
            "width": base.width,
            "height": base.height,
        }
        if whole != base:
            # Without a limit, full/max would have to be the base. It must not be below the size of a tile.
            info |= {"maxWidth": side, "maxHeight": side}
        info["sizes"] = [{"width": whole.width, "height": whole.height}]
        info["tiles"] = [{"width": side, "scaleFactors": _scales(self._pyramid)}]
        if self._suffix != "jpg":
            info |= {"extraFormats": [self._suffix], "preferredFormats": [self._suffix]}
        return {f"{self._inside}{DESCRIPTOR}": f"{json.dumps(info, indent=2)}\n".encode()}

    def _parse(self, rest: str) -> TileAddress | None:
        found = numbers(REGION, rest)
        if not found:
            return TileAddress(self.levels.start, 0, 0)  # if it is any: `address` looks at the whole key
        # All but the last tiles of a level tell which one it is.
        told = (self._by_step.get(found[2]), self._by_step.get(found[3]), *self.levels[1:])
        for level in (level for level in told if level is not None):
            col, row = found[0] // self._steps[level], found[1] // self._steps[level]
            if self._numbers(level, col, row) == found:
                return TileAddress(level, col, row)
        return None

    def _numbers(self, level: int, col: int, row: int) -> tuple[int, ...]:
        """Return the region of a tile in the base, x, y, width and height, and its own width and height."""
        step, side, size, base = self._steps[level], self._pyramid.tile_size, self._sizes[level], self._pyramid.base
        x, y = col * step, row * step
        width, height = size.width - col * side, size.height - row * side
        region = (x, y, min(step, base.width - x), min(step, base.height - y))
        return (*region, min(side, width), min(side, height))

    def _looks_like_a_tile(self, rest: str) -> bool:
        return bool(REGION.fullmatch(rest) or FULL.fullmatch(rest))


def read(data: bytes) -> tuple[Pyramid, str]:
    """Return the pyramid that an ``info.json`` describes and the suffix of its tiles; `CheckError` if it has none.

    Its tiles must be squares of one size, at every level from the base to the first that fits one tile.
    """
    try:
        info = json.loads(decoded(data))
    except (ValueError, RecursionError) as error:
        raise CheckError("the descriptor is not JSON") from error
    if not isinstance(info, dict) or info.get("protocol") != PROTOCOL or info.get("type") != "ImageService3":
        raise CheckError("the descriptor is not an ImageService3 of the IIIF Image API")
    tiles = info.get("tiles")
    if not isinstance(tiles, list) or len(tiles) != 1 or not isinstance(tiles[0], dict):
        raise CheckError("the descriptor's tiles must be a list of one size of tiles")
    side = _number(tiles[0], "width")
    if "height" in tiles[0] and _number(tiles[0], "height") != side:
        raise CheckError(f"the descriptor's tiles must be squares, not {side}x{tiles[0]['height']}")
    try:
        pyramid = Pyramid(Size(_number(info, "width"), _number(info, "height")), side, 0)
    except OptionError as error:
        raise CheckError(f"the descriptor is wrong: {error}") from error
    if tiles[0].get("scaleFactors") != _scales(pyramid):
        raise CheckError(f"the descriptor's scaleFactors must be {_scales(pyramid)} for these sizes")
    preferred = info.get("preferredFormats", ["jpg"])
    if not isinstance(preferred, list) or not preferred:
        raise CheckError("the descriptor's preferredFormats must be a list of suffixes")
    return pyramid, suffix(preferred[0], "preferredFormats")


def _scales(pyramid: Pyramid) -> list[int]:
    return [pyramid.downsample(level) for level in reversed(single_tile_levels(pyramid))]


def _number(record: Mapping[str, Any], name: str) -> int:
    value = record.get(name)
    if type(value) is not int:
        raise CheckError(f"the descriptor's {name} must be a whole number, not {json.dumps(value)[:60]}")
    return value


def _identifier(name: str, folder: str) -> str:
    # Every name can be part of a URL, also those that are not UTF-8.
    path = quote(name.encode("utf-8", "surrogateescape"), safe="")
    if not folder:
        return path
    if not re.fullmatch(r"https?://[^/\s?#]+[^\s?#]*", folder):
        raise OptionError(f"id of the layout iiif3 must be a URL, as https://example.org/slides, not '{folder}'")
    return f"{folder.rstrip('/')}/{path}"


def _refuse_equal_names(pyramid: Pyramid) -> None:
    """Refuse the few sizes where IIIF has one name, and so one file, for the last tiles of two levels.

    As 1025x1025 in tiles of 512: ``1024,1024,1,1/1,1`` is its last pixel at scale 1 and at scale 2.
    """
    if _has_equal_names(pyramid):
        side = pyramid.tile_size
        others = chain(range(side - 1, 0, -1), count(side + 1))
        other = next(other for other in others if not _has_equal_names(replace(pyramid, tile_size=other)))
        raise OptionError(
            f"the layout iiif3 has one name for two tiles of {pyramid.base} with the tile size {side}; take {other}"
        )


def _has_equal_names(pyramid: Pyramid) -> bool:
    for level in single_tile_levels(pyramid)[1:-1]:
        grid, step = pyramid.grid(level), pyramid.tile_size * pyramid.downsample(level)
        right, below = pyramid.base.width - (grid.width - 1) * step, pyramid.base.height - (grid.height - 1) * step
        if max(right, below) <= pyramid.downsample(level + 1):
            return True
    return False
