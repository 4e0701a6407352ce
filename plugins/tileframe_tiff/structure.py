"""The pages of a TIFF: their tags, checked, and where the bytes of their tiles or strips are."""

from __future__ import annotations

import logging
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from tileframe import Size, UnsupportedInput

# Without a handler, what it logs of each odd tag goes to stderr, beside our own one message.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

NONE, LZW, JPEG, DEFLATE, OLD_DEFLATE, JP2K_YCBCR, JP2K_RGB = 1, 5, 7, 8, 32946, 33003, 33005
DEFLATES, JP2KS = (DEFLATE, OLD_DEFLATE), (JP2K_YCBCR, JP2K_RGB)
MINISBLACK, RGB, YCBCR = 1, 2, 6
TEXTS = (269, 270, 271, 272, 305, 315, 316, 700, 33432)
REFUSED_PAGES = 100_000


@dataclass(frozen=True)
class Page:
    """One picture of a TIFF: what its tags say."""

    number: int
    size: Size
    tile_size: Size | None
    """None for strips."""
    rows: int
    """Of a tile or a whole strip."""
    compression: int
    photometric: int
    samples: int
    """A pixel."""
    predictor: int
    offsets: Sequence[int]
    """Of its tiles or strips, row by row."""
    counts: Sequence[int]
    """Their lengths in bytes."""
    jpeg_tables: bytes | None
    tags: Any
    """All, for what is of use to one format."""
    unusual: str | None
    """Why its pixels are left to other readers; None for 8-bit RGB and grey of the usual kind."""

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
        """How many bytes a whole tile or strip is when decoded."""
        return self.chunk.area * self.samples

    @property
    def end(self) -> int:
        """The end of its last tile or strip in the file."""
        return max(map(sum, zip(self.offsets, self.counts, strict=True)), default=0)

    def text(self, tag: int) -> str:
        """Return a tag as text; empty where there is none."""
        value = self.tags.valueof(tag, default="")
        return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def pages_of(path: Path) -> list[Page]:
    """Return every page in the file's chain; `UnsupportedInput` if that, or a tag that is needed, cannot be read."""
    try:
        # Of damaged numbers, numpy would say on stderr that they overflow.
        with np.errstate(all="ignore"), tifffile.TiffFile(path) as file:
            count = _chain_length(file.filehandle)
            if count != len(file.pages):
                raise UnsupportedInput("its chain of pages is broken")
            # All tags are read while the file is open; large ones otherwise only when they are asked for.
            return [_page(number, file.pages[number]) for number in range(count)]
    except UnsupportedInput:
        raise
    except Exception as error:  # tifffile raises anything on damaged files, from KeyError to struct.error
        raise UnsupportedInput(f"its structure cannot be read ({' '.join(str(error).split())})") from error


def _chain_length(file: Any) -> int:
    """Follow the pages from one to the next; tifffile passes over a link that leads nowhere."""
    file.seek(0)
    head = file.read(16)
    order = "<" if head[:2] == b"II" else ">"
    big = struct.unpack(order + "H", head[2:4])[0] == 43
    number, link, entry = ("Q", "Q", 20) if big else ("H", "I", 12)
    place = struct.unpack(order + link, head[8:16] if big else head[4:8])[0]
    seen: set[int] = set()
    while place:
        if place in seen or len(seen) >= REFUSED_PAGES:
            raise UnsupportedInput("its chain of pages does not end")
        seen.add(place)
        entries = _number(file, place, order + number)
        place = _number(file, place + struct.calcsize(number) + entries * entry, order + link)
    return len(seen)


def _number(file: Any, place: int, form: str) -> int:
    file.seek(place)
    found: int = struct.unpack(form, file.read(struct.calcsize(form)))[0]
    return found


def _page(number: int, page: Any) -> Page:
    tags = page.tags
    tiled = 322 in tags or 323 in tags
    size = Size(_integer(tags, 256), _integer(tags, 257))
    tile_size = Size(_integer(tags, 322), _integer(tags, 323)) if tiled else None
    rows = tile_size.height if tile_size else min(_integer(tags, 278, size.height), size.height)
    if min(size.width, size.height, rows, tile_size.width if tile_size else 1) < 1:
        raise UnsupportedInput(f"page {number} has no pixels")
    for code in (34675, 65420, 254, 255, 282, 283, 296, *TEXTS):
        tags.valueof(code)
    tables = tags.valueof(347)
    return Page(
        number,
        size,
        tile_size,
        rows,
        compression=_integer(tags, 259, 1),
        photometric=_integer(tags, 262, -1),
        samples=_integer(tags, 277, 1),
        predictor=_integer(tags, 317, 1),
        offsets=_integers(tags, 324 if tiled else 273),
        counts=_integers(tags, 325 if tiled else 279),
        jpeg_tables=tables if tables is None or isinstance(tables, bytes) else bytes(tables),
        tags=tags,
        unusual=_unusual(tags),
    )


def _unusual(tags: Any) -> str | None:
    samples, depths = _integer(tags, 277, 1), set(_integers(tags, 258) or (1,))
    if depths != {8} or set(_integers(tags, 339) or (1,)) != {1}:
        return f"{'/'.join(map(str, sorted(depths)))}-bit samples, or signed or floating-point ones"
    if _integers(tags, 338):
        return "alpha"
    if samples > 1 and _integer(tags, 284, 1) != 1:
        return "separate planes"
    if _integer(tags, 274, 1) != 1:
        return f"the orientation {_integer(tags, 274)}"
    if _integer(tags, 266, 1) != 1 or _integer(tags, 32997, 1) != 1:
        return "reversed bits or a depth"
    wanted = {MINISBLACK: 1, RGB: 3, YCBCR: 3}
    photometric, compression = _integer(tags, 262, -1), _integer(tags, 259, 1)
    if wanted.get(photometric) != samples:
        return f"{samples} samples of photometric {photometric}"
    if photometric == YCBCR and compression not in (JPEG, JP2K_YCBCR):
        return "YCbCr that is not JPEG"
    if _integer(tags, 317, 1) not in (1, 2):
        return f"the predictor {_integer(tags, 317)}"
    return None


def _integer(tags: Any, code: int, default: int | None = None) -> int:
    values = _integers(tags, code)
    if not values and default is not None:
        return default
    if len(values) != 1:
        raise UnsupportedInput(f"tag {code} has {len(values)} values")
    return values[0]


def _integers(tags: Any, code: int) -> Sequence[int]:
    value = tags.valueof(code, default=())
    value = tuple(value.tolist()) if isinstance(value, np.ndarray) else value
    values = value if isinstance(value, tuple) else (value,)
    if not all(isinstance(number, int) and number >= 0 for number in values):
        raise UnsupportedInput(f"tag {code} is no number")
    return values
