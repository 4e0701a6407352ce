"""An Aperio-like slide from a picture: JPEG tiles in YCbCr 4:2:0, and native levels at 1, 4 and 16."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import imagecodecs
import pyvips
import tifffile

SIDE = 240
STEP = 4
LEVELS = 3


def save_svs(path: Path, picture: pyvips.Image, *, quality: int) -> None:
    """Write ``picture`` to ``path``, a row of tiles at a time; lower levels are means of 4x4, rounded down in size."""
    base = f"{picture.width}x{picture.height}"
    kind = f"JPEG/RGB Q={quality}"
    with tifffile.TiffWriter(path) as file, ThreadPoolExecutor() as pool:
        for level in range(LEVELS):
            size = f"{picture.width}x{picture.height}"
            described = (
                f"{base} [0,0 {base}] ({SIDE}x{SIDE}) {'' if level == 0 else f'-> {size} '}{kind}"
                "|AppMag = 20|MPP = 0.4990"
            )
            smaller: list[pyvips.Image] = []
            file.write(
                _tiles(picture, quality, pool, smaller),
                shape=(picture.height, picture.width, 3),
                dtype="uint8",
                tile=(SIDE, SIDE),
                photometric="ycbcr",
                subsampling=(2, 2),
                compression="jpeg",
                description=f"Aperio Image Library v11.2.1 \r\n{described}",
                metadata=None,
                software=False,
            )
            next_width, next_height = max(1, picture.width // STEP), max(1, picture.height // STEP)
            picture = pyvips.Image.arrayjoin(smaller, across=1).crop(0, 0, next_width, next_height)


def _tiles(
    picture: pyvips.Image, quality: int, pool: ThreadPoolExecutor, smaller: list[pyvips.Image]
) -> Iterator[bytes]:
    """Yield the encoded tiles, row by row, and add each row of them to ``smaller``, shrunk, for the next level.

    What lies beyond the picture repeats its last row and column.
    """
    cols, rows = -(-picture.width // SIDE), -(-picture.height // SIDE)
    whole = picture.embed(0, 0, cols * SIDE, rows * SIDE, extend="copy")
    encode = partial(
        imagecodecs.jpeg8_encode, level=quality, colorspace="RGB", outcolorspace="YCBCR", subsampling="420"
    )
    for row in range(rows):
        strip = whole.crop(0, row * SIDE, whole.width, SIDE).numpy()
        smaller.append(pyvips.Image.new_from_array(strip).shrink(STEP, STEP).copy_memory())
        yield from map(bytes, pool.map(encode, (strip[:, x : x + SIDE] for x in range(0, whole.width, SIDE))))
