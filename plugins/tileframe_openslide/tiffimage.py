"""TIFFs that Pillow does not open or reads wrongly, through tifffile: odd depths, 16-bit planes and Lab, BigTIFF."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image
from tifffile import EXTRASAMPLE, PHOTOMETRIC, SAMPLEFORMAT

from tileframe import InputError, Rgb, UnsupportedInput
from tileframe.pixels import Alpha, to_rgb8
from tileframe_openslide.in_memory import ORIENTATION, refuse_if_too_large, turned

# Without a handler, what it logs of each odd tag goes to stderr, beside our own one message.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

ICC_PROFILE = 34675
ALPHA = {EXTRASAMPLE.UNASSALPHA: Alpha.STRAIGHT, EXTRASAMPLE.ASSOCALPHA: Alpha.PREMULTIPLIED}


def open_tiff(path: Path, background: Rgb) -> Image.Image:
    """Return the first picture of ``path``, upright, as a Pillow image of mode L or RGB (by tileframe's rule) or LAB.

    `UnsupportedInput` for what has no defined full range or needs a conversion that is not done here.
    """
    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages.first
            _refuse_cut(path, page, file.filehandle.size)
            refuse_if_too_large(
                path, (page.imagewidth, page.imagelength), page.samplesperpixel * page.bitspersample // 8 + 4
            )
            image = _image(page, background)
            image.info["icc_profile"] = page.tags.valueof(ICC_PROFILE)
            return turned(image, page.tags.valueof(ORIENTATION, default=1))
    except tifffile.TiffFileError as error:
        raise UnsupportedInput("not a format that Pillow or tifffile knows") from error


def _image(page: Any, background: Rgb) -> Image.Image:
    if page.sampleformat != SAMPLEFORMAT.UINT or page.imagedepth != 1:
        raise UnsupportedInput("its samples are signed or floating-point, which have no defined full range")
    if page.photometric == PHOTOMETRIC.CIELAB and page.bitspersample == 16:
        # LittleCMS is fed 8 bits a sample; the high bytes keep the signs of a and b.
        high = (_channels_last(page) >> 8).astype(np.uint8)
        return Image.frombytes("LAB", (page.imagewidth, page.imagelength), high.tobytes())
    if page.photometric == PHOTOMETRIC.PALETTE:
        colours = np.moveaxis(np.asarray(page.colormap), 0, -1)
        return Image.fromarray(to_rgb8(colours[_channels_last(page)[:, :, 0]]))
    if page.photometric not in (PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.MINISWHITE, PHOTOMETRIC.RGB):
        raise UnsupportedInput(f"a TIFF with {page.bitspersample}-bit pixels of photometric {page.photometric}")
    samples, depth = _channels_last(page), page.bitspersample
    if page.photometric == PHOTOMETRIC.MINISWHITE:
        samples = ((1 << depth) - 1) - samples
    alpha = next((ALPHA[extra] for extra in page.extrasamples if extra in ALPHA), Alpha.NONE)
    colours = samples.shape[2] - len(page.extrasamples) + (alpha is not Alpha.NONE)
    rgb = to_rgb8(samples[:, :, :colours], depth=depth, alpha=alpha, background=background)
    return Image.fromarray(rgb[:, :, 0] if colours == 1 else rgb)


def _channels_last(page: Any) -> NDArray[Any]:
    """Return the samples as ``(height, width, channels)``."""
    samples: NDArray[Any] = page.asarray()
    planar = page.samplesperpixel > 1 and page.planarconfig == tifffile.PLANARCONFIG.SEPARATE
    if planar:
        return np.moveaxis(samples, 0, -1)
    return samples.reshape(page.imagelength, page.imagewidth, page.samplesperpixel)


def _refuse_cut(path: Path, page: Any, size: int) -> None:
    """Refuse what tifffile would fill with zeros."""
    ends = [offset + count for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True)]
    if max(ends, default=0) > size:
        raise InputError(f"{path}: the TIFF is cut short; it should have {max(ends)} bytes and has {size}")
