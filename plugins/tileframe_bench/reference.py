"""The reference pyramid, made as the pixel contract says and by none of the backends.

One pass over the slide, a row of tiles at a time: the best reader's pixels, the 2x2 mean, the JPEG writer. The tests of
readers and writers prove those.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import numpy as np

from tileframe import Access, Box, ColourMode, Job, Location, OutputError, Pyramid, Spec, TileAddress, open_job, plan
from tileframe.pixels import Pixels, halve
from tileframe_bench.baselines import OVERLAP, QUALITY

# Regions are read in squares of about this side, in pixels; a slide that is read row by row, in its whole width.
SQUARE = 2048


def make_reference(slide: Path, target: Path, tile_size: int, workers: int) -> Pyramid:
    """Write the pyramid of ``slide`` with the descriptor ``target``, in a folder of its own, and return its geometry.

    `InputError` if no reader opens the slide, `OutputError` if it cannot be written.
    """
    spec = Spec(
        slide,
        Location("file", str(target.parent), target.stem),
        format_options={"quality": QUALITY},
        tile_size=tile_size,
        overlap=OVERLAP,
        limit_bounds=False,
        color=ColourMode.KEEP,  # as the baselines do
        workers=workers,
    )
    job = open_job(plan(spec))
    try:
        with job.source, ThreadPoolExecutor(workers) as pool:
            bands = _base(job, pool)
            for level in range(job.pyramid.base_level, -1, -1):
                bands = _halved(_written(job, target.parent, level, bands, pool), pool)
            for _ in bands:
                pass
            for name, text in job.layout.descriptor().items():
                (target.parent / name).write_bytes(text)
    except OSError as error:
        raise OutputError(f"{error.filename or target}: cannot be written ({error.strerror})") from error
    return job.pyramid


def _base(job: Job, pool: ThreadPoolExecutor) -> Iterator[Pixels]:
    """Yield the base level in bands, each a row of tiles."""
    size, side = job.pyramid.base, job.pyramid.tile_size
    by_rows = job.source.facts.access is Access.ROWS
    wide = size.width if by_rows else SQUARE
    high = side if by_rows else side * max(1, SQUARE // side)
    for top in range(0, size.height, high):
        rows = min(high, size.height - top)
        boxes = [Box(x, top, min(wide, size.width - x), rows) for x in range(0, size.width, wide)]
        strip = np.concatenate(list(pool.map(job.source.read, boxes)), axis=1)
        yield from (strip[y : y + side] for y in range(0, rows, side))


def _written(job: Job, folder: Path, level: int, bands: Iterator[Pixels], pool: ThreadPoolExecutor) -> Iterator[Pixels]:
    """Write the tiles of each band of ``level`` below ``folder``, and pass it on."""
    side = job.pyramid.tile_size
    for row, band in enumerate(bands):

        def write(col: int, row: int = row, band: Pixels = band) -> None:
            path = folder / job.layout.key(TileAddress(level, col, row))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(job.writer.encode(band[:, col * side : (col + 1) * side]))

        list(pool.map(write, range(job.pyramid.grid(level).width)))
        yield band


def _halved(bands: Iterator[Pixels], pool: ThreadPoolExecutor) -> Iterator[Pixels]:
    """Yield the bands of the next lower level, each from two."""
    while pair := list(islice(bands, 2)):
        both = np.concatenate(pair)
        pieces = [both[:, x : x + SQUARE] for x in range(0, both.shape[1], SQUARE)]
        yield np.concatenate(list(pool.map(halve, pieces)), axis=1)
