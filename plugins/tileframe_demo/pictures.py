"""Endless seeded pictures with a photograph's statistics, drawn by libvips when they are saved.

Every octave of detail has about the same contrast, as in nature, down to a grain of single pixels; shapes
with sharp contours lie over it. The grain is two squares of noise, repeated; which of them shows, and all
that is wider than three pixels, is different everywhere.
"""

from __future__ import annotations

import numpy as np
import pyvips

from tileframe import Rgb, Size

STEP = 4
GRAIN_SIDES = (2053, 1787)  # primes: the two never repeat together


def photograph(size: Size, seed: int, mean: Rgb) -> pyvips.Image:
    """Return a painting's or landscape's worth of colour around ``mean``, with darker things in it."""
    chance = np.random.default_rng(seed)
    scene = _clouds(chance, size, (36, 44, 42, 36, 34, 38), colour=mean)
    things = _clouds(chance, size, (50, 70, 60, 40, 12)) > 30
    fine, rough = (_grain(chance, size, side, sigma) for side, sigma in zip(GRAIN_SIDES, (3, 7), strict=True))
    return _rgb8(scene + things.ifthenelse(rough - 50, fine))


def section(size: Size, seed: int, stained: Rgb) -> pyvips.Image:
    """Return ``stained`` tissue with dark nuclei on clear glass, which is almost white and about half of it all."""
    chance = np.random.default_rng(seed)
    stain = _clouds(chance, size, (10, 14, 16, 20, 22, 22), colour=stained)
    tissue = _clouds(chance, size, (70, 70, 50, 24, 8)) > 0
    nuclei = _clouds(chance, size, (20, 20, 55, 20)) > 45
    glass, matter = (_grain(chance, size, side, sigma) for side, sigma in zip(GRAIN_SIDES, (1, 5), strict=True))
    return _rgb8(tissue.ifthenelse(stain + nuclei.ifthenelse(matter - 70, matter), glass + 243))


def _clouds(
    chance: np.random.Generator, size: Size, contrasts: tuple[int, ...], *, colour: Rgb | None = None
) -> pyvips.Image:
    """Return octaves of noise: cells of ``4 ** len(contrasts)`` pixels with the first contrast, down to cells of 4."""
    clouds = pyvips.Image.black(1, 1) if colour is None else pyvips.Image.black(1, 1, bands=3)
    for octave, contrast in enumerate(contrasts):
        cell = STEP ** (len(contrasts) - octave)
        cells = Size(-(-size.width // cell) + 2, -(-size.height // cell) + 2)
        octave_noise = _noise(chance, cells, 1, contrast)
        if colour is not None and cell > STEP:
            octave_noise += _noise(chance, cells, 3, contrast // 3)
        clouds = (
            (_enlarged(clouds, cells) + octave_noise if octave else clouds + octave_noise).cast("short").copy_memory()
        )
    if colour is not None:
        clouds = (clouds + list(colour)).cast("uchar").copy_memory()
    return _enlarged(clouds, size)


def _noise(chance: np.random.Generator, size: Size, bands: int, contrast: int) -> pyvips.Image:
    return pyvips.Image.new_from_array(
        chance.integers(-contrast, contrast + 1, (size.height, size.width, bands), np.int8)
    )


def _enlarged(image: pyvips.Image, size: Size) -> pyvips.Image:
    smooth = pyvips.Interpolate.new("bilinear")
    return image.affine([STEP, 0, 0, STEP], interpolate=smooth).crop(0, 0, size.width, size.height)


def _grain(chance: np.random.Generator, size: Size, side: int, sigma: int) -> pyvips.Image:
    square = pyvips.Image.new_from_array(chance.normal(0, sigma, (side, side)).round().astype(np.int16))
    return square.replicate(-(-size.width // side), -(-size.height // side)).crop(0, 0, size.width, size.height)


def _rgb8(image: pyvips.Image) -> pyvips.Image:
    return image.cast("uchar").copy(interpretation="srgb")
