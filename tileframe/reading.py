"""Reading a slide that fails here and there: again where it may pass, and background where it does not."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterable, Iterator
from math import ceil, floor

from tileframe.errors import InputError
from tileframe.facts import Access
from tileframe.geometry import Box, Size
from tileframe.protocols import Pixels, Source

PAUSES = (0.1, 0.5, 2.0)
"""Seconds before each new try of what may pass."""
NAMES = ("EIO", "EAGAIN", "ETIMEDOUT", "ESTALE", "ECONNRESET", "ENETDOWN", "ENETUNREACH", "EHOSTDOWN", "EHOSTUNREACH")
MAY_PASS = tuple(os.strerror(getattr(errno, name)) for name in NAMES if hasattr(errno, name))
"""What systems say when a disk or a network fails for a moment. The libraries tell it in their messages alone."""
LEAST = 64
"""Pixels a side, below which a box that cannot be read is not divided any more, where the slide has no tiles."""


CELL = 2048
"""Pixels a side of the squares by which filled boxes are found."""


class Reading:
    """Reads a source for one job, from many threads, and remembers where it showed the background instead."""

    def __init__(self, source: Source, region: Box, *, fill: bool) -> None:
        """``source`` is the part ``region`` of its slide; without ``fill``, what cannot be read is an `InputError`."""
        self._source, self._corner, self._fill = source, region, fill
        self.filled: dict[tuple[int, int], list[Box]] = {}
        """The boxes that could not be read so far, by the cells that they have a part in."""
        self._is_over = False
        """Whether no more rows of a source of rows can be read."""

    def read(self, box: Box, native_level: int = 0) -> Pixels:
        """Return ``box`` of the level, as `Source.read` does."""
        if self._fill and self._source.facts.access is Access.ROWS:
            return self._rows(box)
        try:
            return self._again(box, native_level)
        except InputError:
            if not self._fill:
                raise
        pixels, parts = self._background(box), self._parts(box, native_level)
        for part in parts:
            x, y = part.x - box.x, part.y - box.y
            pixels[y : y + part.height, x : x + part.width] = self.read(part, native_level)
        if not parts:
            self._note(box, native_level)
        return pixels

    def is_filled(self, box: Box) -> bool:
        """Say whether some of ``box``, in pixels of the base, could not be read, and shows the background."""
        return bool(self.filled_in(box))

    def filled_in(self, box: Box) -> list[Box]:
        """Return the boxes that could not be read and have a part in ``box``, in pixels of the base."""
        return sorted({one for cell in _cells(box) for one in self.filled.get(cell, ()) if box.clipped(one).has_area})

    def take(self, filled: Iterable[Box]) -> None:
        """Remember boxes that could not be read in another process, or in an earlier run."""
        for box in filled:
            self._note(box, 0)

    def _again(self, box: Box, native_level: int) -> Pixels:
        # Rows are read once: there is no second try.
        for pause in PAUSES if self._source.facts.access is Access.REGIONS else ():
            try:
                return self._source.read(box, native_level=native_level)
            except InputError as error:
                if not any(words in str(error) for words in MAY_PASS):
                    raise
            time.sleep(pause)
        return self._source.read(box, native_level=native_level)

    def _rows(self, box: Box) -> Pixels:
        """Read row by row, so that the first that fails is the same whoever reads, and none after that."""
        pixels, size = self._background(box), self._source.facts.size
        for y in () if self._is_over else range(box.height):
            row = Box(box.x, box.y + y, box.width, 1)
            try:
                pixels[y : y + 1] = self._source.read(row)
            except InputError:
                self._is_over = True
                self._note(Box(0, row.y, size.width, size.height - row.y), 0)
                break
        return pixels

    def _background(self, box: Box) -> Pixels:
        from tileframe.pixels import plain  # here, for a start of the command line does without numpy

        return plain(box.height, box.width, self._source.facts.background)

    def _parts(self, box: Box, native_level: int) -> list[Box]:
        """Divide ``box`` by the slide's own tiles, or into quarters where it has none; nothing if it is but one."""
        facts = self._source.facts
        if facts.tile_size is None or native_level:
            sides = Size(max(LEAST, -(-box.width // 2)), max(LEAST, -(-box.height // 2)))
            origin = box
        else:
            sides = facts.tile_size
            # The slide's tiles begin at its corner, and not at that of the part that is tiled.
            origin = Box(-(self._corner.x % sides.width), -(self._corner.y % sides.height), 0, 0)
        first_x = origin.x + (box.x - origin.x) // sides.width * sides.width
        first_y = origin.y + (box.y - origin.y) // sides.height * sides.height
        parts = [
            Box(x, y, sides.width, sides.height).clipped(box)
            for y in range(first_y, box.bottom, sides.height)
            for x in range(first_x, box.right, sides.width)
        ]
        return parts if len(parts) > 1 else []

    def _note(self, box: Box, native_level: int) -> None:
        facts = self._source.facts
        if native_level:
            across, down = facts.native_levels[native_level].scales(facts.size)
            left, top = floor(box.x * across), floor(box.y * down)
            box = Box(left, top, ceil(box.right * across) - left, ceil(box.bottom * down) - top)
        for cell in _cells(box):
            self.filled.setdefault(cell, []).append(box)  # one step each, whatever other threads do


def _cells(box: Box) -> Iterator[tuple[int, int]]:
    for row in range(box.y // CELL, -(-box.bottom // CELL)):
        for col in range(box.x // CELL, -(-box.right // CELL)):
            yield col, row
