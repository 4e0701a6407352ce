"""The pyramid that everyone's is compared with, made by the words of the pixel contract and by nobody's engine.

It goes through the slide once, a row of tiles at a time, with the best reader's pixels, numpy's 2x2 mean and the JPEG
writer. Reader and writer are those that backends use as well; that they are right is the readers' and writers' tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from tileframe import Access, Box, Job, JobSpec, OutputError, Pyramid, TileAddress, open_job
from tileframe.pixels import Pixels, halve
from tileframe_bench.baselines import OVERLAP, QUALITY

# Regions are read in squares of about so many pixels a side; rows come in full width.
SQUARE = 2048


def make_reference(slide: Path, target: Path, tile_size: int, workers: int) -> Pyramid:
    """Write the pyramid of ``slide`` with the descriptor ``target``, in a folder of its own, and return its geometry.

    `InputError` if no reader opens the slide, `OutputError` if it cannot be written.
    """
    spec = JobSpec(
        slide, target, quality=QUALITY, tile_size=tile_size, overlap=OVERLAP, limit_bounds=False, workers=workers
    )
    job = open_job(spec)
    try:
        with job.source, ThreadPoolExecutor(workers) as pool:
            _Pass(job, pool).whole()
    except OSError as error:
        raise OutputError(f"{error.filename or target}: cannot be written ({error.strerror})") from error
    return job.pyramid


class _Pass:
    """One pass over a slide, from the top down."""

    def __init__(self, job: Job, pool: ThreadPoolExecutor) -> None:
        self._job = job
        self._pool = pool
        self._side = job.pyramid.tile_size
        self._rows = [0] * job.pyramid.level_count
        self._waiting: dict[int, list[Pixels]] = {}

    def whole(self) -> None:
        folder = self._job.spec.target.parent
        for level in range(self._job.pyramid.level_count):
            (folder / self._job.layout.key(TileAddress(level, 0, 0))).parent.mkdir(parents=True)
        for band in self._read():
            self._take(self._job.pyramid.base_level, band)
        for name, text in self._job.layout.descriptor(self._job.pyramid).items():
            (folder / name).write_bytes(text)

    def _read(self) -> Iterator[Pixels]:
        """Yield the base, a row of tiles at a time."""
        size = self._job.pyramid.base
        in_order = self._job.source.facts.access is Access.ROWS
        wide = size.width if in_order else SQUARE
        high = self._side if in_order else self._side * max(1, SQUARE // self._side)
        for top in range(0, size.height, high):
            rows = min(high, size.height - top)
            boxes = [Box(x, top, min(wide, size.width - x), rows) for x in range(0, size.width, wide)]
            strip = np.concatenate(list(self._pool.map(self._job.read, boxes)), axis=1)
            for y in range(0, rows, self._side):
                yield strip[y : y + self._side]

    def _take(self, level: int, band: Pixels) -> None:
        """Keep a row of tiles; do the same one level up with what has become a row of tiles there."""
        row = self._rows[level]
        self._rows[level] += 1
        cols = range(self._job.pyramid.grid(level).width)
        list(self._pool.map(lambda col: self._keep(TileAddress(level, col, row), band), cols))
        if level == 0:
            return
        waiting = self._waiting.setdefault(level, [])
        waiting.append(band)
        if len(waiting) == 2 or self._rows[level] == self._job.pyramid.grid(level).height:
            del self._waiting[level]
            self._take(level - 1, self._half(np.concatenate(waiting)))

    def _half(self, band: Pixels) -> Pixels:
        # In even pieces, for several threads.
        pieces = [band[:, x : x + SQUARE] for x in range(0, band.shape[1], SQUARE)]
        return np.concatenate(list(self._pool.map(halve, pieces)), axis=1)

    def _keep(self, tile: TileAddress, band: Pixels) -> None:
        pixels = band[:, tile.col * self._side : (tile.col + 1) * self._side]
        path = self._job.spec.target.parent / self._job.layout.key(tile)
        path.write_bytes(self._job.writer.encode(pixels))
