"""An Aperio-like slide from a picture, with native levels at 1, 4 and 16.

Its tiles are JPEG in YCbCr 4:2:0, or JPEG 2000 in RGB.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pyvips
import tifffile
from numpy.typing import NDArray

SIDE = 240
STEP = 4
LEVELS = 3
RGB_JPEG_2000 = 33005  # Aperio's own TIFF compression

JPEG: dict[str, Any] = {"photometric": "ycbcr", "subsampling": (2, 2), "compression": "jpeg"}
JPEG_2000: dict[str, Any] = {"photometric": "rgb", "compression": RGB_JPEG_2000}

Encode = Callable[[NDArray[np.uint8]], bytes | bytearray]


def save_svs(path: Path, picture: pyvips.Image, *, quality: int, jpeg_2000: bool = False) -> None:
    """Write ``picture`` to ``path``, a row of tiles at a time; lower levels are means of 4x4, rounded down in size.

    ``quality`` is that of JPEG, 1 to 100; with ``jpeg_2000`` it is the signal to noise ratio in dB.
    """
    encode, stored = (_jpeg_2000(quality), JPEG_2000) if jpeg_2000 else (_jpeg(quality), JPEG)
    base = f"{picture.width}x{picture.height}"
    kind = f"{'J2K' if jpeg_2000 else 'JPEG'}/RGB Q={quality}"
    with tifffile.TiffWriter(path) as file, ThreadPoolExecutor() as pool:
        for level in range(LEVELS):
            size = f"{picture.width}x{picture.height}"
            described = (
                f"{base} [0,0 {base}] ({SIDE}x{SIDE}) {'' if level == 0 else f'-> {size} '}{kind}"
                "|AppMag = 20|MPP = 0.4990"
            )
            smaller: list[pyvips.Image] = []
            file.write(
                _tiles(picture, encode, pool, smaller),
                shape=(picture.height, picture.width, 3),
                dtype="uint8",
                tile=(SIDE, SIDE),
                description=f"Aperio Image Library v11.2.1 \r\n{described}",
                metadata=None,
                software=False,
                **stored,
            )
            next_width, next_height = max(1, picture.width // STEP), max(1, picture.height // STEP)
            picture = pyvips.Image.arrayjoin(smaller, across=1).crop(0, 0, next_width, next_height)


def _tiles(
    picture: pyvips.Image, encode: Encode, pool: ThreadPoolExecutor, smaller: list[pyvips.Image]
) -> Iterator[bytes]:
    """Yield the encoded tiles, row by row, and add each row of them to ``smaller``, shrunk, for the next level.

    What lies beyond the picture repeats its last row and column.
    """
    cols, rows = -(-picture.width // SIDE), -(-picture.height // SIDE)
    whole = picture.embed(0, 0, cols * SIDE, rows * SIDE, extend="copy")
    for row in range(rows):
        strip = whole.crop(0, row * SIDE, whole.width, SIDE).numpy()
        smaller.append(pyvips.Image.new_from_array(strip).shrink(STEP, STEP).copy_memory())
        yield from map(bytes, pool.map(encode, (strip[:, x : x + SIDE] for x in range(0, whole.width, SIDE))))


def _jpeg(quality: int) -> Encode:
    return partial(imagecodecs.jpeg8_encode, level=quality, colorspace="RGB", outcolorspace="YCBCR", subsampling="420")


def _jpeg_2000(decibels: int) -> Encode:
    encode = partial(imagecodecs.jpeg2k_encode, level=decibels, codecformat="J2K", reversible=False, mct=True)
    # The encoder takes no part of a larger array.
    return lambda pixels: encode(np.ascontiguousarray(pixels))
