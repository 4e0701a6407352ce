"""The levels of a pyramid read from a slide: from its own levels where it has such, and by the contract's halving."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from PIL import Image

from tileframe import Access, BaseSource, Box, InputError, NativeLevel, Pyramid, Size, Source, Sparse, View
from tileframe.machine import refuse_more_memory
from tileframe.pixels import Pixels, plain
from tileframe_stream.halving import halve

# Read at once for one tile; for more than that an overview is made first, and kept.
MOST_PIXELS = 1 << 24
SQUARE = 1024
"""Pixels a side of what is read at once for an overview."""
OVERVIEW = 4096
"""Pixels a side, at most, of the overview of a slide that stores no small levels."""
MOST_HELD = 1 << 30
"""Bytes of a picture that is read row by row, and so is held in memory."""
ROWS = 256


class InMemory(BaseSource):
    """Pixels in memory, as a source."""

    def __init__(self, source: Source, pixels: Pixels) -> None:
        size = Size(pixels.shape[1], pixels.shape[0])
        super().__init__(replace(source.facts, size=size, access=Access.REGIONS, native_levels=(), tile_size=None))
        self.pixels = pixels

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        """Return a copy of ``box``."""
        part: Pixels = self.pixels[box.y : box.bottom, box.x : box.right].copy()
        return part


def held(source: Source, name: str) -> InMemory:
    """Return all pixels of a source that gives rows; `InputError` where they are too many to be held."""
    size = source.facts.size
    if 3 * size.area > MOST_HELD:
        said = f"{name}: is read row by row, and its {size} pixels are too many to be held"
        raise InputError(f"{said}; make its pyramid with `tileframe run`, and serve that")
    refuse_more_memory(3 * size.area, f"{name}: {size} pixels, which are read row by row and held,")
    pixels = np.empty((size.height, size.width, 3), np.uint8)
    for y in range(0, size.height, ROWS):
        height = min(ROWS, size.height - y)
        pixels[y : y + height] = source.read(Box(0, y, size.width, height))
    return InMemory(source, pixels)


class Lowered(View):
    """A level of the pyramid, read from one of the slide's own levels, whose scale need not be a whole number."""

    def __init__(self, source: Source, native_level: int, size: Size, downsample: int) -> None:
        super().__init__(source, replace(source.facts, size=size, native_levels=(), tile_size=None))
        self._number, self._level = native_level, source.facts.native_levels[native_level]
        across, down = self._level.scales(source.facts.size)
        self._across, self._down = downsample / across, downsample / down

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        """Return ``box``, in pixels of the pyramid's level."""
        size, (x, y) = self._level.size, self._level.origin
        if max(abs(self._across - 1), abs(self._down - 1)) < 1 / max(size.width, size.height):
            return self._stored(box.shifted(math.floor(x + 0.5), math.floor(y + 0.5)))
        left, top = x + box.x * self._across, y + box.y * self._down
        right, bottom = x + box.right * self._across, y + box.bottom * self._down
        first, upper = math.floor(left), math.floor(top)
        pixels = self._stored(Box(first, upper, math.ceil(right) - first, math.ceil(bottom) - upper))
        part = (left - first, top - upper, right - first, bottom - upper)
        return np.asarray(Image.fromarray(pixels).resize((box.width, box.height), Image.Resampling.BOX, box=part))

    def _stored(self, wanted: Box) -> Pixels:
        """Return ``wanted`` of the slide's level; what lies beyond it repeats its last row and column."""
        size = self._level.size
        x, y = min(wanted.x, size.width - 1), min(wanted.y, size.height - 1)
        inside = Box(x, y, min(wanted.right, size.width) - x, min(wanted.bottom, size.height) - y)
        pixels = self.source.read(inside, native_level=self._number)
        if inside == wanted:
            return pixels
        rows = np.arange(wanted.y, wanted.bottom).clip(y, inside.bottom - 1) - y
        cols = np.arange(wanted.x, wanted.right).clip(x, inside.right - 1) - x
        extended: Pixels = pixels[rows][:, cols]
        return extended


