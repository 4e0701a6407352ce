"""Which tiles of a pyramid are absent because they are blank, as run lengths: what the manifest lists."""

from __future__ import annotations

import re
import sys
from array import array
from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate, groupby

from tileframe.errors import CheckError
from tileframe.facts import WHITE
from tileframe.geometry import Pyramid, TileAddress
from tileframe.protocols import Layout
from tileframe.records import Manifest

# In pairs, so that the last tiles of the list are absent; the first may be 0, where a level begins with absent tiles.
RUNS = r"(?a)(0|[1-9]\d{0,14}),[1-9]\d{0,14}(,[1-9]\d{0,14},[1-9]\d{0,14})*"


def may_be_absent(layout: Layout, pyramid: Pyramid, tile: TileAddress) -> bool:
    """Say whether ``tile`` is left out if it is blank: not what overviews are made of, nor what is kept twice."""
    return pyramid.grid(tile.level).area > 1 and tile not in layout.extras.values()


def run_lengths(absent: Iterable[bool]) -> str:
    """Return how many tiles in a row are there, then how many are absent, and so on, up to the last that is absent."""
    lengths = [0]
    for is_absent, run in groupby(absent):
        if len(lengths) % 2 == is_absent:
            lengths.append(0)
        lengths[-1] += sum(1 for _ in run)
    return ",".join(map(str, lengths[: len(lengths) // 2 * 2]))


class Absence:
    """The absent tiles of a pyramid, found by address; in memory that grows with the number of runs alone."""

    def __init__(self, manifest: Manifest | None, pyramid: Pyramid, levels: range, name: str) -> None:
        """Take the list of ``manifest``, called ``name``; `CheckError` for one that no run can have written."""
        rule, tiles = (manifest.plan.skip_blank, manifest.tiles) if manifest else (None, None)
        self.background = rule.background if rule else WHITE
        self._pyramid, self.count = pyramid, 0
        self._ends: dict[int, array[int]] = {}
        for one in tiles.absent_tiles if tiles else ():
            where = f"{name}: its list of absent tiles of level {one.level}"
            if one.level not in levels or (area := pyramid.grid(one.level).area) == 1:
                raise CheckError(f"{where} is of no level that has absent tiles")
            if one.level <= max(self._ends, default=-1) or not re.fullmatch(RUNS, one.runs):
                raise CheckError(f"{where} is out of order, or no run lengths: '{one.runs[:40]}'")
            lengths = array("q", map(int, one.runs.split(",")))
            if (end := sum(lengths)) > min(area, sys.maxsize):
                raise CheckError(f"{where} ends with tile {end:,}, and the level has {area:,}")
            self._ends[one.level] = array("q", accumulate(lengths))
            self.count += sum(lengths[1::2])
        if tiles and (tiles.absent != self.count or (self.count and not rule)):
            said = f"{tiles.absent:,} tiles are absent, by {'a' if rule else 'no'} rule"
            raise CheckError(f"{name}: says that {said}, and lists {self.count:,}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Absence) and self._ends == other._ends

    def __contains__(self, tile: TileAddress) -> bool:
        """Say whether ``tile``, one of the pyramid's, is absent."""
        if (ends := self._ends.get(tile.level)) is None:
            return False
        return bisect_right(ends, tile.row * self._pyramid.grid(tile.level).width + tile.col) % 2 == 1
