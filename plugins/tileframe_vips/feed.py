"""Any source as an uncompressed PNG stream, which libvips reads row by row."""

from __future__ import annotations

import struct
import zlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from tileframe import Access, Box, InputError, Job
from tileframe.pixels import Pixels

# A multiple of all common tile heights, so that no tile of a slide is decoded for two strips.
ROWS = 256
# Read by one task: wide enough that few tiles are decoded twice, narrow enough that all workers have some.
COLUMNS = 4096


class PngFeed:
    """Gives the pixels of a job as the bytes of a PNG, and keeps the exception that stopped it.

    libvips swallows what its callback raises, and goes on with a picture that ends there: look at `error`.
    """

    def __init__(self, job: Job) -> None:
        self.error: BaseException | None = None
        self._job = job
        self._stopped = False
        # The first in time: once a slide has failed, OpenSlide says the same of every other place.
        self._first_error: InputError | None = None
        self._pool = ThreadPoolExecutor(job.workers, thread_name_prefix="feed")
        self._pieces = self._png()
        self._left = memoryview(b"")

    def read(self, size: int) -> bytes:
        """Return the next bytes, at most ``size``; none at the end, and none after an error."""
        try:
            while not self._left and not self._stopped:
                piece = next(self._pieces, None)
                if piece is None:
                    break
                self._left = memoryview(piece)
        except BaseException as error:  # whatever it is, it is raised again where it can be seen
            self.error = error
            self._stopped = True
        part, self._left = self._left[:size], self._left[size:]
        return b"" if self._stopped else bytes(part)

    def close(self) -> None:
        """Stop reading."""
        self._stopped = True
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _png(self) -> Iterator[bytes]:
        size = self._job.pyramid.base
        # Level 0 stores: deflate's blocks without compression.
        deflate = zlib.compressobj(0)
        yield b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", size.width, size.height, 8, 2, 0, 0, 0))
        for strip in self._strips():
            if packed := deflate.compress(strip.data):
                yield _chunk(b"IDAT", packed)
        yield _chunk(b"IDAT", deflate.flush()) + _chunk(b"IEND", b"")

    def _strips(self) -> Iterator[Pixels]:
        """Yield the rows of the PNG, each behind its filter byte, while the next ones are read."""
        ahead: deque[tuple[Pixels, list[Future[None]]]] = deque()
        for y in range(0, self._job.pyramid.base.height, ROWS):
            ahead.append(self._start(y))
            if len(ahead) > 1:
                yield _finished(*ahead.popleft())
        while ahead:
            yield _finished(*ahead.popleft())

    def _start(self, y: int) -> tuple[Pixels, list[Future[None]]]:
        size = self._job.pyramid.base
        height = min(ROWS, size.height - y)
        lines = np.zeros((height, 1 + 3 * size.width), np.uint8)
        if self._job.source.facts.access is Access.ROWS:
            self._fill(lines, Box(0, y, size.width, height))
            return lines, []
        boxes = (Box(x, y, min(COLUMNS, size.width - x), height) for x in range(0, size.width, COLUMNS))
        if self._job.workers == 1:
            # One worker is one: read in libvips' own thread, which waits for these rows anyway.
            for box in boxes:
                self._fill(lines, box)
            return lines, []
        return lines, [self._pool.submit(self._fill, lines, box) for box in boxes]

    def _fill(self, lines: Pixels, box: Box) -> None:
        if self._stopped:
            return
        try:
            lines[:, 1 + 3 * box.x : 1 + 3 * box.right] = self._job.read(box).reshape(box.height, -1)
        except InputError as error:
            rows = f"rows {box.y} to {box.bottom - 1} of the base"
            self._first_error = self._first_error or InputError(f"{error} ({rows})")
            raise self._first_error from error


def _finished(lines: Pixels, reading: list[Future[None]]) -> Pixels:
    for future in reading:
        future.result()
    return lines


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))
