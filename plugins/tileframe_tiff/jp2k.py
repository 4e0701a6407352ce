"""JPEG 2000 tiles of Aperio slides, with OpenSlide's arithmetic."""

from __future__ import annotations

import struct
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from tileframe import Size
from tileframe.pixels import Pixels

START = b"\xff\x4f\xff\x51"  # of a code stream, and the marker of the sizes, which come first


def unproved(tile: bytes, size: Size) -> str | None:
    """Say why a code stream is not the plain kind that is proved equal; None if it is. Decodes nothing."""
    if not tile.startswith(START) or len(tile) < 51:
        return "no JPEG 2000 code stream"
    right, bottom, x, y = struct.unpack(">4I", tile[8:24])
    components = int.from_bytes(tile[40:42], "big")
    if (right, bottom, x, y) != (size.width, size.height, 0, 0):
        return f"an image of {right}x{bottom} at ({x}, {y}), not {size}"
    if components != 3:
        return f"{components} components, not 3"
    # Each component: bits less one, with a bit for the sign, and every how many columns and rows it has a sample.
    depth, *subsampling = tile[42], tile[43], tile[44], tile[46], tile[47], tile[49], tile[50]
    if {depth, tile[45], tile[48]} != {7}:
        return "samples that are not of 8 bits"
    return "subsampled components" if set(subsampling) != {1} else None


def decode(tile: bytes, size: Size, *, ycbcr: bool) -> Pixels:
    """Return the RGB8 pixels of ``tile``; `ValueError` or `RuntimeError` if OpenJPEG finds it damaged.

    OpenJPEG is silent on most damage in the middle of the data, whoever calls it.
    """
    if problem := unproved(tile, size):
        raise ValueError(f"it has {problem}")
    samples: Pixels = imagecodecs.jpeg2k_decode(tile)
    if samples.shape != (size.height, size.width, 3) or samples.dtype != np.uint8:
        raise ValueError(f"it decodes to {samples.dtype} {samples.shape}")
    return to_rgb(samples) if ycbcr else samples


def to_rgb(ycbcr: Pixels) -> Pixels:
    """Return RGB8 of ``ycbcr`` as OpenSlide computes it: rounded tables, green from sums in 16-bit fixed point."""
    luma = ycbcr[:, :, 0].astype(np.int16)
    blue, red = ycbcr[:, :, 1], ycbcr[:, :, 2]
    green = ((GREEN_CB[blue] + GREEN_CR[red]) >> 16).astype(np.int16)
    planes = (luma + RED_CR[red], luma + green, luma + BLUE_CB[blue])
    return np.stack([np.clip(plane, 0, 255).astype(np.uint8) for plane in planes], axis=-1)


def _rounded(values: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """Round halves away from zero, as C does."""
    rounded: NDArray[np.floating[Any]] = np.copysign(np.floor(np.abs(values) + 0.5), values)
    return rounded


_CENTRED = np.arange(256) - 128.0
RED_CR = _rounded(1.402 * _CENTRED).astype(np.int16)
BLUE_CB = _rounded(1.772 * _CENTRED).astype(np.int16)
GREEN_CB = _rounded(65536 * (0.5 - 0.34414 * _CENTRED)).astype(np.int32)
GREEN_CR = _rounded(65536 * -0.71414 * _CENTRED).astype(np.int32)
