"""What the samples of a TIFF's pixels mean, and how they become RGB8, or samples of CMYK or Lab."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tileframe import WHITE, OptionError, Rgb, Samples, UnsupportedInput
from tileframe.pixels import Alpha, Pixels, to_8_bit, to_rgb8
from tileframe_tiff import tags
from tileframe_tiff.structure import Page

ALPHA = {tags.STRAIGHT: Alpha.STRAIGHT, tags.PREMULTIPLIED: Alpha.PREMULTIPLIED}
GREYS = (tags.MINISBLACK, tags.MINISWHITE, tags.MASK_COLOURS)
# Their decoders give RGB, whatever the colour space inside.
IMAGE_CODECS = (tags.OLD_JPEG, tags.JPEG, *tags.JP2KS, 33004, 34712, 50001, 50002, 52546)
Convert = Callable[[NDArray[Any]], Pixels]


@dataclass(frozen=True)
class Meaning:
    """How samples become pixels."""

    samples: Samples
    convert: Convert
    """Turns ``(height, width, samples)``, as decoded, into RGB8 or the four or three samples of CMYK or Lab."""
    notes: tuple[str, ...] = ()
    lacks_alpha: bool = True

    @property
    def bands(self) -> int:
        """Samples a pixel after `convert`."""
        return 4 if self.samples is Samples.CMYK else 3


def meaning(pages: Sequence[Page], channel: int | None, background: Rgb = WHITE) -> Meaning:
    """Return what the samples of ``pages`` mean: those of one picture, or three that are red, green and blue.

    ``channel`` takes one sample alone. `UnsupportedInput` for samples without a defined full range, and for colours
    that are not known here.
    """
    page = pages[0]
    _refuse_undefined(page)
    if len(pages) == 3:
        return Meaning(Samples.RGB, _scaled(page, Alpha.NONE, background))
    if channel is not None:
        return _single(page, channel)
    if page.photometric == tags.PALETTE:
        return Meaning(Samples.RGB, _palette(page))
    if page.photometric == tags.SEPARATED:
        return _cmyk(page)
    if page.photometric in (tags.CIELAB, tags.ICCLAB) and page.samples >= 3:
        return Meaning(Samples.LAB, _lab(page))
    if page.photometric == tags.YCBCR and page.compression not in IMAGE_CODECS:
        return Meaning(Samples.RGB, _ycbcr(page))
    if page.photometric in (tags.RGB, tags.YCBCR) and page.samples >= 3:
        return _coloured(page, background)
    if page.photometric in GREYS:
        return _grey(page, background)
    if page.photometric in (tags.CFA, tags.LINEAR_RAW):
        raise UnsupportedInput("a camera's raw picture: develop it, and give the TIFF or JPEG that comes of it")
    raise UnsupportedInput(f"a TIFF of photometric {page.photometric} with {page.samples} samples a pixel")


def _refuse_undefined(page: Page) -> None:
    kinds = set(tags.integers(page.tags, 339)) or {1}
    if not kinds <= {1, 4}:
        raise UnsupportedInput("a TIFF of signed or floating-point samples, which have no defined full range")
    if page.bits > 64:
        raise UnsupportedInput(f"a TIFF of {page.bits}-bit samples")
    if tags.integer(page.tags, 32997, 1) != 1:
        raise UnsupportedInput("a TIFF whose pixels have a depth: it is a volume, and no picture")


def _depth(page: Page, samples: NDArray[Any]) -> int | None:
    """Return the bits that count; None for all of them."""
    same = len(set(tags.integers(page.tags, 258))) <= 1
    return page.bits if same and samples.dtype != np.bool_ else None


def _scaled(page: Page, alpha: Alpha, background: Rgb, wanted: Sequence[int] | None = None) -> Convert:
    """Return what takes the samples numbered ``wanted``, all if None, to RGB8."""
    inverted = page.photometric == tags.MINISWHITE

    def convert(samples: NDArray[Any]) -> Pixels:
        depth = _depth(page, samples)
        if inverted:
            most = 1 if samples.dtype == np.bool_ else (1 << page.bits) - 1
            colours = samples.shape[2] if alpha is Alpha.NONE else samples.shape[2] - 1
            samples = samples.copy()
            samples[:, :, :colours] = most - samples[:, :, :colours].astype(np.uint16)
        taken = samples if wanted is None else samples[:, :, list(wanted)]
        return to_rgb8(taken, depth=depth, alpha=alpha, background=background)

    return convert


def _single(page: Page, channel: int) -> Meaning:
    if not 0 <= channel < page.samples:
        raise OptionError(f"channel is from 0 to {page.samples - 1} in this picture, not {channel}")
    notes = (f"channel {channel} of {page.samples} was taken, as grey",) if page.samples > 1 else ()
    return Meaning(Samples.GREY, _scaled(page, Alpha.NONE, WHITE, [channel]), notes)


def _grey(page: Page, background: Rgb) -> Meaning:
    roles = _roles(page)
    colours = [roles.get(name) for name in ("red", "green", "blue")]
    if None not in colours:
        last, alpha = _alpha(page, roles)
        wanted = [number for number in (*colours, last) if number is not None]
        return Meaning(Samples.RGB, _scaled(page, alpha, background, wanted), _left(page, wanted), last is None)
    last, alpha = _alpha(page, roles)
    if page.samples == 1 or (page.samples == 2 and last == 1):
        return Meaning(Samples.GREY, _scaled(page, alpha, background), (), last is None)
    said = f"a pixel has {page.samples} samples, which the file does not call red, green and blue: the first was taken"
    return Meaning(Samples.GREY, _scaled(page, Alpha.NONE, background, [0]), (f"{said}, as grey; {ANOTHER}",))


ANOTHER = "--reader-option channel=N takes another"


def _coloured(page: Page, background: Rgb) -> Meaning:
    last, alpha = _alpha(page, _roles(page))
    wanted = [0, 1, 2, *([] if last is None else [last])]
    return Meaning(Samples.RGB, _scaled(page, alpha, background, wanted), _left(page, wanted), last is None)


def _alpha(page: Page, roles: dict[str, int]) -> tuple[int | None, Alpha]:
    """Return the number of the sample that is alpha, and of which kind; of RGB with four that say nothing, the last."""
    first = page.samples - len(page.extra)
    for number, kind in enumerate(page.extra, first):
        if kind in ALPHA:
            return number, ALPHA[kind]
    if "alpha" in roles:
        return roles["alpha"], Alpha.STRAIGHT
    if page.photometric == tags.RGB and page.samples == 4 and not page.extra:
        return 3, Alpha.STRAIGHT
    return None, Alpha.NONE


def _left(page: Page, wanted: Sequence[int]) -> tuple[str, ...]:
    left = page.samples - len(wanted)
    more = "one more sample, which is" if left == 1 else f"{left} more samples, which are"
    return (f"a pixel has {more} neither colour nor alpha, and left out; {ANOTHER}",) if left > 0 else ()


def _roles(page: Page) -> dict[str, int]:
    """Return which sample GDAL's own tag calls red, green, blue or alpha."""
    found = re.findall(r'<Item name="COLORINTERP" sample="(\d+)"[^>]*>(\w+)</Item>', page.text(tags.GDAL_METADATA))
    roles = {name.lower(): int(number) for number, name in found}
    return {name: number for name, number in roles.items() if number < page.samples}


