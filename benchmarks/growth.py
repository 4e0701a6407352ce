"""Pictures of one width and of 1,000 to 64,000 rows, and the line through what they take.

25 to 1,600 megapixels, all of the same content, over and over: time is to grow with the area, memory not with the
height.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import StatisticsError, correlation, linear_regression
from typing import TYPE_CHECKING

from tileframe import Rgb, Size
from tileframe_bench.workloads import Workload

if TYPE_CHECKING:
    import pyvips

WIDTH = 25_000
HEIGHTS = (1_000, 4_000, 16_000, 64_000)  # a JPEG has at most 65,500
PIECE = Size(5_000, 1_000)


@dataclass(frozen=True, slots=True)
class Repeated(Workload):
    """A picture that is one small piece, over and over: as detailed at any size, and soon made."""

    def picture(self) -> pyvips.Image:
        """Return the piece, side by side and one above the other."""
        size = self.size
        # Named, for the argument-less super() finds no class of a dataclass with slots.
        piece = Workload.picture(replace(self, size=PIECE)).copy_memory()
        across, down = -(-size.width // piece.width), -(-size.height // piece.height)
        return piece.replicate(across, down).crop(0, 0, size.width, size.height)


KINDS = (
    Repeated("growth-jpg", PIECE, "jpg", seed=1, quality=90, colour=Rgb(176, 147, 93)),
    Repeated("growth-svs", PIECE, "svs", seed=3, quality=80, colour=Rgb(212, 158, 194)),
)
# Those of one kind, the smallest first.
GROWING = [[replace(kind, size=Size(WIDTH, height)) for height in HEIGHTS] for kind in KINDS]


@dataclass(frozen=True, slots=True)
class Line:
    """The straight line through megapixels and seconds."""

    pace: float
    """Megapixels a second."""
    start: float
    """Seconds with nothing to do."""
    squared: float
    """R²."""

    @classmethod
    def through(cls, points: Sequence[tuple[float, float]]) -> Line | None:
        """Return the line through ``points``; None if they are fewer than three, or do not rise."""
        if len({megapixels for megapixels, _ in points}) < 3:
            return None
        megapixels, seconds = zip(*points, strict=True)
        try:
            slope, start = linear_regression(megapixels, seconds)
            squared = correlation(megapixels, seconds) ** 2
        except StatisticsError:  # all took the same time
            return None
        return cls(1 / slope, start, squared) if slope > 0 else None
