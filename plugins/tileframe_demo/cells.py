"""Where each cell lies: along the glands, between the fibres, in the blood."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tileframe import Box
from tileframe_demo.anatomy import SKIN, Anatomy
from tileframe_demo.sites import ANGLES, Kind, Sites
from tileframe_demo.stamps import Shape, stamp_number
from tileframe_demo.surface import Values, random_surface

SPACING = 26  # of places for the cells of the connective tissue
REACH = 40  # no stamp is larger, from its middle
SQUARE = 512
NEST = 0.95  # how dense the crowd is from which lymphocytes form a nest


@dataclass(frozen=True, slots=True)
class Cells:
    """Stamps, sorted by the square of the slide they lie in."""

    x: Values
    y: Values
    stamp: NDArray[np.int64]
    strength: Values
    starts: NDArray[np.int64]
    """Where each square's cells begin, and where the last one's end."""
    columns: int
    """How many squares lie side by side."""

    def near(self, box: Box) -> NDArray[np.int64]:
        """Return the numbers of all cells that show in ``box``, and some more, always in the same order."""
        rows = (len(self.starts) - 1) // self.columns
        left, right = max(0, (box.x - REACH) // SQUARE), min(self.columns - 1, (box.right + REACH) // SQUARE)
        top, bottom = max(0, (box.y - REACH) // SQUARE), min(rows - 1, (box.bottom + REACH) // SQUARE)
        first = np.arange(top, bottom + 1) * self.columns + left
        return np.concatenate([np.arange(self.starts[one], self.starts[one + right - left + 1]) for one in first])


@dataclass(frozen=True, slots=True)
class _Batch:
    x: Values
    y: Values
    stamp: NDArray[np.int64]
    strength: Values


@dataclass(frozen=True, slots=True)
class _Row:
    """How cells stand in a row."""

    shape: Shape
    spacing: float
    spread: float
    """How far they stray from it."""
    upright: bool = True


def place_cells(random: np.random.Generator, anatomy: Anatomy) -> Cells:
    """Return all cells of the slide."""
    batches = [_between(random, anatomy), _cover(random, anatomy)]
    for site in np.flatnonzero(anatomy.sites.kind):
        batches += _around(random, anatomy.sites, int(site))
    x, y = np.concatenate([batch.x for batch in batches]), np.concatenate([batch.y for batch in batches])
    stamp = np.concatenate([batch.stamp for batch in batches])
    strength = np.concatenate([batch.strength for batch in batches])
    size = anatomy.size
    kept = (x >= 0) & (y >= 0) & (x < size.width) & (y < size.height) & (anatomy.depth.at(x, y) > 6)
    columns, rows = -(-size.width // SQUARE), -(-size.height // SQUARE)
    square = (y[kept] // SQUARE * columns + x[kept] // SQUARE).astype(np.int64)
    order = np.argsort(square, kind="stable")
    starts = np.searchsorted(square[order], np.arange(columns * rows + 1))
    return Cells(x[kept][order], y[kept][order], stamp[kept][order], strength[kept][order], starts, columns)


def _between(random: np.random.Generator, anatomy: Anatomy) -> _Batch:
    """Scatter the cells of the connective tissue: dense among the glands, spindles along the fibres below."""
    size = anatomy.size
    y, x = np.mgrid[0 : size.height : SPACING, 0 : size.width : SPACING].reshape(2, -1).astype(np.float32)
    x, y = x + SPACING * random.random(len(x), np.float32), y + SPACING * random.random(len(y), np.float32)
    depth = anatomy.depth.at(x, y)
    crowd = random_surface(random, size, 420).at(x, y) + 0.5 * random_surface(random, size, 1700).at(x, y)
    high = depth < anatomy.mucosa.at(x, y)
    chance = np.select([high, crowd > NEST], [0.62 + 0.25 * crowd, 0.9], 0.13 + 0.09 * crowd)
    kept = (depth > 14) & (anatomy.outer.at(x, y) < -9) & (random.random(len(x)) < chance)
    x, y, high, crowd = x[kept], y[kept], high[kept], crowd[kept]
    right, down = anatomy.bends[1].slope(x, y)
    fibre = np.arctan2(0.6 - right, 0.8 + down) + random.normal(0, 0.15, len(x))
    angle = np.where(high, random.uniform(0, np.pi, len(x)), fibre)
    spindles = np.select([high, crowd > NEST], [0.25, 0.05], 0.8)
    draw = random.random(len(x))
    shape = np.select([draw < spindles, draw < 0.86], [Shape.SPINDLE, Shape.ROUND], Shape.PLUMP)
    return _Batch(x, y, stamp_number(random, shape, angle), _uneven(random, len(x), 0.55))


def _cover(random: np.random.Generator, anatomy: Anatomy) -> _Batch:
    """Set a row of cells upright along the edge of the tissue."""
    depth, spacing = anatomy.depth, anatomy.depth.spacing
    row, col = np.nonzero((depth.samples > 14) & (depth.samples < SKIN - 8))
    x = ((col + random.random(len(col))) * spacing).astype(np.float32)
    y = ((row + random.random(len(row))) * spacing).astype(np.float32)
    kept = (np.abs(depth.at(x, y) - 30) < 9) & (anatomy.bare.at(x, y) < 0.1) & (anatomy.lumen.at(x, y) < -30)
    x, y = x[kept], y[kept]
    right, down = depth.slope(x, y)
    lean = np.arctan2(down, right) + random.normal(0, 0.15, len(x))
    return _Batch(x, y, stamp_number(random, Shape.COLUMNAR, lean), _uneven(random, len(x), 0.7))


def _around(random: np.random.Generator, sites: Sites, site: int) -> list[_Batch]:
    outer, lumen = sites.outer[site], sites.lumen[site]

    def ring(reach: Values, row: _Row, strength: float = 1.0) -> _Batch:
        return _ring(random, float(sites.x[site]), float(sites.y[site]), reach, row, strength)

    match sites.kind[site]:
        case Kind.GLAND:
            batches = [ring(outer - 25, _Row(Shape.COLUMNAR, 17.5, 8), random.uniform(0.75, 1.0))]
            if sites.goblets[site] > 0.15:
                batches.append(ring(outer - 62, _Row(Shape.GOBLET, 84 - 60 * float(sites.goblets[site]), 7)))
        case Kind.FAT:
            batches = [ring(outer - 4, _Row(Shape.FLAT, 330, 1, upright=False))]
        case _:
            batches = [ring(lumen + 3, _Row(Shape.FLAT, 52, 1.5, upright=False))]
            batches.append(ring(outer - 10, _Row(Shape.SPINDLE, 60, 5, upright=False), 0.8))
            batches.append(_blood(random, float(sites.x[site]), float(sites.y[site]), lumen - 8))
    return batches


def _blood(random: np.random.Generator, x: float, y: float, reach: Values) -> _Batch:
    count = int(max(0.0, float(reach.mean())) ** 2 / 95)
    turn = random.integers(0, ANGLES, count)
    away = np.sqrt(random.random(count)) * 0.92 * reach[turn]
    theta = turn * 2 * np.pi / ANGLES + random.uniform(-0.03, 0.03, count)
    stamp = stamp_number(random, Shape.RED_CELL, random.uniform(0, np.pi, count))
    return _Batch(*_polar(x, y, away, theta), stamp, _uneven(random, count, 0.7))


def _ring(random: np.random.Generator, x: float, y: float, reach: Values, row: _Row, strength: float) -> _Batch:
    """Set cells on the closed line ``reach`` around a point."""
    reach = np.maximum(reach, 0)
    steps = np.hypot(np.diff(reach, append=reach[:1]), reach * 2 * np.pi / ANGLES)
    along = np.concatenate([[0], np.cumsum(steps)])
    count = int(along[-1] / row.spacing)
    places = (np.arange(count) + random.uniform(-0.25, 0.25, count) + 0.5) * row.spacing
    turn = np.interp(places, along, np.arange(ANGLES + 1))
    away = np.interp(turn, np.arange(ANGLES + 1), np.append(reach, reach[0])) + random.normal(0, row.spread, count)
    theta = turn * 2 * np.pi / ANGLES
    slope = np.interp(turn, np.arange(ANGLES), np.gradient(reach) * ANGLES / (2 * np.pi)) / np.maximum(away, 20)
    lean = theta - np.arctan(slope) + random.normal(0, 0.13, count) + (0 if row.upright else np.pi / 2)
    stamp = stamp_number(random, row.shape, lean)
    return _Batch(*_polar(x, y, away, theta), stamp, strength * _uneven(random, count, 0.8))


def _polar(x: float, y: float, away: NDArray[Any], theta: NDArray[Any]) -> tuple[Values, Values]:
    return (x + away * np.cos(theta)).astype(np.float32), (y + away * np.sin(theta)).astype(np.float32)


def _uneven(random: np.random.Generator, count: int, least: float) -> Values:
    return random.uniform(least, 1, count).astype(np.float32)
