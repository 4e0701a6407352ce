"""The work that a pyramid cannot do without, alone, stage by stage, in one thread.

``python benchmarks/stages.py FILE OUT [--reader NAME] [--passthrough] [--json]`` goes once through all of the data
with the reader's own decoding, tileframe's 2x2 mean, the writer's encoder and a plain write of each file, adds up the
processor time of every stage, and keeps everything else out of the sums. Nothing is scaled up from a sample.
One thread that has the machine to itself is faster than each of several: the limit is, if anything, too low.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.limits import Stages
from benchmarks.outputs import key
from tileframe import Access, Box, Job, JobSpec, TileAddress, machine
from tileframe.model import Passthrough
from tileframe.pixels import Pixels
from tileframe.planning import plan
from tileframe.registry import load
from tileframe_bench.baselines import OVERLAP, QUALITY, TILE_SIZE
from tileframe_stream.halving import halve, no_threads_of_opencv
from tileframe_stream.memory import keep_freed_memory

# As the backend `stream` reads: in pieces that stay in the processor's cache, or in squares.
ROWS_BYTES = 200_000
SQUARE = 2048


def open_job(slide: Path, folder: Path, *, reader: str | None = None, passthrough: bool = False) -> Job:
    """Return the job that every competitor does; with ``passthrough``, on the grid of the slide's own tiles."""
    spec = JobSpec(
        slide,
        folder / "pyramid.dzi",
        reader=reader,
        backend="stream",
        quality=QUALITY,
        tile_size=None if passthrough else TILE_SIZE,
        overlap=OVERLAP,
        passthrough=Passthrough.ALWAYS if passthrough else Passthrough.NEVER,
        limit_bounds=False,
    )
    return plan(spec, load()).job


def measure(slide: Path, folder: Path, *, reader: str | None = None, passthrough: bool = False) -> Stages:
    """Do the work on ``slide``, with its tiles written below ``folder``, and return what it took."""
    keep_freed_memory()
    job = open_job(slide, folder, reader=reader, passthrough=passthrough)
    stages = Stages(job.source.facts.access is Access.ROWS, machine.available_cores())
    with job.source, no_threads_of_opencv():
        Pass(job, folder, stages).whole()
    return stages


class Pass:
    """One pass over the slide, from the top down, in rows of tiles."""

    def __init__(self, job: Job, folder: Path, stages: Stages) -> None:
        self._job = job
        self._folder = folder
        self._stages = stages
        self._side = job.pyramid.tile_size
        self._rows = [0] * job.pyramid.level_count
        self._upper: dict[int, Pixels] = {}

    def whole(self) -> None:
        for level in range(self._job.pyramid.level_count):
            (self._folder / str(level)).mkdir()
        for band in self._read():
            self._take(self._job.pyramid.base_level, band)

    def _read(self) -> Iterator[Pixels]:
        """Yield the base, a row of tiles at a time; the same memory is used again."""
        size = self._job.pyramid.base
        rows, cols = self._side, size.width
        if self._stages.in_order:
            high, wide = max(1, ROWS_BYTES // (3 * cols)), cols
        else:
            rows *= max(1, SQUARE // rows)
            high = wide = rows
        strip = np.empty((rows, cols, 3), np.uint8)
        for top in range(0, size.height, rows):
            filled = min(rows, size.height - top)
            for y in range(0, filled, high):
                for x in range(0, cols, wide):
                    box = Box(x, top + y, min(wide, cols - x), min(high, filled - y))
                    with self._stages.timed("decode"):
                        pixels = self._job.read(box)
                    strip[y : y + box.height, x : box.right] = pixels
            for y in range(0, filled, self._side):
                yield strip[y : min(y + self._side, filled)]

    def _take(self, level: int, band: Pixels) -> None:
        """Cut a row of tiles; halve it, and do the same above with what has become a row of tiles there."""
        self._cut(level, band)
        if level == 0:
            return
        height, width = band.shape[:2]
        if level not in self._upper:
            self._upper[level] = np.empty((self._side, (width + 1) // 2, 3), np.uint8)
        above = self._upper[level]
        number = self._rows[level] - 1
        first = (number % 2) * self._side // 2
        last = first + (height + 1) // 2
        # Two tiles at a time, as the backend does it: small pieces stay in the processor's cache.
        for x in range(0, width, 2 * self._side):
            part = band[:, x : x + 2 * self._side]
            into = above[first:last, x // 2 : x // 2 + (part.shape[1] + 1) // 2]
            with self._stages.timed("halve"):
                halve(part, into)
        if number % 2 or number + 1 == self._job.pyramid.grid(level).height:
            self._take(level - 1, above[:last])

    def _cut(self, level: int, band: Pixels) -> None:
        row = self._rows[level]
        self._rows[level] += 1
        for col in range(self._job.pyramid.grid(level).width):
            tile = TileAddress(level, col, row)
            pixels = band[:, col * self._side : (col + 1) * self._side]
            with self._stages.timed("encode"):
                # With pass-through, what is copied counts as encoded.
                encoded = self._job.own_tile(tile) or self._job.writer.encode(pixels)
            path = f"{self._folder}/{key(tile)}"
            with self._stages.timed("write"), open(path, "wb", buffering=0) as file:
                file.write(encoded)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the work that a pyramid cannot do without.")
    parser.add_argument("slide", type=Path, metavar="FILE")
    parser.add_argument("folder", type=Path, metavar="OUT", help="a new folder, for the tiles")
    parser.add_argument("--reader", metavar="NAME", help="default: the best one that can")
    parser.add_argument("--passthrough", action="store_true", help="the base keeps the slide's own tiles")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    arguments = parser.parse_args()
    arguments.folder.mkdir()
    stages = measure(arguments.slide, arguments.folder, reader=arguments.reader, passthrough=arguments.passthrough)
    print(stages.to_json() if arguments.json else stages)


if __name__ == "__main__":
    main()
