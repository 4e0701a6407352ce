"""May the base tiles of a pyramid be the slide's own, as they are compressed in it?"""

from __future__ import annotations

from tileframe.errors import OptionError
from tileframe.geometry import Box, Pyramid
from tileframe.interfaces import CompressedTiles, Source, Writer
from tileframe.model import NATIVE, OVERLAP, TILE_SIZE, JobSpec

NOT_STORED = "it does not give the slide's tiles as they are stored"


def pyramid_of(spec: JobSpec, source: Source, region: Box, *, passthrough: bool) -> Pyramid:
    """Return the pyramid that ``spec`` asks for of ``region``; with ``passthrough``, on the slide's own grid.

    `OptionError` for the slide's own tile size where it has none.
    """
    own, tile_size, overlap = source.facts.tile_size, spec.tile_size, spec.overlap
    if tile_size == NATIVE or (tile_size is None and passthrough):
        if own is None or own.width != own.height:
            has = "is not stored in tiles" if own is None else f"has tiles of {own}, which are not square"
            raise OptionError(f"{spec.slide}: {has}; give --tile-size a number")
        tile_size = own.width
    if overlap is None:
        overlap = 0 if passthrough else OVERLAP
    return Pyramid(region.size, TILE_SIZE if tile_size is None else tile_size, overlap)


def refused(spec: JobSpec, source: Source, region: Box, writer: Writer) -> str | None:
    """Say why the tiles of ``source`` cannot be the base tiles of the pyramid; None if they can."""
    own = source.facts.tile_size
    if writer.encoding.format != "jpeg":
        return f"the tiles are to be {writer.encoding.format}, not jpeg"
    if not isinstance(source, CompressedTiles) or own is None:
        return NOT_STORED
    if why := source.refuses_compressed():
        return why
    if own.width != own.height:
        return f"its tiles are {own}, which is not square"
    if spec.tile_size not in (None, NATIVE, own.width):
        return f"its tiles have {own.width} pixels a side; give --tile-size native, not {spec.tile_size}"
    if spec.overlap:
        return f"its tiles do not overlap; give --overlap 0, not {spec.overlap}"
    if region.x % own.width or region.y % own.height:
        return f"the scanned part begins inside a tile, at ({region.x}, {region.y}); give --no-limit-bounds"
    return None
