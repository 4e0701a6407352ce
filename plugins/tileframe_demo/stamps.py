"""Small pictures of cells, drawn once and stamped many times."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tileframe_demo.surface import Values, texture

TURNS = 24
VARIANTS = 4


class Shape(enum.IntEnum):
    """What a stamp shows."""

    COLUMNAR = 0
    ROUND = 1
    SPINDLE = 2
    PLUMP = 3
    FLAT = 4
    GOBLET = 5
    RED_CELL = 6


class Layer(enum.IntEnum):
    """What a stamp does to the stain below it."""

    NUCLEI = 0
    MUCUS = 1
    BLOOD = 2


@dataclass(frozen=True, slots=True)
class _Look:
    length: float
    """Half of it, as the other lengths, in pixels of the base."""
    width: float
    edge: float
    texture: float
    """How much lighter and darker it is inside."""
    layer: Layer = Layer.NUCLEI
    hollow: float = 0.0
    """How much paler the middle is."""


LOOKS = {
    Shape.COLUMNAR: _Look(18, 9.5, 2.4, 0.26, hollow=0.2),
    Shape.ROUND: _Look(10.5, 9.8, 1.9, 0.2),
    Shape.SPINDLE: _Look(21, 5.2, 2.6, 0.16),
    Shape.PLUMP: _Look(14.5, 10.5, 2.2, 0.24, hollow=0.22),
    Shape.FLAT: _Look(17, 3.8, 2.2, 0.1),
    Shape.GOBLET: _Look(27, 14, 4.0, 0.1, Layer.MUCUS),
    Shape.RED_CELL: _Look(14, 13, 2.2, 0.06, Layer.BLOOD, hollow=0.35),
}


def draw_stamps(random: np.random.Generator) -> list[Values]:
    """Return every stamp, in the order of their numbers: squares, of about 0 to 1 in each pixel."""
    mottle = texture(random, 256, across=3.4, along=3.4)
    stamps = []
    for look in LOOKS.values():
        for turn in range(TURNS):
            for _ in range(VARIANTS):
                x, y = random.integers(0, 160, 2)
                stamps.append(_stamp(look, np.pi * turn / TURNS, random, mottle[y:, x:]))
    return stamps


def layer_of(stamp: int) -> Layer:
    """Return what the stamp of this number shows up in."""
    return LOOKS[Shape(stamp // (TURNS * VARIANTS))].layer


def stamp_number(
    random: np.random.Generator, shape: Shape | NDArray[np.int64], angle: NDArray[Any]
) -> NDArray[np.int64]:
    """Return the number of a stamp of ``shape`` for each ``angle``, in radians, along which it is to lie."""
    turn = np.round(angle * TURNS / np.pi).astype(np.int64) % TURNS
    numbers: NDArray[np.int64] = (shape * TURNS + turn) * VARIANTS + random.integers(0, VARIANTS, len(angle))
    return numbers


def _stamp(look: _Look, angle: float, random: np.random.Generator, mottle: Values) -> Values:
    length, width = look.length * random.uniform(0.85, 1.12), look.width * random.uniform(0.85, 1.12)
    half = int(max(length, width) + look.edge) + 2
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(np.float32)
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    bend = random.normal(0, 0.06)
    across = across + bend * along * along / length
    radius = np.hypot(along / length, across / width)
    # A nucleus is never quite an ellipse.
    turn = np.arctan2(across, along)
    radius *= 1 + 0.06 * np.sin(2 * turn + random.uniform(0, 6)) + 0.05 * np.sin(3 * turn + random.uniform(0, 6))
    inside = np.clip((1 - radius) * width / look.edge + 0.5, 0, 1)
    inside = inside * inside * (3 - 2 * inside)
    shade = 1 - look.hollow * np.clip(1 - radius * 1.15, 0, 1) * 1.6
    shade += look.texture * 0.5 * mottle[: len(x), : len(x)]
    stamp: Values = (inside * np.clip(shade, 0.15, 1.2)).astype(np.float32)
    return stamp
