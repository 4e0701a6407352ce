"""Sizes, boxes and the pyramid: integers only, no I/O.

The rules are those of Deep Zoom: level sizes halve, rounding up, from the base down to 1x1, and level 0
is that single pixel. A tile is a cell of its level's grid, grown by the overlap on each inner side and
clipped to the level.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tileframe.errors import OptionError

# dzsave silently takes 254 for anything above this, and no viewer needs more.
MAX_TILE_SIZE = 8192


@dataclass(frozen=True, slots=True, order=True)
class Size:
    """A width and a height, in pixels or in tiles."""

    width: int
    """From left to right."""
    height: int
    """From top to bottom."""

    @property
    def area(self) -> int:
        """Width times height."""
        return self.width * self.height

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


@dataclass(frozen=True, slots=True, order=True)
class Box:
    """A rectangle of pixels; ``right`` and ``bottom`` lie just outside it."""

    x: int
    """The first column, counted from 0 at the left."""
    y: int
    """The first row, counted from 0 at the top."""
    width: int
    """Columns."""
    height: int
    """Rows."""

    @property
    def right(self) -> int:
        """The first column to the right of the box."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The first row below the box."""
        return self.y + self.height

    @property
    def size(self) -> Size:
        """Width and height."""
        return Size(self.width, self.height)

    @property
    def has_area(self) -> bool:
        """Whether there is a pixel in it."""
        return self.width > 0 and self.height > 0

    def __str__(self) -> str:
        return f"{self.x},{self.y},{self.width},{self.height}"

    def shifted(self, dx: int, dy: int) -> Box:
        """Return the box moved by ``dx`` and ``dy``."""
        return Box(self.x + dx, self.y + dy, self.width, self.height)

    def clipped(self, to: Box) -> Box:
        """Return the part that lies inside ``to``; its sides are 0 when there is none."""
        x, y = max(self.x, to.x), max(self.y, to.y)
        return Box(x, y, max(0, min(self.right, to.right) - x), max(0, min(self.bottom, to.bottom) - y))


# A tuple, where other records are dataclasses: it is made ten times as fast, and made for each tile at every turn.
class TileAddress(NamedTuple):
    """One tile of a pyramid: its level (0 is 1x1), column and row."""

    level: int
    """0 is 1x1, ``Pyramid.base_level`` is full resolution."""
    col: int
    """Counted from 0 at the left."""
    row: int
    """Counted from 0 at the top."""


@dataclass(frozen=True, slots=True)
class Pyramid:
    """A base size, a tile size and an overlap: all that decides every level, grid and box."""

    base: Size
    """Of the full-resolution level, in pixels."""
    tile_size: int = 254
    """Width and height of a tile without overlap, in pixels, from 1 to 8192."""
    overlap: int = 1
    """Pixels by which a tile reaches into each of its neighbours."""

    def __post_init__(self) -> None:
        if min(self.base.width, self.base.height) < 1:
            raise OptionError(f"a pyramid needs at least one pixel, not {self.base}")
        if not 1 <= self.tile_size <= MAX_TILE_SIZE:
            raise OptionError(f"the tile size must be from 1 to {MAX_TILE_SIZE}, not {self.tile_size}")
        if not 0 <= self.overlap < self.tile_size:
            raise OptionError(f"the overlap must be from 0 to {self.tile_size - 1}, not {self.overlap}")

    @property
    def level_count(self) -> int:
        """Number of levels; the last one, ``level_count - 1``, is the base."""
        return self.base_level + 1

    @property
    def base_level(self) -> int:
        """The number of the full-resolution level."""
        return (max(self.base.width, self.base.height) - 1).bit_length()

    def downsample(self, level: int) -> int:
        """Return how many base pixels one pixel of ``level`` spans per side: a power of two."""
        return 1 << (self.base_level - level)

    def level_size(self, level: int) -> Size:
        """Return the size of ``level`` in its own pixels."""
        shift = self.base_level - level
        return Size(-(-self.base.width >> shift), -(-self.base.height >> shift))

    def grid(self, level: int) -> Size:
        """Return the number of tile columns and rows of ``level``."""
        size = self.level_size(level)
        return Size(-(-size.width // self.tile_size), -(-size.height // self.tile_size))

    def tile_box(self, tile: TileAddress) -> Box:
        """Return the pixels of ``tile`` in its level's own plane, overlap included."""
        return next(self.row(tile.level, tile.row, range(tile.col, tile.col + 1)))[1]

    def row(self, level: int, row: int, cols: range) -> Iterator[tuple[TileAddress, Box]]:
        """Yield the tiles of a row of ``level`` in columns ``cols``, each with its `tile_box`."""
        size, side, overlap = self.level_size(level), self.tile_size, self.overlap
        top, bottom = max(0, row * side - overlap), min(size.height, (row + 1) * side + overlap)
        for col in cols:
            left, right = max(0, col * side - overlap), min(size.width, (col + 1) * side + overlap)
            yield TileAddress(level, col, row), Box(left, top, right - left, bottom - top)

    def tiles(self, level: int) -> Iterator[TileAddress]:
        """Return the tiles of ``level``, row by row."""
        grid = self.grid(level)
        return (TileAddress(level, col, row) for row in range(grid.height) for col in range(grid.width))

    def sample(self, level: int, count: int, seed: int) -> list[TileAddress]:
        """Return ``count`` tiles of ``level``, or all if there are no more, chosen by ``seed``, in reading order."""
        grid = self.grid(level)
        numbers = random.Random(seed).sample(range(grid.area), min(count, grid.area))
        return [TileAddress(level, number % grid.width, number // grid.width) for number in sorted(numbers)]

    def cell(self, tile: TileAddress) -> Box:
        """Return the pixels of ``tile`` without its overlap, in its level's own plane."""
        size, side = self.level_size(tile.level), self.tile_size
        return Box(tile.col * side, tile.row * side, side, side).clipped(Box(0, 0, size.width, size.height))

    def has(self, tile: TileAddress) -> bool:
        """Say whether there is such a tile."""
        grid = self.grid(tile.level) if 0 <= tile.level < self.level_count else Size(0, 0)
        return 0 <= tile.col < grid.width and 0 <= tile.row < grid.height

    @property
    def tile_count(self) -> int:
        """Number of tiles on all levels."""
        return sum(self.grid(level).area for level in range(self.level_count))

    @property
    def pixel_count(self) -> int:
        """Number of pixels on all levels, overlap not counted."""
        return sum(self.level_size(level).area for level in range(self.level_count))
