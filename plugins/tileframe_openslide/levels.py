"""Where the pixels of each level come from: the nearest native level, or an overview kept in memory."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from dataclasses import dataclass, field

import numpy as np
from PIL import Image

from tileframe import Access, Box, Job, NativeLevel, Size
from tileframe.machine import refuse_more_memory
from tileframe.pixels import Pixels, halve

# Bytes of a level that is kept to be halved into those above it. The generator reads the slide anew for each of them.
MOST_KEPT = 128_000_000
# Read at once for one tile, where the level itself was too large to be kept: 48 MB.
MOST_PIXELS = 1 << 24
# Rows that are read at once of a source that has nothing else.
ROWS = 256


@dataclass(frozen=True)
class Overview:
    """A whole level, in memory."""

    pixels: Pixels

    def read(self, box: Box) -> Pixels:
        """Return ``box`` of the level."""
        return self.pixels[box.y : box.bottom, box.x : box.right]


@dataclass(frozen=True)
class Plane:
    """A level, how to read a box of it, and the overview that its tiles are to fill."""

    level: int
    read: Callable[[Box], Pixels]
    overview: Overview | None = field(default=None)


def planes(job: Job, stop: threading.Event) -> Iterator[Plane]:
    """Yield every level, the base first. A yielded plane's tiles must be finished before the next is asked for."""
    if job.source.facts.access is Access.ROWS:
        yield from _held_planes(job)
        return
    overview: Overview | None = None
    levels = [Scaled(job, level, stop) for level in range(job.pyramid.level_count)]
    for level in reversed(range(len(levels))):
        if overview is not None:
            overview = Overview(halve(overview.pixels))
            yield Plane(level, overview.read)
        else:
            size = job.pyramid.level_size(level)
            if 3 * size.area <= MOST_KEPT:
                overview = Overview(np.empty((size.height, size.width, 3), np.uint8))
            yield Plane(level, levels[level].read, overview)
        if level > 0 and levels[level - 1].native != levels[level].native:
            overview = None  # the slide itself stores something nearer


def _held_planes(job: Job) -> Iterator[Plane]:
    """Yield every level of a source of rows, which is read once, into memory."""
    size = job.pyramid.base
    # The backend stream does without.
    refuse_more_memory(3 * size.area, f"this backend holds what is read row by row: {size} pixels")
    pixels = np.empty((size.height, size.width, 3), np.uint8)
    for y in range(0, size.height, ROWS):
        height = min(ROWS, size.height - y)
        pixels[y : y + height] = job.read(Box(0, y, size.width, height))
    for level in reversed(range(job.pyramid.level_count)):
        yield Plane(level, Overview(pixels).read)
        pixels = halve(pixels)


class Scaled:
    """One level of the pyramid, read from the slide's nearest native level that is at least as fine."""

    def __init__(self, job: Job, level: int, stop: threading.Event) -> None:
        self._job = job
        self._stop = stop
        self._downsample = job.pyramid.downsample(level)
        facts = job.source.facts
        levels = facts.native_levels or (NativeLevel(facts.size, 1.0),)
        self.native, self._stored = nearest(levels, facts.size, self._downsample)
        self._across, self._down = self._stored.scales(facts.size)
        self._factor = self._downsample / self._stored.downsample

    def read(self, box: Box) -> Pixels:
        """Return ``box``, in pixels of this level, exactly its own size."""
        rows = max(1, int(MOST_PIXELS / (box.width * self._factor * self._factor)))
        bands = [
            self._band(Box(box.x, y, box.width, min(rows, box.bottom - y))) for y in range(box.y, box.bottom, rows)
        ]
        return bands[0] if len(bands) == 1 else np.concatenate(bands)

    def _band(self, box: Box) -> Pixels:
        if self._stop.is_set():
            raise CancelledError
        if self.native == 0:
            return self._from_base(box)
        return self._from_stored(box)

    def _from_base(self, box: Box) -> Pixels:
        """Halve the base, as often as it takes: exactly what the pixel contract says."""
        scale, size = self._downsample, self._job.pyramid.base
        base_box = Box(box.x * scale, box.y * scale, box.width * scale, box.height * scale)
        pixels = self._job.read(base_box.clipped(Box(0, 0, size.width, size.height)))
        for _ in range(scale.bit_length() - 1):
            pixels = halve(pixels)
        return pixels

    def _from_stored(self, box: Box) -> Pixels:
        """Resize a box of a stored level, whose scale need not be a whole number."""
        size, scale, (x, y) = self._stored.size, self._downsample, self._stored.origin
        left, top = x + box.x * scale / self._across, y + box.y * scale / self._down
        right, bottom = left + box.width * scale / self._across, top + box.height * scale / self._down
        if max(abs(scale / self._across - 1), abs(scale / self._down - 1)) < 1 / max(size.width, size.height):
            # As good as the level itself: resizing would only blur it.
            # All tiles are shifted alike, as the corner is rounded: else neighbours may disagree where they overlap.
            left, top = math.floor(x + 0.5) + box.x, math.floor(y + 0.5) + box.y
            right, bottom = left + box.width, top + box.height
        wanted = Box(math.floor(left), math.floor(top), 0, 0)
        wanted = Box(wanted.x, wanted.y, math.ceil(right) - wanted.x, math.ceil(bottom) - wanted.y)
        pixels = self._read_stored(wanted, size)
        if wanted.size == box.size:
            return pixels
        part = (left - wanted.x, top - wanted.y, right - wanted.x, bottom - wanted.y)
        return np.asarray(Image.fromarray(pixels).resize((box.width, box.height), Image.Resampling.BOX, box=part))

    def _read_stored(self, wanted: Box, size: Size) -> Pixels:
        """Read ``wanted`` of the stored level; what lies beyond it repeats its last row and column."""
        x, y = min(wanted.x, size.width - 1), min(wanted.y, size.height - 1)
        right, bottom = min(wanted.right, size.width), min(wanted.bottom, size.height)
        pixels = self._job.read(Box(x, y, right - x, bottom - y), native_level=self.native)
        if (right, bottom) == (wanted.right, wanted.bottom):
            return pixels
        rows = np.arange(wanted.y, wanted.bottom).clip(y, bottom - 1) - y
        cols = np.arange(wanted.x, wanted.right).clip(x, right - 1) - x
        extended: Pixels = pixels[rows][:, cols]
        return extended


def nearest(levels: tuple[NativeLevel, ...], base: Size, downsample: int) -> tuple[int, NativeLevel]:
    """Return the coarsest level at least as fine as 1/``downsample``, give or take a pixel over its whole side."""
    best = 0
    for index, level in enumerate(levels):
        side_error = max(
            abs(level.size.width - base.width / downsample), abs(level.size.height - base.height / downsample)
        )
        if level.downsample <= downsample or side_error <= 1:
            best = index
    return best, levels[best]
