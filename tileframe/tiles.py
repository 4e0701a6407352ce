"""One tile at any address of a source, by the pixel contract: for servers, pipelines and as a reference."""

from __future__ import annotations

from tileframe.errors import OptionError
from tileframe.facts import Access
from tileframe.geometry import Box, Pyramid, TileAddress
from tileframe.pixels import halve
from tileframe.protocols import Pixels, Source


def tile(source: Source, pyramid: Pyramid, address: TileAddress) -> Pixels:
    """Return the pixels of the tile ``address`` of ``pyramid``, RGB8 ``(height, width, 3)``, the overlap included.

    ``source`` is the whole base of ``pyramid`` and gives regions. Lower levels are made from the base, by the
    contract's 2x2 mean: a tile of 1/16 reads 256 times its own pixels. `OptionError` for what cannot be.
    """
    if source.facts.access is not Access.REGIONS:
        raise OptionError("single tiles are read from sources with region access, and this one gives rows in order")
    if source.facts.size != pyramid.base:
        raise OptionError(f"the pyramid's base is {pyramid.base}, and the source {source.facts.size}")
    if not pyramid.has(address):
        raise OptionError(f"the pyramid has no tile {address.col}, {address.row} on a level {address.level}")
    box, steps = pyramid.tile_box(address), pyramid.base_level - address.level
    base = Box(0, 0, pyramid.base.width, pyramid.base.height)
    wanted = Box(box.x << steps, box.y << steps, box.width << steps, box.height << steps)
    pixels = source.read(wanted.clipped(base))
    for _ in range(steps):
        pixels = halve(pixels)
    return pixels
