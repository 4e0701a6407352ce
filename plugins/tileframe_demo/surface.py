"""Values that vary over the slide: surfaces, kept coarse and drawn fine, and textures, which repeat."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tileframe import Box, Size

Values = NDArray[np.float32]


class Surface:
    """A smooth value for every pixel of the slide, from samples that lie ``spacing`` pixels apart."""

    def __init__(self, samples: Values, spacing: float, *, margin: int = 0) -> None:
        """Take ``samples``, of which ``margin`` on each side lie outside the slide."""
        self.samples = samples
        self.spacing = spacing
        self._margin = margin
        self._image = Image.fromarray(samples)

    def over(self, box: Box, scale: int = 1) -> Values:
        """Return the values over ``box``, one for every ``scale`` x ``scale`` pixels."""
        left, top = box.x / self.spacing + self._margin, box.y / self.spacing + self._margin
        # Pillow looks at the samples around the part it is asked for, so neighbouring boxes join without a seam.
        part = (left, top, left + box.width / self.spacing, top + box.height / self.spacing)
        size = (-(-box.width // scale), -(-box.height // scale))
        return np.array(self._image.resize(size, Image.Resampling.BICUBIC, box=part))

    def at(self, x: Values, y: Values) -> Values:
        """Return the value at each point of the slide, between the four nearest samples."""
        rows, cols = self.samples.shape
        col = np.clip(x / self.spacing + self._margin - 0.5, 0, cols - 1.001)
        row = np.clip(y / self.spacing + self._margin - 0.5, 0, rows - 1.001)
        left, top = col.astype(np.intp), row.astype(np.intp)
        col, row = col - left, row - top
        above = self.samples[top, left] * (1 - col) + self.samples[top, left + 1] * col
        under = self.samples[top + 1, left] * (1 - col) + self.samples[top + 1, left + 1] * col
        values: Values = (above * (1 - row) + under * row).astype(np.float32)
        return values

    def slope(self, x: Values, y: Values) -> tuple[Values, Values]:
        """Return how fast the value grows at each point, per pixel to the right and per pixel down."""
        step = np.float32(self.spacing / 2)
        return (
            (self.at(x + step, y) - self.at(x - step, y)) / (2 * step),
            (self.at(x, y + step) - self.at(x, y - step)) / (2 * step),
        )


def random_surface(random: np.random.Generator, size: Size, spacing: float, *, height: float = 1.0) -> Surface:
    """Return hills and valleys about ``spacing`` pixels wide; mean 0, deviation about 0.6 of ``height``."""
    margin = 2
    shape = [int(-(-side // spacing)) + 2 * margin for side in (size.height, size.width)]
    return Surface(np.float32(height) * random.standard_normal(shape, np.float32), spacing, margin=margin)


def texture(random: np.random.Generator, side: int, *, across: float, along: float) -> Values:
    """Return a square that can be repeated, of spots ``across`` pixels high and ``along`` wide; deviation 1."""
    down, right = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None, :]
    shape = np.exp(-0.5 * np.pi**2 * ((down * across) ** 2 + (right * along) ** 2))
    spots = np.fft.irfft2(np.fft.rfft2(random.standard_normal((side, side))) * shape)
    values: Values = ((spots - spots.mean()) / spots.std()).astype(np.float32)
    return values
