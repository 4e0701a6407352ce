"""Any decoded array becomes RGB8 here, under the pixel contract, whoever decoded it. numpy only."""

from __future__ import annotations

import enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tileframe.errors import UnsupportedInput
from tileframe.facts import WHITE, Rgb

Pixels = NDArray[np.uint8]


class Alpha(enum.Enum):
    """What the last channel means."""

    NONE = "none"
    """Colour, or grey."""
    STRAIGHT = "straight"
    """Opacity; the colours do not depend on it."""
    PREMULTIPLIED = "premultiplied"
    """Opacity, by which the colours are multiplied already."""


def to_rgb8(
    samples: NDArray[Any], *, depth: int | None = None, alpha: Alpha = Alpha.NONE, background: Rgb = WHITE
) -> Pixels:
    """Return ``samples`` as an RGB8 array ``(height, width, 3)`` of the caller's own.

    ``samples`` is ``(height, width)`` or ``(height, width, channels)``: grey or RGB, and one more channel
    where ``alpha`` says so; booleans or unsigned integers, of which the low ``depth`` bits count (all,
    if None). `UnsupportedInput` for signed and floating-point samples: they have no defined full range.
    """
    planes = to_8_bit(samples if samples.ndim == 3 else samples[:, :, None], depth)
    colours = planes.shape[2] - (alpha is not Alpha.NONE)
    if colours not in (1, 3):
        raise UnsupportedInput(f"pixels have {planes.shape[2]} channels; grey or RGB is needed, with or without alpha")
    colour = planes[:, :, :colours]
    if alpha is not Alpha.NONE:
        colour = composite(colour, planes[:, :, colours:], background, premultiplied=alpha is Alpha.PREMULTIPLIED)
    if colour.shape[2] == 1:
        colour = np.broadcast_to(colour, (*colour.shape[:2], 3))
    return np.array(colour, dtype=np.uint8, order="C")


def to_8_bit(samples: NDArray[Any], depth: int | None = None) -> Pixels:
    """Scale unsigned ``samples`` to 8 bits: the high ones of more (``v >> 8`` of 16, as libvips does)."""
    if samples.dtype == np.bool_:
        return np.where(samples, np.uint8(255), np.uint8(0))
    if samples.dtype.kind != "u":
        raise UnsupportedInput(
            f"samples are {samples.dtype}, which has no defined full range; unsigned integers are needed"
        )
    bits = depth or 8 * samples.dtype.itemsize
    if bits > 8:
        return (samples >> (bits - 8)).astype(np.uint8)  # casting drops what lies above
    if bits == 8:
        return samples.astype(np.uint8, copy=False)
    most = (1 << bits) - 1
    return ((samples & most).astype(np.uint16) * 255 // most).astype(np.uint8)


def composite(colour: Pixels, alpha: Pixels, background: Rgb, *, premultiplied: bool = False) -> Pixels:
    """Lay ``colour`` over ``background``: ``(c * a + bg * (255 - a) + 127) // 255`` in each channel."""
    if alpha.min(initial=255) == 255:
        return colour
    behind = np.array(background, np.uint32)
    inverse = 255 - alpha.astype(np.uint32)
    own = colour.astype(np.uint32) * (255 if premultiplied else alpha.astype(np.uint32))
    mixed: Pixels = np.minimum((own + behind * inverse + 127) // 255, 255).astype(np.uint8)
    return mixed


def halve(pixels: Pixels) -> Pixels:
    """Return the level above: the mean of each 2x2, ``(a + b + c + d + 2) >> 2``; an odd last side counts twice."""
    height, width, channels = pixels.shape
    if height % 2 or width % 2:
        pixels = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    rows = np.add(pixels[0::2], pixels[1::2], dtype=np.uint16)
    pairs = rows.reshape(len(rows), -(-width // 2), 2 * channels)
    total = np.empty((*pairs.shape[:2], channels), np.uint16)
    for channel in range(channels):  # numpy is slow where it goes three samples at a time
        np.add(pairs[:, :, channel], pairs[:, :, channels + channel], out=total[:, :, channel])
    total += 2
    total >>= 2
    return total.astype(np.uint8)


def is_blank(pixels: Pixels, background: Rgb, tolerance: int) -> bool:
    """Say whether no sample of ``pixels`` is further than ``tolerance`` from ``background``."""
    # As whole rows: numpy is slow where it goes three samples at a time. Some rows decide about most tiles.
    row = np.tile(np.array(background, np.int16), (pixels.shape[1], 1))
    low, high = (np.clip(row + by, 0, 255).astype(np.uint8) for by in (-tolerance, tolerance))
    few = pixels[:: max(1, len(pixels) // 8)]
    return not any(((part < low) | (part > high)).any() for part in (few, pixels))


def plain(height: int, width: int, colour: Rgb) -> Pixels:
    """Return an array ``(height, width, 3)`` of one ``colour``, of the caller's own."""
    # Row by row: ten times as fast as np.full is with a colour.
    row = np.tile(np.array(colour, np.uint8), (width, 1))
    return np.broadcast_to(row, (height, width, 3)).copy()


def padded(pixels: Pixels, side: int, background: Rgb) -> Pixels:
    """Return a square of ``side`` with ``pixels`` at its upper left corner and ``background`` elsewhere."""
    height, width = pixels.shape[:2]
    if (height, width) == (side, side):
        return pixels
    full = plain(side, side, background)
    full[:height, :width] = pixels
    return full
