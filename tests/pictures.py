"""Pictures and slides that tests make for themselves."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from tileframe import Size
from tileframe.pixels import Pixels, halve
from tileframe_demo.svs import LOSSLESS, SvsWriter, cut
from tileframe_demo.svs import jpeg as jpeg_codec

MPP = 0.499


def gradient(width: int, height: int) -> Pixels:
    """RGB8 in which every pixel is unlike its neighbours, so that a shift by one is seen."""
    return _gradient(width, height).copy()


@lru_cache(maxsize=6)
def _gradient(width: int, height: int) -> Pixels:
    y, x = np.mgrid[0:height, 0:width].astype(np.uint32)
    red, green, blue = (
        (x * 7 + y * 3) % 256,
        (x * 5 + y * 11 + x * y // 64) % 256,
        (x // 3 + y // 5 + (x ^ y) * 13) % 256,
    )
    return np.dstack([red, green, blue]).astype(np.uint8)


@lru_cache(maxsize=6)
def photo(width: int, height: int, *, seed: int = 1) -> Pixels:
    """RGB8 that is smooth enough for JPEG, with detail; it cannot be written to, for it is made once."""
    small = np.random.default_rng(seed).integers(0, 256, (height // 16 + 2, width // 16 + 2, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


def png(path: Path, pixels: Pixels) -> Path:
    Image.fromarray(pixels).save(path, compress_level=1)
    return path


def jpeg(path: Path, pixels: Pixels, **how: Any) -> Path:
    Image.fromarray(pixels).save(path, **{"quality": 92, **how})
    return path


def svs(
    path: Path,
    pixels: Pixels,
    *,
    levels: tuple[int, ...] = (1, 4),
    lossless: bool = False,
    icc: bytes | None = None,
) -> Path:
    """An Aperio-like slide with these downsamples; each level halved from the one before."""
    codec = (LOSSLESS if lossless else jpeg_codec(90)) | ({} if icc is None else {"iccprofile": icc})
    with SvsWriter(path, Size(pixels.shape[1], pixels.shape[0]), codec, mpp=MPP) as writer:
        level, scale = pixels, 1
        for downsample in levels:
            while scale < downsample:
                level, scale = halve(level), scale * 2
            writer.add_level(Size(level.shape[1], level.shape[0]), cut(level, 256))
            if downsample == 1:
                writer.add_thumbnail(np.ascontiguousarray(pixels[::8, ::8]))
    return path


def tile_data(path: Path, index: int) -> tuple[int, int]:
    """Where the bytes of tile ``index`` of the base of a tiled TIFF are: offset and length."""
    with tifffile.TiffFile(path) as file:
        page = file.pages.first
        return page.dataoffsets[index], page.databytecounts[index]


def damage_tile(path: Path, index: int) -> Path:
    """Overwrite the second half of a tile's compressed data with zeros."""
    offset, length = tile_data(path, index)
    with path.open("r+b") as file:
        file.seek(offset + length // 2)
        file.write(bytes(length - length // 2))
    return path


def edge_sizes() -> Iterator[Size]:
    """Where geometry goes wrong: the edge sizes of the case matrix."""
    pairs = [(1, 1), (1, 300), (253, 254), (254, 254), (255, 255), (256, 508), (508, 509), (509, 763), (1021, 769)]
    yield from (Size(*pair) for pair in pairs)
