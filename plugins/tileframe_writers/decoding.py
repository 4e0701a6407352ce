"""What the decoders of WebP, AVIF and JPEG XL have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tileframe import CheckError, Size
from tileframe.pixels import Pixels, to_rgb8


def rgb8(decode: Callable[[], Any], size: Size, kind: str) -> Pixels:
    """Return what ``decode`` gives as RGB8; ``size`` is what the header says, ``kind`` the format, as ``a WebP``.

    `CheckError` if the decoder fails, and for what no tile is: several frames, alpha or a fourth colour, or samples
    of more than 8 bits.
    """
    try:
        samples = decode()
    except (RuntimeError, ValueError, MemoryError) as error:  # imagecodecs' own are RuntimeErrors
        raise CheckError(f"is {kind} that is damaged ({error})") from error
    if samples.dtype != np.uint8:
        raise CheckError(f"is {kind} of more than 8 bits a sample")
    if samples.ndim > 3:
        raise CheckError(f"is {kind} of {len(samples)} frames, not one")
    channels = samples.shape[2] if samples.ndim == 3 else 1
    if channels not in (1, 3):
        raise CheckError(f"is {kind} of {channels} channels, with alpha or a fourth colour, not of RGB or grey alone")
    height, width = samples.shape[:2]
    if Size(width, height) != size:
        raise CheckError(f"is {kind} that decodes to {width}x{height}, not to the {size} that it says")
    return to_rgb8(samples)
