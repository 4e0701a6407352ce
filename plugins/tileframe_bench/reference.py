"""The reference pyramid, made as the pixel contract says and by none of the backends.

One pass over the slide, a row of tiles at a time: the best reader's pixels, the 2x2 mean, the JPEG writer. The tests of
readers and writers prove those.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, product
from pathlib import Path
from typing import Any

import numpy as np

from tileframe import Access, Box, ColourMode, Job, Location, OutputError, Pyramid, Spec, TileAddress, open_job, plan
from tileframe.pixels import Pixels, halve
from tileframe_bench.baselines import OVERLAP, QUALITY

# `map`, or that of a pool.
Each = Callable[..., Iterable[None]]
# Regions are read in squares of about this side, in pixels; a slide that is read row by row, in its whole width.
SQUARE = 2048
# Of a slide that is read row by row, at a time: what stays in the processor's cache.
ROWS_BYTES = 200_000


def open_plain(slide: Path, target: Path, **options: Any) -> Job:
    """Return the job that all entrants are given; `InputError` if no reader opens the slide."""
    location = Location("file", str(target.parent), target.stem)
    held_equal: dict[str, Any] = {"overlap": OVERLAP, "limit_bounds": False, "color": ColourMode.KEEP}
    return open_job(plan(Spec(slide, location, format_options={"quality": QUALITY}, **held_equal, **options)))


def make_reference(slide: Path, target: Path, tile_size: int, workers: int) -> Pyramid:
    """Write the pyramid of ``slide`` with the descriptor ``target``, in a folder of its own, and return its geometry.

    `InputError` if no reader opens the slide, `OutputError` if it cannot be written.
    """
    job = open_plain(slide, target, tile_size=tile_size, workers=workers)
    try:
        with job.source, ThreadPoolExecutor(workers) as pool:
            Pass(job, target.parent, pool.map).run()
            for name, text in job.layout.descriptor().items():
                (target.parent / name).write_bytes(text)
    except OSError as error:
        raise OutputError(f"{error.filename or target}: cannot be written ({error.strerror})") from error
    return job.pyramid


class Pass:
    """One pass over all pixels of a job, in small pieces: each is decoded, halved, encoded and written once.

    The tiles go below ``folder``; ``each`` does something with every piece. The four steps may be replaced before
    `run`.
    """

    def __init__(self, job: Job, folder: Path, each: Each = map) -> None:
        self.decode: Callable[[Box], Pixels] = job.source.read
        self.halve: Callable[[Pixels, Pixels], None] = lambda above, below: np.copyto(below, halve(above))
        self.encode: Callable[[TileAddress, Pixels], bytes] = lambda tile, pixels: job.writer.encode(pixels)
        self.write: Callable[[Path, bytes], object] = _write
        self._job, self._folder, self._each = job, folder, each
        self._side = job.pyramid.tile_size

    def run(self) -> None:
        """Make all tiles."""
        bands = self._base()
        for level in range(self._job.pyramid.base_level, -1, -1):
            bands = self._halved(self._written(level, bands))
        for _ in bands:
            pass

    def _base(self) -> Iterator[Pixels]:
        """Yield the base level in bands, each a row of tiles."""
        size, side = self._job.pyramid.base, self._side
        by_rows = self._job.source.facts.access is Access.ROWS
        rows = side if by_rows else side * max(1, SQUARE // side)
        high, wide = (max(1, ROWS_BYTES // (3 * size.width)), size.width) if by_rows else (rows, SQUARE)
        for top in range(0, size.height, rows):
            strip = np.empty((min(rows, size.height - top), size.width, 3), np.uint8)

            def decode(y: int, x: int, top: int = top, strip: Pixels = strip) -> None:
                box = Box(x, top + y, min(wide, size.width - x), min(high, len(strip) - y))
                strip[y : y + box.height, x : box.right] = self.decode(box)

            # Rows come in order.
            _in_pieces(map if by_rows else self._each, decode, strip, high, wide)
            yield from (strip[y : y + side] for y in range(0, len(strip), side))

    def _written(self, level: int, bands: Iterator[Pixels]) -> Iterator[Pixels]:
        """Write the tiles of each band of ``level``, and pass it on."""
        side, key = self._side, self._job.layout.key
        (self._folder / key(TileAddress(level, 0, 0))).parent.mkdir(parents=True)
        for row, band in enumerate(bands):

            def write(y: int, x: int, row: int = row, band: Pixels = band) -> None:
                tile = TileAddress(level, x // side, row)
                self.write(self._folder / key(tile), self.encode(tile, band[:, x : x + side]))

            _in_pieces(self._each, write, band, side, side)
            yield band

    def _halved(self, bands: Iterator[Pixels]) -> Iterator[Pixels]:
        """Yield the bands of the next lower level, each from two."""
        # Even, for pairs of rows and columns are halved together: about a tile high, and two wide.
        high, wide = max(2, self._side // 2 * 2), 2 * self._side
        while pair := list(islice(bands, 2)):
            both = np.concatenate(pair)
            below = np.empty((-(-both.shape[0] // 2), -(-both.shape[1] // 2), 3), np.uint8)

            def shrink(y: int, x: int, both: Pixels = both, below: Pixels = below) -> None:
                self.halve(both[y : y + high, x : x + wide], below[y // 2 : (y + high) // 2, x // 2 : (x + wide) // 2])

            _in_pieces(self._each, shrink, both, high, wide)
            yield below


def _in_pieces(each: Each, do: Callable[[int, int], None], pixels: Pixels, high: int, wide: int) -> None:
    corners = list(product(range(0, pixels.shape[0], high), range(0, pixels.shape[1], wide)))
    for _ in each(do, *zip(*corners, strict=True)):
        pass  # what is raised in a thread is raised here


def _write(path: Path, encoded: bytes) -> None:
    with open(path, "wb", buffering=0) as file:  # a seventh less than `write_bytes`: the limit must not be too high
        file.write(encoded)
