"""ICC profiles, opened by LittleCMS: what they are for, and whether a slide's pixels can be converted with them."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageCms

from tileframe import Intent, Samples
from tileframe.pixels import Pixels
from tileframe_colour.srgb import SRGB

INTENTS = {
    Intent.PERCEPTUAL: ImageCms.Intent.PERCEPTUAL,
    Intent.RELATIVE: ImageCms.Intent.RELATIVE_COLORIMETRIC,
    Intent.SATURATION: ImageCms.Intent.SATURATION,
    Intent.ABSOLUTE: ImageCms.Intent.ABSOLUTE_COLORIMETRIC,
}
FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION
CLASSES = {"scnr": "input", "mntr": "display", "prtr": "output", "spac": "colour space"}
"""Those that describe the pixels of a picture. Links, abstract and named-colour profiles do not."""
SPACES = {"RGB": Samples.RGB, "GRAY": Samples.GREY, "CMYK": Samples.CMYK, "Lab": Samples.LAB}
MODES = {Samples.RGB: "RGB", Samples.GREY: "L", Samples.CMYK: "CMYK", Samples.LAB: "LAB"}
"""Of Pillow."""


class Unusable(Exception):
    """Why a profile cannot be used, to follow its name in a sentence."""


@dataclass(frozen=True)
class Profile:
    """A profile that describes the pixels of a picture."""

    name: str
    samples: Samples
    """For pixels of which kind. One for RGB serves grey too, which is RGB of three equal samples."""
    opened: ImageCms.ImageCmsProfile

    def to_srgb(self, intent: Intent) -> ImageCms.ImageCmsTransform:
        """Return what converts Pillow's images to sRGB; `Unusable` where LittleCMS finds no way."""
        try:
            target = ImageCms.ImageCmsProfile(io.BytesIO(SRGB))
            return ImageCms.buildTransform(self.opened, target, MODES[self.samples], "RGB", INTENTS[intent], FLAGS)
        except ImageCms.PyCMSError as error:
            raise Unusable(f"LittleCMS cannot convert with it ({error})") from error


def opened(data: bytes) -> ImageCms.ImageCmsProfile:
    """Return ``data`` as a profile; `Unusable` if it is none."""
    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(data))
    except OSError as error:
        raise Unusable("it is broken, or no ICC profile") from error


def for_pixels(profile: ImageCms.ImageCmsProfile, samples: Samples, name: str) -> Profile:
    """Return ``profile``, by ``name``, for pixels of that kind; `Unusable` if it is for others, or for no picture's."""
    kind, space = profile.profile.device_class.strip(), profile.profile.xcolor_space.strip()
    if kind not in CLASSES:
        raise Unusable(f"its class is '{kind}', which describes no picture's colours")
    if space not in SPACES:
        raise Unusable(f"it is for {space} pixels, and these are {samples.value}")
    if SPACES[space] is not samples and (space, samples) != ("RGB", Samples.GREY):
        raise Unusable(f"it is for {SPACES[space].value} pixels, and these are {samples.value}")
    return Profile(name, SPACES[space], profile)


def default_profile(samples: Samples) -> Profile:
    """Return the profile of CMYK or Lab pixels that have none of their own."""
    if samples is Samples.LAB:
        return Profile("CIE Lab, D50", samples, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")))
    # Pillow has no CMYK profile; libvips carries a free one.
    import pyvips

    profile = opened(pyvips.Image.profile_load("cmyk"))
    return Profile("libvips' default for CMYK", samples, profile)


def is_srgb(transform: ImageCms.ImageCmsTransform, samples: Samples) -> bool:
    """Say whether conversion moves none of a lattice of colours, 33 a side or all greys, by more than 1."""
    if samples is Samples.GREY:
        colours = np.arange(256, dtype=np.uint8)[None]
    else:
        steps = np.linspace(0, 255, 33).round().astype(np.uint8)
        colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(33, -1, 3)
    moved = converted(transform, colours).astype(np.int16) - colours.reshape(*colours.shape[:2], -1)
    return bool(np.abs(moved).max() <= 1)


def converted(transform: ImageCms.ImageCmsTransform, pixels: Pixels) -> Pixels:
    """Return ``pixels`` as sRGB, whatever they are; the array is new."""
    height, width = pixels.shape[:2]
    image = Image.frombytes(transform.input_mode, (width, height), np.ascontiguousarray(pixels).data.cast("B"))
    return np.array(transform.apply(image))
