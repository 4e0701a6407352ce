"""How time and memory of the backend `stream` grow with the picture.

``python benchmarks/growth.py [--kind jpg|svs] [--most-megapixels N] [--rounds N]`` makes the pyramids of pictures of
one width and of 1,000, 4,000, 16,000 and 64,000 rows: 25 to 1,600 megapixels, all of the same content, over and over.
It fits a line through megapixels and seconds: time is to grow with the area, and memory not with the height.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import correlation, linear_regression, median
from typing import TYPE_CHECKING

from benchmarks.competitors import STREAM, Run
from benchmarks.measured import call, whole
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
    "jpg": Repeated("growth", PIECE, "jpg", seed=1, quality=90, colour=Rgb(176, 147, 93)),
    "svs": Repeated("growth", PIECE, "svs", seed=3, quality=80, colour=Rgb(212, 158, 194)),
}


def inputs(kind: str, most_megapixels: float) -> list[Repeated]:
    """Return the pictures, the smallest first."""
    sizes = [Size(WIDTH, height) for height in HEIGHTS]
    return [replace(KINDS[kind], size=size) for size in sizes if size.area <= most_megapixels * 1e6]


def measure(workload: Repeated, source: Path, scratch: Path, rounds: int) -> list[Run]:
    """Return ``rounds`` runs after one to warm up, each of which has proved its files."""
    runs = []
    for number in range(rounds + 1):
        folder = scratch / f"{workload.size}" / f"{number}"
        runs.append(STREAM.run(source, folder))
        if wrong := STREAM.faults(source, folder, folder):
            raise SystemExit(f"{workload.size}: {len(wrong)} tiles are wrong, {wrong[0]} for one; no time counts")
        print(f"{workload.size}, round {number or 'to warm up'}: {runs[-1].cost.seconds:.2f} s", file=sys.stderr)
    return runs[1:]


def fit(megapixels: Sequence[float], seconds: Sequence[float], about: str) -> str:
    """Return what the line through the points says."""
    line = linear_regression(megapixels, seconds)
    squared = correlation(megapixels, seconds) ** 2
    return f"{about}: {1 / line.slope:.0f} MP/s, and {line.intercept:.2f} s to begin with; R2 {squared:.5f}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how the backend stream grows with the picture.")
    parser.add_argument("--kind", choices=KINDS, default="jpg", help="default: %(default)s")
    parser.add_argument("--most-megapixels", type=float, default=1600, metavar="N", help="leave larger pictures out")
    parser.add_argument("--rounds", type=int, default=3, help="after one to warm up")
    parser.add_argument("--scratch", type=Path, metavar="DIR", help="where the outputs go; default: temporary files")
    arguments = parser.parse_args()
    points = []
    print(f"{'picture':>14}{'MP':>8}{'process s':>11}{'call s':>9}{'MP/s':>7}{'cores':>7}{'peak MB':>9}{'own MB':>8}")
    with tempfile.TemporaryDirectory(prefix="tileframe-growth-", dir=arguments.scratch) as scratch:
        for workload in inputs(arguments.kind, arguments.most_megapixels):
            source = in_own_process(workload.make)
            runs = measure(workload, source, Path(scratch), arguments.rounds)
            megapixels = workload.size.area / 1e6
            seconds, called = median(map(whole, runs)), median(map(call, runs))
            points.append((megapixels, seconds, called))
            peak = max(run.cost.peak for run in runs) / 1e6
            own = max(run.cost.anonymous or 0 for run in runs) / 1e6
            cores = median(run.cost.cores for run in runs)
            print(
                f"{workload.size!s:>14}{megapixels:8.0f}{seconds:11.2f}{called:9.2f}{megapixels / called:7.0f}"
                f"{cores:7.2f}{peak:9.0f}{own:8.0f}",
                flush=True,
            )
    print("own: without the pages of the input file, which libvips maps into memory and the system may drop")
    if len(points) > 1:
        areas, by_process, by_call = zip(*points, strict=True)
        print(fit(areas, by_process, "whole process"))
        print(fit(areas, by_call, "the call"))


if __name__ == "__main__":
    main()
