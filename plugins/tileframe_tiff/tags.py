"""The tags of a TIFF: the numbers that are used here, and how to read them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from tileframe import UnsupportedInput

# Without a handler, what it logs of each odd tag goes to stderr, beside our own one message.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

NONE, OLD_JPEG, LZW, JPEG, DEFLATE, OLD_DEFLATE, JP2K_YCBCR, JP2K_RGB = 1, 6, 5, 7, 8, 32946, 33003, 33005
DEFLATES, JP2KS = (DEFLATE, OLD_DEFLATE), (JP2K_YCBCR, JP2K_RGB)
MINISWHITE, MINISBLACK, RGB, PALETTE, MASK_COLOURS, SEPARATED, YCBCR, CIELAB, ICCLAB = 0, 1, 2, 3, 4, 5, 6, 8, 9
CFA, LINEAR_RAW = 32803, 34892
SEPARATE = 2
REDUCED, PAGE, MASK = 1, 2, 4
PREMULTIPLIED, STRAIGHT = 1, 2
SUBFILE, DESCRIPTION, PAGE_NAME, PAGE_NUMBER, SOFTWARE, COLOUR_MAP, SUB_IFDS = 254, 270, 285, 297, 305, 320, 330
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 282, 283, 296
XMP, ICC, GDAL_METADATA, GDAL_NODATA, DNG_VERSION, NDPI = 700, 34675, 42112, 42113, 50706, 65420
OLD_SUBFILE = 255
TEXTS = (269, DESCRIPTION, 271, 272, PAGE_NAME, SOFTWARE, 315, 316, XMP, 33432, GDAL_METADATA, GDAL_NODATA)
KEPT = (ICC, NDPI, SUBFILE, OLD_SUBFILE, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT, COLOUR_MAP, PAGE_NUMBER,
        DNG_VERSION, *range(512, 522), 529, 530, 532, *TEXTS)  # fmt: skip
"""What is looked at after the file is closed."""


def unusual(tags: Any) -> str | None:
    """Say why pixels are not 8-bit RGB or grey of the plain kind; None if they are."""
    samples, depths = integer(tags, 277, 1), set(integers(tags, 258) or (1,))
    if depths != {8} or set(integers(tags, 339) or (1,)) != {1}:
        return f"{'/'.join(map(str, sorted(depths)))}-bit samples, or signed or floating-point ones"
    if integers(tags, 338):
        return "alpha"
    if samples > 1 and integer(tags, 284, 1) != 1:
        return "separate planes"
    if integer(tags, 266, 1) != 1 or integer(tags, 32997, 1) != 1:
        return "reversed bits or a depth"
    wanted = {MINISBLACK: 1, RGB: 3, YCBCR: 3}
    photometric, compression = integer(tags, 262, -1), integer(tags, 259, 1)
    if wanted.get(photometric) != samples:
        return f"{samples} samples of photometric {photometric}"
    if photometric == YCBCR and compression not in (JPEG, JP2K_YCBCR):
        return "YCbCr that is not JPEG"
    if integer(tags, 317, 1) not in (1, 2):
        return f"the predictor {integer(tags, 317)}"
    return None


def integer(tags: Any, code: int, default: int | None = None) -> int:
    """Return a tag that has one number; ``default`` where it is absent."""
    values = integers(tags, code)
    if not values and default is not None:
        return default
    if len(values) != 1:
        raise UnsupportedInput(f"a TIFF whose tag {code} has {len(values)} values, not one")
    return values[0]


def integers(tags: Any, code: int) -> Sequence[int]:
    """Return a tag's numbers; none where it is absent."""
    value = tags.valueof(code, default=())
    value = tuple(value.tolist()) if isinstance(value, np.ndarray) else value
    values = value if isinstance(value, tuple) else (value,)
    if not all(isinstance(number, int) and number >= 0 for number in values):
        raise UnsupportedInput(f"a TIFF whose tag {code} is no number")
    return values


def text(tags: Any, code: int) -> str:
    """Return a tag as text; empty where it is absent."""
    value = tags.valueof(code, default="")
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
