"""How time and memory of the backend `stream` grow with the picture.

``python benchmarks/growth.py [--kind jpg|svs] [--most-megapixels N] [--rounds N]`` makes the pyramids of pictures of
one width and of 1,000, 4,000, 16,000 and 64,000 rows: 25 to 1,600 megapixels, all of the same content, over and over.
It fits a line through megapixels and seconds: time is to grow with the area, and memory not with the height.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import StatisticsError, correlation, linear_regression, median
from typing import TYPE_CHECKING

from benchmarks.competitors import STREAM, one_round
from tileframe import Rgb, Size
from tileframe_bench.processes import in_own_process
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


KINDS = {
    "jpg": Repeated("growth-jpg", PIECE, "jpg", seed=1, quality=90, colour=Rgb(176, 147, 93)),
    "svs": Repeated("growth-svs", PIECE, "svs", seed=3, quality=80, colour=Rgb(212, 158, 194)),
}


def inputs(kind: str, most_megapixels: float) -> list[Repeated]:
    """Return the pictures, the smallest first."""
    sizes = [Size(WIDTH, height) for height in HEIGHTS]
    return [replace(KINDS[kind], size=size) for size in sizes if size.area <= most_megapixels * 1e6]


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

    def __str__(self) -> str:
        return f"{self.pace:.0f} MP/s, and {self.start:.2f} s to begin with; R2 {self.squared:.5f}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how the backend stream grows with the picture.")
    parser.add_argument("--kind", choices=KINDS, default="jpg", help="default: %(default)s")
    parser.add_argument("--most-megapixels", type=float, default=1600, metavar="N", help="leave larger pictures out")
    parser.add_argument("--rounds", type=int, default=3, help="after one to warm up")
    parser.add_argument("--scratch", type=Path, metavar="DIR", help="where the outputs go; default: temporary files")
    given = parser.parse_args()
    points = []
    print(f"{'picture':>14}{'MP':>8}{'process s':>11}{'call s':>9}{'MP/s':>7}{'cores':>7}{'peak MB':>9}{'own MB':>8}")
    with tempfile.TemporaryDirectory(prefix="tileframe-growth-", dir=given.scratch) as scratch:
        for workload in inputs(given.kind, given.most_megapixels):
            source, area = in_own_process(workload.make), workload.size.area / 1e6
            rounds = [
                one_round([STREAM], source, Path(scratch, source.stem), number) for number in range(given.rounds + 1)
            ]
            runs = [of_all[STREAM] for of_all in rounds[1:]]
            whole, call = (median(figures) for figures in zip(*((run.whole, run.call) for run in runs), strict=True))
            points.append((area, whole, call))
            print(
                f"{workload.size!s:>14}{area:8.0f}{whole:11.2f}{call:9.2f}{area / call:7.0f}"
                f"{median(run.cost.cores_busy for run in runs):7.2f}"
                f"{max(run.peak for run in runs):9.0f}{max(run.own_peak for run in runs):8.0f}",
                flush=True,
            )
    print("own: without the pages of the input file, which libvips maps into memory and the system may drop")
    print("whole process:", Line.through([(area, whole) for area, whole, _ in points]) or "too few points")
    print("the call:", Line.through([(area, call) for area, _, call in points]) or "too few points")


if __name__ == "__main__":
    main()
