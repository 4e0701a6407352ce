"""A level, from the top down, strip by strip: cut into tiles, and halved into the strips of the level above.

A strip is the height of one tile row, or of as many as make it even and worth the while, so that two
strips halve into one of the level above. It is handed on when its rows are there and, for the overlap, those next to
it: a strip's buffer has a margin of ``overlap`` rows above and below, filled from its neighbours.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from tileframe import Box, Job
from tileframe.pixels import Pixels
from tileframe_stream.cutting import Patch, cells_of, cut
from tileframe_stream.halving import halve

# Strips are at least half as high as this, and pieces of them, which are the tasks, at least as wide.
MIN_HEIGHT = 256
PIECE = 2048

Submit = Callable[[Callable[[], None]], None]


@dataclass(slots=True, eq=False)
class Strip:
    """Rows of a level, and what has to happen before and after it is cut."""

    level: int
    index: int
    box: Box
    """Its rows, without the margin, in the level's plane."""
    buffer: Pixels
    """With the margin above and below."""
    margin: int
    missing: int
    """How many fills, and neighbours, it still waits for."""
    fills: int
    """How many of those are fills."""
    pieces: int = 0
    """How many of its pieces are still to be done."""

    @property
    def rows(self) -> Pixels:
        """The rows themselves."""
        return self.buffer[self.margin : self.margin + self.box.height]

    @property
    def patch(self) -> Patch:
        """Everything there is, for tiles with overlap."""
        return Patch(self.level, 0, self.box.y - self.margin, self.buffer)


class Strips:
    """The strips of ``level`` and of all levels above it, for one run. Safe to use from many threads."""

    def __init__(
        self, job: Job, level: int, submit: Submit, done: Callable[[int, int], None], release: Callable[[], None]
    ) -> None:
        """``submit`` is given the tasks, ``done`` the numbers of tiles and pixels that each has made; ``release`` is
        called whenever a strip of ``level`` is finished."""
        self.height = strip_height(job.pyramid.tile_size)
        self._job = job
        self._base = level
        self._submit = submit
        self._done = done
        self._release = release
        self._lock = threading.Lock()
        self._open: dict[tuple[int, int], Strip] = {}
        self._free: defaultdict[int, list[Pixels]] = defaultdict(list)

    def rows_of(self, index: int) -> Pixels:
        """Return where the rows of strip ``index`` of the lowest level belong, ``(height, width, 3)``."""
        with self._lock:
            return self._strip(self._base, index).rows

    def filled(self, index: int) -> None:
        """Take it that the rows of strip ``index`` of the lowest level are all there."""
        with self._lock:
            strip = self._open[self._base, index]
        self._take_fill(strip)

    def _take_fill(self, strip: Strip) -> None:
        with self._lock:
            strip.fills -= 1
            strip.missing -= 1
            if strip.fills:
                return
            ready = [strip] if not strip.missing else []
            for above, below in self._pairs(strip):
                _share_margins(above, below)
                ready += [one for one in (above, below) if not one.missing]
        for one in ready:
            self._hand_on(one)

    def _pairs(self, strip: Strip) -> Iterator[tuple[Strip, Strip]]:
        """Yield those of its neighbours that are filled too, in order."""
        if not strip.margin:
            return
        above = self._open.get((strip.level, strip.index - 1))
        below = self._open.get((strip.level, strip.index + 1))
        if above is not None and not above.fills:
            yield above, strip
        if below is not None and not below.fills:
            yield strip, below

    def _hand_on(self, strip: Strip) -> None:
        side = self._job.pyramid.tile_size
        # An even number of tiles, so that pieces halve without their neighbours.
        width = 2 * side * max(1, PIECE // (2 * side))
        starts = range(0, strip.box.width, width)
        strip.pieces = len(starts)
        for x in starts:
            piece = Box(x, strip.box.y, min(width, strip.box.width - x), strip.box.height)
            self._submit(partial(self._make, strip, piece))

    def _make(self, strip: Strip, piece: Box) -> None:
        """Cut and halve ``piece`` of ``strip``."""
        above = None
        if strip.level:
            with self._lock:
                above = self._strip(strip.level - 1, strip.index // 2)
        unit = self._job.unit(f"strip {strip.level},{strip.index},{piece.x}")
        if not unit.is_done:
            cut(unit.job, strip.patch, cells_of(self._job, piece))
            unit.finish()
        if above is not None:
            y = (strip.index % 2) * self.height // 2
            into = above.rows[y : y + -(-piece.height // 2), piece.x // 2 : -(-piece.right // 2)]
            halve(strip.rows[:, piece.x : piece.right], into)
        self._done(cells_of(self._job, piece).size.area, piece.size.area)
        self._finish_piece(strip)

    def _finish_piece(self, strip: Strip) -> None:
        with self._lock:
            strip.pieces -= 1
            if strip.pieces:
                return
            del self._open[strip.level, strip.index]
            self._free[strip.level].append(strip.buffer)
            above = self._open.get((strip.level - 1, strip.index // 2))
        if strip.level == self._base:
            self._release()
        if above is not None:
            self._take_fill(above)

    def _strip(self, level: int, index: int) -> Strip:
        """Return the strip, new if nobody has asked for it yet."""
        if (level, index) not in self._open:
            self._open[level, index] = self._new(level, index)
        return self._open[level, index]

    def _new(self, level: int, index: int) -> Strip:
        pyramid = self._job.pyramid
        size, margin = pyramid.level_size(level), pyramid.overlap
        count = -(-size.height // self.height)
        y = index * self.height
        box = Box(0, y, size.width, min(self.height, size.height - y))
        fills = 1
        if level < self._base:
            below = -(-pyramid.level_size(level + 1).height // self.height)
            fills = min(2, below - 2 * index)
        neighbours = (index > 0) + (index + 1 < count) if margin else 0
        free = self._free[level]
        buffer = free.pop() if free else np.empty((self.height + 2 * margin, size.width, 3), np.uint8)
        return Strip(level, index, box, buffer, margin, fills + neighbours, fills)


def strip_height(tile_size: int) -> int:
    """Return the height of a strip: an even number of pixels and a whole number of tiles."""
    even = tile_size * (1 + tile_size % 2)
    return even * max(1, MIN_HEIGHT // even)


def _share_margins(above: Strip, below: Strip) -> None:
    """Give both of two neighbours the rows of the other that their tiles overlap with."""
    margin, middle = above.margin, above.margin + above.box.height
    below.buffer[:margin] = above.buffer[middle - margin : middle]
    rows = min(margin, below.box.height)
    above.buffer[middle : middle + rows] = below.buffer[margin : margin + rows]
    above.missing -= 1
    below.missing -= 1
