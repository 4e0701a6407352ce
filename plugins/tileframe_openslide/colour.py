"""Any Pillow image becomes RGB8 by tileframe's rule; CMYK and Lab stay what they are, for colour management."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

from tileframe import Rgb, Samples, UnsupportedInput
from tileframe.pixels import Alpha, Pixels, to_rgb8

Conversion = Callable[[Image.Image], Pixels]

BYTES_PER_PIXEL = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2}
GREYS = ("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L")


def conversion(image: Image.Image, background: Rgb) -> tuple[Conversion, Samples]:
    """Return what turns ``image``, or a crop of it, into RGB8, or into samples of CMYK or Lab, and which they are.

    `UnsupportedInput` for pixels without a defined full range: signed, floating-point, plain integers.
    """
    if image.mode in ("CMYK", "LAB"):
        return np.asarray, Samples.CMYK if image.mode == "CMYK" else Samples.LAB
    return _arithmetic(image, background), Samples.GREY if image.mode in GREYS else Samples.RGB


def _arithmetic(image: Image.Image, background: Rgb) -> Conversion:
    mode = image.mode
    if mode == "F" or (mode == "I" and image.format != "PPM"):
        raise UnsupportedInput("its samples are signed, floating-point or 32-bit, which have no defined full range")
    if "transparency" in image.info or mode == "PA" or (mode == "P" and image.palette and image.palette.mode == "RGBA"):
        if mode.startswith("I"):
            return lambda crop: _keyed(crop, background)
        return lambda crop: to_rgb8(np.asarray(crop.convert("RGBA")), alpha=Alpha.STRAIGHT, background=background)
    if mode in ("LA", "RGBA"):
        return lambda crop: to_rgb8(np.asarray(crop), alpha=Alpha.STRAIGHT, background=background)
    if mode in ("La", "RGBa"):
        return lambda crop: to_rgb8(np.asarray(crop), alpha=Alpha.PREMULTIPLIED, background=background)
    if mode in ("1", "L", "RGB"):
        return lambda crop: to_rgb8(np.asarray(crop))
    if mode.startswith("I"):
        return lambda crop: to_rgb8(np.asarray(crop).astype(np.uint16))
    return lambda crop: to_rgb8(np.asarray(crop.convert("RGB")))


def _keyed(crop: Image.Image, background: Rgb) -> Pixels:
    """Convert 16-bit grey of which one value is transparent (PNG's tRNS)."""
    grey = np.asarray(crop).astype(np.uint16)
    alpha = np.where(grey == crop.info["transparency"], 0, 65535).astype(np.uint16)
    return to_rgb8(np.dstack([grey, alpha]), alpha=Alpha.STRAIGHT, background=background)
