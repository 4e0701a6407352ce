"""May the base tiles of a pyramid be the slide's own, as they are compressed in it?"""

from __future__ import annotations

from tileframe.errors import OptionError
from tileframe.facts import Encoding, SlideFacts
from tileframe.geometry import Pyramid, Size
from tileframe.hooks import LayoutPlugin
from tileframe.protocols import CompressedTiles, Managed
from tileframe.records import NATIVE, Spec

NOT_STORED = "it does not give the slide's tiles as they are stored"


def pyramid_of(spec: Spec, layout: LayoutPlugin, facts: SlideFacts, base: Size, *, passthrough: bool) -> Pyramid:
    """Return the pyramid that ``spec`` asks for, ``base`` large; with ``passthrough``, with the slide's own tile size.

    `OptionError` for the slide's own tile size where it has none.
    """
    own, tile_size, overlap = facts.tile_size, spec.tile_size, spec.overlap
    if tile_size == NATIVE or (tile_size is None and passthrough):
        if own is None or own.width != own.height:
            has = "is not stored in tiles" if own is None else f"has tiles of {own}, which are not square"
            raise OptionError(f"{spec.slide}: {has}; give --tile-size a number")
        tile_size = own.width
    if overlap is None:
        overlap = 0 if passthrough else layout.overlap
    return Pyramid(base, layout.tile_size if tile_size is None else tile_size, overlap)


def refused(spec: Spec, found: Managed, encoding: Encoding) -> str | None:
    """Say why the tiles of the source ``found`` cannot be the base tiles of the pyramid; None if they can."""
    source, own = found.source, found.source.facts.tile_size
    if encoding.format != "jpeg":
        return f"the tiles are to be {encoding.format}, not jpeg"
    if found.record.converted:
        return f"its colours are to be converted to sRGB from '{found.record.profile}'; give --color keep or embed"
    if not isinstance(source, CompressedTiles) or own is None:
        return NOT_STORED
    if own.width != own.height:
        return f"its tiles are {own}, which is not square"
    if why := source.refuses_compressed():
        return why
    if spec.tile_size not in (None, NATIVE, own.width):
        return f"its tiles have {own.width} pixels a side; give --tile-size native, not {spec.tile_size}"
    if spec.overlap:
        return f"its tiles do not overlap; give --overlap 0, not {spec.overlap}"
    return None
