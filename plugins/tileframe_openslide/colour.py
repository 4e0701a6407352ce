"""Any Pillow image becomes RGB8: by tileframe's rule where that is arithmetic, by LittleCMS where it is colour."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageCms

from tileframe import IccProfile, Rgb, UnsupportedInput
from tileframe.pixels import Alpha, Pixels, to_rgb8

Conversion = Callable[[Image.Image], Pixels]

BITS_PER_SAMPLE, SAMPLE_FORMAT = 258, 339
BYTES_PER_PIXEL = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2, "I;16L": 2}

# As Photoshop's default, and unlike "perceptual" defined for every profile.
INTENT = ImageCms.Intent.RELATIVE_COLORIMETRIC
FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION


def profile_name(profile: ImageCms.ImageCmsProfile) -> str:
    """Return what ``profile`` calls itself."""
    try:
        return ImageCms.getProfileDescription(profile).strip() or "unnamed"
    except ImageCms.PyCMSError:
        return "unnamed"


def conversion(image: Image.Image, background: Rgb) -> tuple[Conversion, IccProfile | None]:
    """Return what turns ``image``, or a crop of it, into RGB8, and the colour profile that it has.

    `UnsupportedInput` for pixels without a defined full range: signed, floating-point, plain integers.
    """
    embedded = _embedded(image)
    if image.mode in ("CMYK", "LAB"):
        return _managed(image.mode, embedded)
    icc = None if embedded is None else IccProfile(profile_name(embedded), applied=False)
    return _arithmetic(image, background), icc


def _arithmetic(image: Image.Image, background: Rgb) -> Conversion:
    mode = image.mode
    signed_or_float = any(kind != 1 for kind in tiff_tag(image, SAMPLE_FORMAT))
    if signed_or_float or mode == "F" or (mode == "I" and image.format != "PPM"):
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
        depth = max(tiff_tag(image, BITS_PER_SAMPLE), default=16)
        return lambda crop: to_rgb8(np.asarray(crop).astype(np.uint16), depth=depth)
    return lambda crop: to_rgb8(np.asarray(crop.convert("RGB")))


def _keyed(crop: Image.Image, background: Rgb) -> Pixels:
    """Convert 16-bit grey of which one value is transparent (PNG's tRNS)."""
    grey = np.asarray(crop).astype(np.uint16)
    alpha = np.where(grey == crop.info["transparency"], 0, 65535).astype(np.uint16)
    return to_rgb8(np.dstack([grey, alpha]), alpha=Alpha.STRAIGHT, background=background)


def _managed(mode: str, embedded: ImageCms.ImageCmsProfile | None) -> tuple[Conversion, IccProfile]:
    transform = None
    if embedded is not None:
        transform, name = _transform(embedded, mode), profile_name(embedded)
    if transform is None:
        profile, name = _default_profile(mode)
        transform = _transform(profile, mode)
    if transform is None:
        raise UnsupportedInput(f"LittleCMS cannot convert {mode}")
    return lambda crop: to_rgb8(np.asarray(transform.apply(crop))), IccProfile(name, applied=True)


def _transform(profile: ImageCms.ImageCmsProfile, mode: str) -> ImageCms.ImageCmsTransform | None:
    try:
        return ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), mode, "RGB", INTENT, FLAGS)
    except ImageCms.PyCMSError:
        return None  # a profile for another kind of pixels


def _default_profile(mode: str) -> tuple[ImageCms.ImageCmsProfile, str]:
    if mode == "LAB":
        return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")), "CIE Lab, D50"
    # Pillow has no CMYK profile; libvips carries a free one.
    import pyvips

    profile = ImageCms.ImageCmsProfile(io.BytesIO(pyvips.Image.profile_load("cmyk")))
    return profile, f"{profile_name(profile)} (libvips' default for CMYK)"


def _embedded(image: Image.Image) -> ImageCms.ImageCmsProfile | None:
    data = image.info.get("icc_profile")
    if not data:
        return None
    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(data))
    except OSError:
        return None  # not a profile


def tiff_tag(image: Image.Image, tag: int) -> tuple[int, ...]:
    """Return the values of a TIFF's ``tag``; none where it is absent, or the image no TIFF."""
    tags = getattr(image, "tag_v2", None)
    value = () if tags is None else tags.get(tag, ())
    return value if isinstance(value, tuple) else (value,)