class Levels:
    """Every level of the pyramid over ``source``, which is its base and gives regions."""

    def __init__(self, source: Source) -> None:
        self.base = source.facts.size
        self._shape = Pyramid(self.base, 1, 0)
        self._sources: dict[int, Source] = {self._shape.base_level: source}
        for number, native in enumerate(source.facts.native_levels[1:], start=1):
            level = self._level_of(native)
            if level < self._shape.base_level:
                size = self._shape.level_size(level)
                self._sources[level] = Lowered(source, number, size, self._shape.downsample(level))
        self._lock = threading.Lock()

    @property
    def base_level(self) -> int:
        """The number of the level of full resolution."""
        return self._shape.base_level

    @property
    def from_base(self) -> bool:
        """Whether every level is made from the base alone, by the contract."""
        return len(self._sources) == 1 or all(isinstance(one, InMemory) for one in list(self._sources.values())[1:])

    @property
    def held_bytes(self) -> int:
        """How much of it is in memory."""
        return sum(one.pixels.nbytes for one in list(self._sources.values()) if isinstance(one, InMemory))

    def level_size(self, level: int) -> Size:
        """Return the size of ``level``."""
        return self._shape.level_size(level)

    def downsample(self, level: int) -> int:
        """Return how many pixels of the base one of ``level`` spans a side."""
        return self._shape.downsample(level)

    def region(self, level: int, box: Box) -> Pixels:
        """Return ``box`` of ``level``, in its own pixels, by the contract from the nearest level that there is."""
        source, finer = self._nearest(level, box)
        return _halved(source, box, finer - level)

    def _level_of(self, native: NativeLevel) -> int:
        """Return the finest level of the pyramid that is no finer than ``native``, give or take a pixel of its side."""
        for level in range(self._shape.base_level, -1, -1):
            size = self._shape.level_size(level)
            off = max(abs(native.size.width - size.width), abs(native.size.height - size.height))
            if native.downsample <= self._shape.downsample(level) or off <= 1:
                return level
        return 0

    def _nearest(self, level: int, box: Box) -> tuple[Source, int]:
        """Return the coarsest source at least as fine as ``level``, and its level; it may make an overview first."""
        if (own := self._sources.get(level)) is not None:
            return own, level
        finer = min(one for one in list(self._sources) if one >= level)
        if box.size.area << 2 * (finer - level) > MOST_PIXELS:
            overview = next(one for one in range(finer, -1, -1) if longest(self._shape.level_size(one)) <= OVERVIEW)
            if level <= overview < finer:
                with self._lock:
                    if overview not in self._sources:
                        self._sources[overview] = self._overview(overview, finer)
                finer = overview
        return self._sources[finer], finer

    def _overview(self, level: int, finer: int) -> InMemory:
        """Return the whole of ``level``, halved from ``finer`` square by square, but for those that hold nothing."""
        source, steps = self._sources[finer], finer - level
        size, full = self._shape.level_size(level), source.facts.size
        pixels = plain(size.height, size.width, source.facts.background)
        # A source knows of the base alone what it holds.
        holds = source.holds if finer == self.base_level and isinstance(source, Sparse) else None

        def is_held(square: Box) -> bool:
            return holds is None or holds(_above(square, steps, full))

        for square in _squares(Box(0, 0, size.width, size.height), max(1, SQUARE >> steps), is_held):
            pixels[square.y : square.bottom, square.x : square.right] = _halved(source, square, steps)
        return InMemory(source, pixels)


def _halved(source: Source, box: Box, steps: int) -> Pixels:
    """Return ``box`` of the level that is ``steps`` halvings above ``source``, as `tileframe.tile` makes a tile."""
    pixels = source.read(_above(box, steps, source.facts.size) if steps else box)
    for _ in range(steps):
        height, width, _ = pixels.shape
        mean = np.empty((-(-height // 2), -(-width // 2), 3), np.uint8)
        halve(pixels, mean)
        pixels = mean
    return pixels


def _squares(box: Box, side: int, is_held: Callable[[Box], bool]) -> Iterator[Box]:
    """Yield the squares of ``side`` pixels in ``box``, or the quarters of them, that hold anything.

    Of a large part without anything, none is looked at.
    """
    if not is_held(box):
        return
    half = max(1, side // 2)
    while 2 * half < longest(box.size):
        half *= 2
    quarters = [
        Box(x, y, min(half, box.right - x), min(half, box.bottom - y))
        for y in range(box.y, box.bottom, half)
        for x in range(box.x, box.right, half)
    ]
    if longest(box.size) <= side:
        held = [one for one in quarters if is_held(one)]
        yield from [box] if len(held) == len(quarters) else held
        return
    for one in quarters:
        yield from _squares(one, side, is_held)


def _above(box: Box, steps: int, size: Size) -> Box:
    """Return the pixels, of a level of that ``size``, which ``box`` is ``steps`` halvings of."""
    wanted = Box(box.x << steps, box.y << steps, box.width << steps, box.height << steps)
    return wanted.clipped(Box(0, 0, size.width, size.height))


def longest(size: Size) -> int:
    """Return the longer side."""
    return max(size.width, size.height)
