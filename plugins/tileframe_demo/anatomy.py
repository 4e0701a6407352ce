"""The plan of the sample: where the tissue is, and what grows in it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tileframe import Box, Size
from tileframe_demo.sites import CHART, Sites, chart_sites, place_sites
from tileframe_demo.surface import Surface, random_surface

# Rounded bands, as (x, y, radius) from one end to the other, in heights of the slide.
PIECES = (
    (
        (0.24, 0.36, 0.14),
        (0.40, 0.23, 0.16),
        (0.60, 0.24, 0.17),
        (0.75, 0.42, 0.15),
        (0.68, 0.62, 0.15),
        (0.52, 0.74, 0.13),
    ),
    ((1.13, 0.26, 0.15), (1.27, 0.42, 0.16), (1.22, 0.62, 0.17), (1.10, 0.74, 0.13)),
    ((0.13, 0.66, 0.08), (0.22, 0.78, 0.11), (0.29, 0.84, 0.07)),
    ((0.90, 0.84, 0.05), (0.95, 0.88, 0.04)),
    ((0.46, 0.48, 0.02), (0.48, 0.50, 0.03)),
    ((1.40, 0.86, 0.03), (1.42, 0.84, 0.02)),
)
SKIN = 52  # how high the cells are that cover the tissue


@dataclass(frozen=True, slots=True)
class Anatomy:
    """The plan of a slide. The surfaces hold distances in pixels: positive inside, negative outside."""

    size: Size
    depth: Surface
    """Into the tissue, from its edge."""
    outer: Surface
    """Into the nearest gland, fat cell or vessel."""
    lumen: Surface
    """Into the hole of it."""
    gland: Surface
    """1 in glands, 0 in fat cells and vessels."""
    mucosa: Surface
    """How deep the layer of glands is here."""
    bare: Surface
    """Above 0 where the tissue was cut, so that no cells cover its edge."""
    bends: tuple[Surface, Surface]
    """By how many pixels, across and down, the fibres are pushed aside."""
    sites: Sites


def plan_anatomy(random: np.random.Generator, size: Size) -> Anatomy:
    """Return the anatomy of a slide of ``size``, the same for the same ``random``."""
    depth = _depth(random, size)
    thickness = np.clip(0.085 * size.height, 300, 900).astype(np.float32)
    waves = random_surface(random, size, 1400)
    mucosa = Surface(thickness * (1 + 0.45 * waves.over(Box(0, 0, size.width, size.height), 64)), 64)
    sites = place_sites(random, size, depth, mucosa)
    outer, lumen, gland = chart_sites(size, sites)
    bare = random_surface(random, size, 1100)
    bends = (random_surface(random, size, 700, height=280), random_surface(random, size, 700, height=280))
    return Anatomy(size, depth, outer, lumen, gland, mucosa, bare, bends, sites)


def _depth(random: np.random.Generator, size: Size) -> Surface:
    whole, step, height = Box(0, 0, size.width, size.height), 2 * CHART, size.height
    x = (np.arange(size.width // step, dtype=np.float32) + 0.5)[None, :] * step
    y = (np.arange(size.height // step, dtype=np.float32) + 0.5)[:, None] * step
    for share, spacing in ((0.035, 0.16), (0.016, 0.055), (0.006, 0.02)):
        x = x + share * height * random_surface(random, size, spacing * height).over(whole, step)
        y = y + share * height * random_surface(random, size, spacing * height).over(whole, step)
    total = np.zeros_like(x)
    softness = 0.012 * height
    for piece in PIECES:
        for (x1, y1, r1), (x2, y2, r2) in pairwise(piece):
            along_x, along_y = (x2 - x1) * height, (y2 - y1) * height
            from_x, from_y = x - x1 * height, y - y1 * height
            t = np.clip((from_x * along_x + from_y * along_y) / (along_x**2 + along_y**2), 0, 1)
            inside = (r1 + (r2 - r1) * t) * height - np.hypot(from_x - t * along_x, from_y - t * along_y)
            total += np.exp(np.clip(inside / softness, -40, 40))
    depth = softness * np.log(total + 1e-18) + 9 * random_surface(random, size, 150).over(whole, step)
    # Near the edge, true pixels matter: a row of cells stands there.
    down, right = np.gradient(depth, step)
    near = np.exp(-((depth / 130) ** 2))
    depth *= 1 + near * (1 / np.clip(np.hypot(down, right), 0.4, 1.8) - 1)
    return Surface(depth.astype(np.float32), step)
