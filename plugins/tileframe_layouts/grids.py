"""What the layouts have in common: a pattern for the keys below a folder, and the grid of every level."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from tileframe import OptionError, Pyramid, TileAddress

NUMBER = "(0|[1-9][0-9]{0,9})"
"""As all of these layouts write one: without leading zeros."""
SUFFIX = r"\.[A-Za-z0-9]+"


class GridLayout:
    """Base of the layouts here, which say how a tile is named and how such a name is read."""

    pads = False
    known: tuple[str, ...] = ()
    """Files below the folder that are no tiles: the descriptor, and what dzsave adds."""

    def __init__(self, suffix: str, pyramid: Pyramid, *, folder: str, levels: range) -> None:
        self.levels = levels
        self.folder = folder
        self.extras: Mapping[str, TileAddress] = {}
        self._pyramid = pyramid
        self._suffix = suffix
        self._inside = f"{folder}/"
        self._grids = [pyramid.grid(level) for level in range(pyramid.level_count)]

    def key(self, tile: TileAddress) -> str:
        """Return the key of ``tile``, with forward slashes."""
        raise NotImplementedError

    def descriptor(self) -> Mapping[str, bytes]:
        """Return the files that describe the pyramid; none, unless the layout says otherwise."""
        return {}

    def address(self, key: str) -> TileAddress | None:
        """Return the tile that ``key`` is of; None if no tile of this pyramid has it."""
        if not key.startswith(self._inside):
            return None
        tile = self._parse(key[len(self._inside) :])
        if tile is None or tile.level not in self.levels:
            return None
        grid = self._grids[tile.level]
        # The rest of the name, as a suffix or a group, must be right too.
        return tile if tile.col < grid.width and tile.row < grid.height and self.key(tile) == key else None

    def owns(self, key: str) -> bool:
        """Say whether ``key`` can be a file of a pyramid of this layout, of any size and format."""
        if not key.startswith(self._inside):
            return False
        rest = key[len(self._inside) :]
        return rest in self.known or self._looks_like_a_tile(rest)

    def _parse(self, rest: str) -> TileAddress | None:
        """Return the tile that ``rest``, a key below the folder, may be of."""
        raise NotImplementedError

    def _looks_like_a_tile(self, rest: str) -> bool:
        raise NotImplementedError


def numbers(pattern: re.Pattern[str], rest: str) -> tuple[int, ...]:
    """Return the numbers that ``pattern`` finds in the whole of ``rest``; none where it does not match."""
    match = pattern.fullmatch(rest)
    return tuple(map(int, match.groups())) if match else ()


def can_be(level: int, col: int, row: int) -> bool:
    """Say whether any pyramid whose level 0 is one tile has such a tile: a grid doubles at most."""
    return level < 64 and max(col, row) < 1 << level


def single_tile_levels(pyramid: Pyramid) -> range:
    """Return the levels from the largest one that fits one tile down to the base."""
    fitting = (level for level in range(pyramid.base_level, -1, -1) if pyramid.grid(level).area == 1)
    return range(next(fitting), pyramid.level_count)


def without_overlap(layout: str, pyramid: Pyramid) -> None:
    """Refuse a pyramid whose tiles overlap: no viewer of ``layout`` would know of it."""
    if pyramid.overlap:
        raise OptionError(f"the layout {layout} has no overlap: it must be 0, not {pyramid.overlap}")


def shown_suffix(layout: str, suffix: str, formats: Sequence[str]) -> str:
    """Return the suffix that viewers of ``layout`` ask for: ``jpg`` for JPEG, by either name.

    `OptionError` for one that is not among the ``formats``.
    """
    asked = "jpg" if suffix == "jpeg" else suffix
    if formats and asked not in formats:
        raise OptionError(f"the layout {layout} takes tiles in {', '.join(formats)}, not in {suffix}")
    return asked