def _palette(page: Page) -> Convert:
    table = np.asarray(page.tags.valueof(tags.COLOUR_MAP, default=()), np.uint16).reshape(3, -1).T
    if len(table) < 1 << page.bits:
        raise UnsupportedInput(f"a TIFF whose palette has {len(table)} colours of {1 << page.bits}")
    # Some writers give 8 bits where 16 are due; libtiff has the same rule.
    colours = table.astype(np.uint8) if table.max(initial=0) < 256 else to_8_bit(table)

    def convert(samples: NDArray[Any]) -> Pixels:
        found: Pixels = colours[samples[:, :, 0].astype(np.uint16)]
        return found

    return convert


def _cmyk(page: Page) -> Meaning:
    if page.samples < 4 or page.text(332) not in ("", "1"):
        raise UnsupportedInput(f"a TIFF of {page.samples} inks that are not CMYK")
    notes = _left(page, range(4))

    def convert(samples: NDArray[Any]) -> Pixels:
        return np.ascontiguousarray(to_8_bit(samples[:, :, :4], _depth(page, samples)))

    return Meaning(Samples.CMYK, convert, notes)


def _lab(page: Page) -> Convert:
    """Return what gives a and b signed, as LittleCMS has them: of 16 bits, the high ones keep the signs."""
    offset = np.array([0, 0x80, 0x80] if page.photometric == tags.ICCLAB else [0, 0, 0], np.uint8)

    def convert(samples: NDArray[Any]) -> Pixels:
        found: Pixels = to_8_bit(samples[:, :, :3], _depth(page, samples)) ^ offset
        return found

    return convert


def _ycbcr(page: Page) -> Convert:
    """Return what turns YCbCr that is not JPEG into RGB by the file's own coefficients, as TIFF 6.0 has them."""
    red, green, blue = (float(value) for value in _ratios(page, 529, (0.299, 0.587, 0.114)))
    low_y, high_y, zero_b, high_b, zero_r, high_r = _ratios(page, 532, (0, 255, 128, 255, 128, 255))
    chroma = 127.0 / np.array([(high_b - zero_b) or 127.0, (high_r - zero_r) or 127.0])

    def convert(samples: NDArray[Any]) -> Pixels:
        values = to_8_bit(samples[:, :, :3], _depth(page, samples)).astype(np.float32)
        luma = (values[:, :, 0] - low_y) * (255.0 / ((high_y - low_y) or 255.0))
        cb, cr = (values[:, :, 1] - zero_b) * chroma[0], (values[:, :, 2] - zero_r) * chroma[1]
        r, b = luma + cr * (2 - 2 * red), luma + cb * (2 - 2 * blue)
        g = (luma - blue * b - red * r) / green
        rgb: Pixels = np.clip(np.stack([r, g, b], axis=-1) + 0.5, 0, 255).astype(np.uint8)
        return rgb

    return convert


def _ratios(page: Page, tag: int, default: tuple[float, ...]) -> tuple[float, ...]:
    value = page.tags.valueof(tag, default=())
    pairs = [value[at : at + 2] for at in range(0, len(value), 2)] if isinstance(value, tuple) else []
    return tuple(float(top / (bottom or 1)) for top, bottom in pairs) if len(pairs) == len(default) else default
