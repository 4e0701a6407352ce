"""The pictures of a TIFF: their tags, checked, and where the bytes of their tiles or strips are."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tifffile

from tileframe import InputError, Size, UnsupportedInput
from tileframe_tiff import tags as known
from tileframe_tiff.files import SharedFile
from tileframe_tiff.stacks import Stack, ome_stacks
from tileframe_tiff.tags import integer, integers, text

REFUSED_PAGES = 100_000


@dataclass(frozen=True)
class Page:
    """One picture of a TIFF: what its tags say."""

    number: int
    """In the chain of pictures, from 0; of a sub-picture, that of the picture it belongs to."""
    offset: int
    """Of its tags in the file."""
    size: Size
    tile_size: Size | None
    """None for strips."""
    rows: int
    """Of a tile or a whole strip."""
    compression: int
    photometric: int
    samples: int
    """A pixel."""
    bits: int
    """A sample; the most, where they differ."""
    planes: int
    """1, or as many as samples: each has tiles or strips of its own."""
    predictor: int
    extra: Sequence[int]
    """What the samples beyond the colours are, one number each."""
    orientation: int
    subfile: int
    """NewSubfileType: `tags.REDUCED`, `tags.PAGE` and `tags.MASK` as bits."""
    offsets: Sequence[int]
    """Of its tiles or strips, row by row, plane by plane."""
    counts: Sequence[int]
    """Their lengths in bytes; 0 for one that is absent."""
    jpeg_tables: bytes | None
    tags: Any
    """All, for what is of use to one format."""
    unusual: str | None
    """Why its pixels are not of the plain kind, 8-bit RGB or grey; None if they are."""
    unpack: Callable[..., Any] = field(repr=False)
    """tifffile's decoder of one tile or strip."""
    inner: tuple[Page, ...] = ()
    """Its sub-pictures: levels of it, or what a camera hides there."""

    @property
    def grid(self) -> Size:
        """How many tiles, or strips, there are across and down."""
        across = 1 if self.tile_size is None else -(-self.size.width // self.tile_size.width)
        return Size(across, -(-self.size.height // self.rows))

    @property
    def chunk(self) -> Size:
        """The size of a whole tile or strip."""
        return self.tile_size or Size(self.size.width, self.rows)

    @property
    def chunk_bytes(self) -> int:
        """How many bytes a whole tile or strip is when decoded, all planes together."""
        return self.chunk.area * self.samples * -(-self.bits // 8)

    @property
    def end(self) -> int:
        """The end of its last tile or strip in the file."""
        return max(map(sum, zip(self.offsets, self.counts, strict=False)), default=0)

    def text(self, tag: int) -> str:
        """Return a tag as text; empty where there is none."""
        return text(self.tags, tag)


@dataclass(frozen=True)
class Contents:
    """All that a TIFF holds."""

    pages: Sequence[Page]
    """Its chain of pictures."""
    broken: str | None
    """What is wrong with the link from the last of them to a further one; None for a chain that ends."""
    stacks: Sequence[Stack]
    """The images of an OME-TIFF, of which pages are the planes; empty for other files."""
    big_endian_classic: bool


def contents_of(shared: SharedFile) -> Contents:
    """Return what the file holds; `UnsupportedInput` if that, or a tag that is needed, cannot be read."""
    with shared.opened() as opened:
        return _contents_of(opened)


def _contents_of(opened: Any) -> Contents:
    try:
        # Of damaged numbers, numpy would say on stderr that they overflow.
        with np.errstate(all="ignore"), tifffile.TiffFile(opened) as file:
            places, broken = _chain(file.filehandle)
            pages: list[Page] = []
            # All tags are read while the file is open; large ones otherwise only when they are asked for.
            for number, place in enumerate(places):
                try:
                    pages.append(_page(file, number, place))
                except Exception as error:
                    if not pages:
                        raise
                    broken = f"leads to what is none: {_said(error)}"
                    break
            stacks = ome_stacks(file) if pages and file.is_ome else []
            file.filehandle.seek(0)
            return Contents(pages, broken, stacks, file.filehandle.read(4) == b"MM\0*")
    except (InputError, MemoryError):
        raise
    except Exception as error:  # tifffile raises anything on damaged files, from KeyError to struct.error
        raise UnsupportedInput(f"a TIFF whose structure cannot be read: {_said(error)}") from error


def _said(error: Exception) -> str:
    """Return what is wrong in words: Python's own, of a number that is a text, say nothing of the file."""
    words = " ".join(str(error).split())
    return words if words and isinstance(error, (tifffile.TiffFileError, UnsupportedInput)) else "its tags are damaged"


def _chain(file: Any) -> tuple[list[int], str | None]:
    """Return the places of the pictures, from one to the next, and what is wrong with the last link."""
    file.seek(0)
    head = file.read(16)
    order = "<" if head[:2] == b"II" else ">"
    big = struct.unpack(order + "H", head[2:4])[0] == 43
    number, link, entry = ("Q", "Q", 20) if big else ("H", "I", 12)
    place = struct.unpack(order + link, head[8:16] if big else head[4:8])[0]
    places: list[int] = []
    while place:
        if place in places or len(places) >= REFUSED_PAGES:
            return places, "leads back to an earlier one"
        entries = _number(file, place, order + number)
        end = place + struct.calcsize(number) + (entries or 0) * entry
        after = _number(file, end, order + link)
        if not entries or after is None:
            return places, f"leads to byte {place} of {file.size}, where none is"
        places.append(place)
        place = after
    return places, None


def _number(file: Any, place: int, form: str) -> int | None:
    if place + struct.calcsize(form) > file.size:
        return None
    file.seek(place)
    found: int = struct.unpack(form, file.read(struct.calcsize(form)))[0]
    return found


def _page(file: Any, number: int, place: int, *, inner: bool = False) -> Page:
    file.filehandle.seek(place)
    page = tifffile.TiffPage(file, number)
    tags = page.tags
    tiled = 322 in tags or 323 in tags
    size = Size(integer(tags, 256), integer(tags, 257))
    tile_size = Size(integer(tags, 322), integer(tags, 323)) if tiled else None
    rows = tile_size.height if tile_size else min(integer(tags, 278, size.height), size.height)
    if min(size.width, size.height, rows, tile_size.width if tile_size else 1) < 1:
        raise UnsupportedInput(f"a TIFF whose picture {number} has no pixels")
    for code in known.KEPT:
        tags.valueof(code)
    samples, tables = integer(tags, 277, 1), tags.valueof(347)
    below = () if inner else tuple(_page(file, number, at, inner=True) for at in integers(tags, known.SUB_IFDS) if at)
    return Page(
        number,
        place,
        size,
        tile_size,
        rows,
        compression=integer(tags, 259, 1),
        photometric=integer(tags, 262, known.RGB if samples > 2 else known.MINISBLACK),
        samples=samples,
        bits=max(integers(tags, 258), default=1),
        planes=samples if samples > 1 and integer(tags, 284, 1) == known.SEPARATE else 1,
        predictor=integer(tags, 317, 1),
        extra=integers(tags, 338),
        orientation=integer(tags, 274, 1),
        subfile=integer(tags, 254, 0),
        offsets=integers(tags, 324 if tiled else 273) or page.dataoffsets,
        counts=integers(tags, 325 if tiled else 279) or page.databytecounts,
        jpeg_tables=tables if tables is None or isinstance(tables, bytes) else bytes(tables),
        tags=tags,
        unusual=known.unusual(tags),
        unpack=page.decode,
        inner=below,
    )
