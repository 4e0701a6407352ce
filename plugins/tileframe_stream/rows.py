"""The schedule for sources that give rows: one thread reads them in order, and the others cut and halve.

Where reading is held up because the buffers are all in use, the reading thread cuts as well: ``workers`` threads are
all there are, and with one worker it does everything. Of a source whose rows can be decoded apart, reading a strip is
a task as cutting it is, and all threads do both.
"""

from __future__ import annotations

import threading
from functools import partial

from tileframe import Box, InputError, Job, OnError, Progress, RowsApart
from tileframe.pixels import Pixels
from tileframe_stream.halving import no_threads_of_opencv
from tileframe_stream.pool import OrderedPool
from tileframe_stream.strips import Strips, strip_height

# Bytes read at a time: small pieces stay in the processor's cache.
AT_ONCE = 200_000
# Bytes of strips of the base that are in use at once, if that is enough for the least number of them.
BUFFERS = 72_000_000
LEAST_STRIPS = 3  # one that is read, one that waits for its overlap, one that is cut
MOST_STRIPS = 6
LEAST_WORKERS = 3
"""For which rows are decoded apart: two are kept busy by one that decodes, and some rows are decoded twice so."""


class RowsRun:
    """One run."""

    def __init__(self, job: Job, progress: Progress) -> None:
        self._job = job
        self._progress = progress
        self._pool = OrderedPool(job.workers, self._read_all)
        self._strips = Strips(job, job.pyramid.base_level, self._pool.submit, self._count, self._release)
        self._lock = threading.Lock()
        self._tiles = self._pixels = 0
        self._in_use = 0
        self._apart = rows_apart(job)
        # One more for each worker, so that all can decode at the same time.
        self._most = strips_at_once(job) + (job.workers if self._apart else 0)

    def all_levels(self) -> None:
        """Make every tile."""
        with no_threads_of_opencv():
            self._pool.start()
            try:
                while not self._pool.finished(0.1):
                    self._progress(self._tiles, self._pixels)
                self._progress(self._tiles, self._pixels)
            finally:
                self._pool.stop()
                # Its buffers go at once: it knows this object, too, so that they would stay for Python's collector.
                del self._strips

    def _read_all(self) -> None:
        height = self._job.pyramid.base.height
        for index in range(-(-height // self._strips.height)):
            self._pool.help_until(lambda: self._in_use < self._most)
            with self._lock:
                self._in_use += 1
            if self._apart:
                self._pool.submit(partial(self._read_strip, index))
            else:
                self._read_strip(index)

    def _read_strip(self, index: int) -> None:
        into, top = self._strips.rows_of(index), index * self._strips.height
        rows = len(into) if self._apart else max(1, AT_ONCE // (3 * into.shape[1]))
        for y in range(0, len(into), rows):
            part = into[y : y + rows]
            box = Box(0, top + y, part.shape[1], len(part))
            try:
                self._read(box, part)
            except InputError as error:
                raise InputError(f"{error} (rows {top} to {top + len(into) - 1} of the base)") from error
        self._strips.filled(index)

    def _read(self, box: Box, into: Pixels) -> None:
        if self._apart is None:
            into[:] = self._job.read(box)
        else:
            self._apart.rows(box, into)

    def _count(self, tiles: int, pixels: int) -> None:
        with self._lock:
            self._tiles += tiles
            self._pixels += pixels

    def _release(self) -> None:
        with self._lock:
            self._in_use -= 1


def rows_apart(job: Job) -> RowsApart | None:
    """Return the source, if its rows are to be decoded apart; None if one after the other.

    What cannot be read and is filled ends at the first row that fails, and so is read in order.
    """
    source = job.source
    if job.workers < LEAST_WORKERS or job.plan.on_error is OnError.FILL or not isinstance(source, RowsApart):
        return None
    return source if source.find_rows() else None


def strips_at_once(job: Job) -> int:
    """Return how many strips of the base are in memory at once."""
    pyramid = job.pyramid
    strip = 3 * pyramid.base.width * (strip_height(pyramid.tile_size) + 2 * pyramid.overlap)
    return min(MOST_STRIPS, max(LEAST_STRIPS, BUFFERS // strip))
