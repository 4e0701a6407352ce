"""The round things in the tissue: glands, fat cells and vessels."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tileframe import Size
from tileframe_demo.surface import Surface, Values, random_surface

# Where fat lies below the glands.
FAT = ((1.20, 0.50, 0.10), (0.52, 0.27, 0.07), (0.68, 0.52, 0.06))
SPACING = 310  # of sites, in pixels of the base
ANGLES = 96
CHART = 8  # pixels of the base per sample of a chart
FAR = 60  # beyond this distance, near is as good as far


class Kind(enum.IntEnum):
    """What grows at a site."""

    NOTHING = 0
    GLAND = 1
    FAT = 2
    VESSEL = 3


# The least and the most, in the order of `Kind`.
GROWTH = np.array([(1, 1), (1, 1), (1, 1), (0.3, 0.75)])
GAP = np.array([(0, 0), (10, 36), (3, 3), (0, 0)])
WALL = np.array([(0, 0), (68, 96), (5, 5), (26, 26)])


@dataclass(frozen=True, slots=True)
class Sites:
    """Round things, one per row of every array; lengths in pixels of the base."""

    x: Values
    y: Values
    kind: NDArray[np.intp]
    outer: Values
    """``(sites, ANGLES)``: how far the thing reaches in each direction."""
    lumen: Values
    """``(sites, ANGLES)``: how far the hole in it reaches."""
    goblets: Values
    """How many of a gland's cells hold mucus, 0 to 1."""


def place_sites(random: np.random.Generator, size: Size, depth: Surface, mucosa: Surface) -> Sites:
    """Spread sites evenly over the slide, and decide by their place what each becomes."""
    x, y, reach = _honeycomb(random, size)
    kind = _kinds(random, size, depth.at(x, y), mucosa.at(x, y), x, y)
    angle, count = np.arange(ANGLES) * 2 * np.pi / ANGLES, len(x)
    # Fat cells touch; what varies would make them run into each other.
    variety = np.where(kind == Kind.FAT, 0.2, 1.0)[:, None]
    for harmonic in range(2, 6):
        amount = variety * random.normal(0, 0.05 / harmonic**0.5, (count, 1))
        reach *= 1 + amount * np.cos(harmonic * angle + random.uniform(0, 2 * np.pi, (count, 1)))
    outer = reach * random.uniform(*GROWTH[kind].T)[:, None] - random.uniform(*GAP[kind].T)[:, None]
    wall = random.uniform(*WALL[kind].T)[:, None]
    mean = outer.mean(axis=1, keepdims=True)
    lumen = np.minimum(mean + 0.75 * (outer - mean) - wall, outer - 0.6 * wall)
    goblets = np.clip(random.normal(0.5, 0.35, count), 0, 1)
    return Sites(x, y, kind, outer.astype(np.float32), lumen.astype(np.float32), goblets.astype(np.float32))


def _honeycomb(random: np.random.Generator, size: Size) -> tuple[Values, Values, Values]:
    """Return a shaken honeycomb: ``x`` and ``y`` of each cell, and how far it reaches in each direction."""
    row_spacing, margin = round(0.87 * SPACING), 2
    rows, cols = size.height // row_spacing + 1 + 2 * margin, size.width // SPACING + 1 + 2 * margin
    shift = np.where(np.arange(rows) % 2, 0.5, 0.0)[:, None]
    shake = random.uniform(-0.27, 0.27, (2, rows, cols))
    x = ((np.arange(cols)[None, :] - margin + shift + shake[0]) * SPACING).astype(np.float32)
    y = ((np.arange(rows)[:, None] - margin + shake[1]) * row_spacing).astype(np.float32)
    angle = np.arange(ANGLES, dtype=np.float32) * 2 * np.pi / ANGLES
    inner = (slice(margin, rows - margin), slice(margin, cols - margin))
    # The border lies half-way to a neighbour; a high power of all of them is nearly the nearest one's, but smooth.
    pull = np.zeros((*x[inner].shape, ANGLES), np.float32)
    for row, col in np.ndindex(2 * margin + 1, 2 * margin + 1):
        if (row, col) != (margin, margin):
            there = (slice(row, row + rows - 2 * margin), slice(col, col + cols - 2 * margin))
            dx, dy = (x[there] - x[inner])[..., None], (y[there] - y[inner])[..., None]
            towards = dx * np.cos(angle) + dy * np.sin(angle)
            pull += np.maximum(0, 2 * towards / (dx * dx + dy * dy)) ** 7
    reach: Values = (pull.reshape(-1, ANGLES) ** (-1 / 7)).astype(np.float32)
    return x[inner].ravel(), y[inner].ravel(), reach


def _kinds(
    random: np.random.Generator, size: Size, depth: Values, mucosa: Values, x: Values, y: Values
) -> NDArray[np.intp]:
    height = size.height
    fat = np.max([radius - np.hypot(x / height - right, y / height - down) for right, down, radius in FAT], axis=0)
    fat += 0.04 * random_surface(random, size, 900).at(x, y)
    chance = random.random(len(x))
    below = depth - mucosa
    kinds = np.select(
        [
            (depth > 70) & (below < -40) & (chance < 0.95),
            (below > 170) & (fat > 0),
            (below > 120) & (chance < 0.2),
        ],
        [Kind.GLAND, Kind.FAT, Kind.VESSEL],
        Kind.NOTHING,
    )
    return kinds.astype(np.intp)


def chart_sites(size: Size, sites: Sites) -> tuple[Surface, Surface, Surface]:
    """Return how far each pixel lies inside a site's thing, how far inside its hole, and whether that is a gland."""
    rows, cols = size.height // CHART, size.width // CHART
    outer = np.full((rows, cols), -FAR, np.float32)
    lumen = np.full((rows, cols), -FAR, np.float32)
    gland = np.zeros((rows, cols), np.float32)
    angles = np.arange(ANGLES + 1, dtype=np.float32) * 2 * np.pi / ANGLES
    for site in np.flatnonzero(sites.kind != Kind.NOTHING):
        x, y, reach = sites.x[site], sites.y[site], sites.outer[site].max() + FAR
        top, bottom = max(0, int((y - reach) / CHART)), min(rows, int((y + reach) / CHART) + 1)
        left, right = max(0, int((x - reach) / CHART)), min(cols, int((x + reach) / CHART) + 1)
        if top >= bottom or left >= right:
            continue
        dx = (np.arange(left, right, dtype=np.float32) + 0.5)[None, :] * CHART - x
        dy = (np.arange(top, bottom, dtype=np.float32) + 0.5)[:, None] * CHART - y
        distance, angle = np.hypot(dx, dy), np.arctan2(dy, dx) % (2 * np.pi)
        here = (slice(top, bottom), slice(left, right))
        into = np.interp(angle, angles, np.append(sites.outer[site], sites.outer[site, 0])) - distance
        mine = into > outer[here]
        gland[here][mine] = sites.kind[site] == Kind.GLAND
        outer[here][mine] = into[mine]
        hole = np.interp(angle, angles, np.append(sites.lumen[site], sites.lumen[site, 0])) - distance
        np.maximum(lumen[here], hole, out=lumen[here])
    return Surface(outer, CHART), Surface(lumen, CHART), Surface(gland, CHART)
