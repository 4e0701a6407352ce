"""The pictures and the case matrix that the contracts share: small ones, edges first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pytest

from tileframe import Box, Pyramid, Size
from tileframe.pixels import Pixels, halve


@dataclass(frozen=True)
class Case:
    """One job of the matrix: a slide, and how it is to be tiled."""

    size: Size
    """Of the whole slide, in base pixels."""
    tile_size: int = 254
    """In pixels, without overlap."""
    overlap: int = 1
    """In pixels."""
    stored: tuple[int, ...] = ()
    """Downsamples, powers of two and 1 first, of the levels that the slide itself stores; none for the base alone."""
    bounds: Box | None = None
    """The scanned part, to which the pyramid is cropped."""

    @property
    def region(self) -> Box:
        """The part that is tiled, in the slide's base pixels."""
        return self.bounds or Box(0, 0, self.size.width, self.size.height)

    @property
    def pyramid(self) -> Pyramid:
        """The geometry that is asked for."""
        return Pyramid(self.region.size, self.tile_size, self.overlap)

    def __str__(self) -> str:
        text = f"{self.size} at {self.tile_size}/{self.overlap}"
        if self.stored:
            text += f" with levels {'-'.join(map(str, self.stored))}"
        return text + (f" cropped to {self.bounds.size}" if self.bounds else "")


WIDE = 5000
"""Longer than 4,096 pixels, at which libraries change how they work."""
CASES = (
    *(
        Case(Size(width, height))
        for width, height in (
            (1, 1),
            (1, 300),
            (253, 254),
            (254, 254),
            (255, 255),
            (256, 508),
            (508, 509),
            (509, 763),
            (1021, 769),
        )
    ),
    *(Case(size, 256, 0) for size in (Size(254, 254), Size(256, 508), Size(509, 763))),
    *(Case(size, 64, 2) for size in (Size(1, 300), Size(255, 255))),
    # Tiles of 5 pixels are many, so for small pictures only.
    *(Case(size, 5, 4) for size in (Size(1, 1), Size(1, 50), Size(32, 31))),
    Case(Size(508, 509), bounds=Box(33, 18, 401, 307)),
    Case(Size(512, 768), stored=(1, 2, 4)),
    Case(Size(301, 203), 64, 2, stored=(1, 4)),
    Case(Size(WIDE, 20), 512, 1),
    Case(Size(20, WIDE), 512, 1),
    # Beyond what 16 bits count.
    Case(Size(66_001, 3), 8192, 1),
)
"""Every edge of a picture and of a tile once, then tilings, and slides that are longer than they are likely to be."""


class Contract:
    """What the contracts have in common: tests whose arguments are drawn from the class's own attributes."""

    def parameters(self) -> Mapping[str, Sequence[object]]:
        """Return, by the name of a test's argument, the values for which that test is run."""
        return {}

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run each test once for every value of its arguments; called by pytest."""
        for name, values in self.parameters().items():
            if name in metafunc.fixturenames:
                metafunc.parametrize(name, values, ids=str)


def gradient(size: Size) -> Pixels:
    """Return RGB8 ``(height, width, 3)`` in which every pixel is unlike its neighbours: a shift by one is seen."""
    x, y = np.arange(size.width, dtype=np.uint32), np.arange(size.height, dtype=np.uint32)[:, None]
    pixels = np.empty((size.height, size.width, 3), np.uint8)
    pixels[..., 0] = x * 7 + y * 3 & 255
    pixels[..., 1] = x * 5 + y * 11 + x * y // 64 & 255
    pixels[..., 2] = x // 3 + y // 5 + (x ^ y) * 13 & 255
    return pixels


def smooth(size: Size) -> Pixels:
    """Return RGB8 that lossy formats keep well, and that looks like no turned or recoloured one of its own."""
    y, x = np.mgrid[0 : size.height, 0 : size.width]
    red, green, blue = 255 * (x + 1) // (size.width + 1), 200 * (y + 1) // (size.height + 1), 40 + 0 * x
    return np.dstack([red, green, blue]).astype(np.uint8)


def levels(base: Pixels, shrink: Callable[[Pixels], Pixels] = halve) -> list[Pixels]:
    """Return every level of a pyramid by its number: ``[0]`` is 1x1, the last one is ``base``."""
    found = [base]
    while max(found[-1].shape[:2]) > 1:
        found.append(shrink(found[-1]))
    return found[::-1]


def cut(pixels: Pixels, box: Box) -> Pixels:
    """Return a copy of ``box`` of ``pixels``."""
    return pixels[box.y : box.bottom, box.x : box.right].copy()
