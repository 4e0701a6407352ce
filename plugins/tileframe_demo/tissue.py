"""The pixels of the sample: how much of each stain lies where, and the colour that makes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tileframe import Box, Size
from tileframe.pixels import Pixels
from tileframe_demo.anatomy import SKIN, plan_anatomy
from tileframe_demo.cells import place_cells
from tileframe_demo.sites import FAR
from tileframe_demo.stamps import Layer, draw_stamps, layer_of
from tileframe_demo.surface import Values, random_surface, texture

GLASS = (245, 244, 246)
# Optical density of one unit of each stain, in red, green and blue.
HAEMATOXYLIN = (1.10, 1.32, 0.62)
EOSIN = (0.10, 0.66, 0.34)
STEPS = 85.0  # of stain, to one unit
SIDE = 1024  # of a texture; a power of two


@dataclass(slots=True)
class _Part:
    """One box of the section while it is drawn; a value for every pixel, stains in units."""

    box: Box
    depth: Values
    """Into the tissue, in pixels."""
    stain: Values
    """How strong both stains came out here."""
    grain: Values
    cloud: Values
    fibres: Values
    haem: Values
    eosin: Values


class Tissue:
    """A stained section that fills a slide; any part of it can be drawn, in any order, by any thread."""

    def __init__(self, size: Size, *, seed: int = 2025) -> None:
        """Plan the whole section; the same ``size`` and ``seed`` give the same pixels."""
        random = np.random.default_rng(seed)
        self._anatomy = plan_anatomy(random, size)
        self._cells = place_cells(random, self._anatomy)
        self._stamps = draw_stamps(random)
        self._fibres = texture(random, SIDE, across=14, along=110).ravel()
        self._grain = texture(random, SIDE, across=5, along=5)
        self._cloud = texture(random, SIDE, across=22, along=22)
        self._stain = random_surface(random, size, 1100)
        self._colours = _colours()

    def draw(self, box: Box) -> Pixels:
        """Return ``box``, in pixels of the base: ``(height, width, 3)``."""
        if self._anatomy.depth.over(box, 16).max() < -FAR:
            return np.full((box.height, box.width, 3), GLASS, np.uint8)
        part = self._connective(box)
        self._add_glands(part)
        self._add_cells(part)
        tissue: Values = np.clip(part.depth / 5 + 0.5, 0, 1)
        return self._colour(part.haem * tissue, part.eosin * tissue)

    def _connective(self, box: Box) -> _Part:
        """Begin a part: loose fibres among the glands, dense and pink ones below, with clefts between the bundles."""
        repeated = np.ix_(np.arange(box.y, box.bottom) % SIDE, np.arange(box.x, box.right) % SIDE)
        grain, cloud = self._grain[repeated], self._cloud[repeated]
        depth = self._anatomy.depth.over(box) + 2.5 * cloud
        stain = self._stain.over(box)
        fibres = self._fibres_over(box)
        below = depth - self._anatomy.mucosa.over(box)
        deep = np.clip(below / 160 + 0.5, 0, 1)
        ribbon = np.exp(-((below / 75) ** 2))  # the thin muscle under the glands
        eosin = 0.42 + 0.06 * cloud + 0.28 * deep + 0.35 * ribbon + (0.10 + 0.10 * deep) * fibres + 0.09 * stain
        cleft = np.clip((-fibres - 1.15 - 0.35 * stain + 0.4 * (1 - deep)) * 1.6, 0, 1) * (1 - ribbon)
        eosin = (eosin + 0.022 * grain) * (1 - 0.85 * cleft)
        haem = (0.07 + 0.03 * cloud + 0.05 * (1 - deep)) * (1 - 0.8 * cleft)
        return _Part(box, depth, stain, grain, cloud, fibres, haem, eosin)

    def _fibres_over(self, box: Box) -> Values:
        x = np.arange(box.x, box.right, dtype=np.float32)[None, :]
        y = np.arange(box.y, box.bottom, dtype=np.float32)[:, None]
        bend_x, bend_y = (bend.over(box) for bend in self._anatomy.bends)
        # Two samples a pixel across the fibres, where they change fast.
        across = (2 * (0.8 * y - 0.6 * x + bend_y)).astype(np.int32) & (SIDE - 1)
        along = (0.8 * x + 0.6 * y + bend_x).astype(np.int32) & (SIDE - 1)
        return self._fibres.take(across * SIDE + along)

    def _add_glands(self, part: _Part) -> None:
        """Lay glands, fat cells and vessels over ``part``, and the cells that cover the tissue's edge."""
        anatomy, box, depth = self._anatomy, part.box, part.depth
        outer = anatomy.outer.over(box)
        # The cover is a gland turned inside out: its hole is the glass.
        cover = SKIN - depth - 60 * np.clip(anatomy.bare.over(box) * 2, 0, 1)
        if max(outer.max(), cover.max()) < -12:
            return
        gland = np.where(cover > outer, np.float32(1), np.clip(anatomy.gland.over(box), 0, 1))
        outer = np.maximum(outer, cover) + 1.6 * part.cloud
        lumen = np.maximum(anatomy.lumen.over(box), -depth) + 2.5 * part.cloud
        inside = np.clip(outer / 3 + 0.5, 0, 1)
        # Violet at the base, paler above, with a pink rim at the hole.
        rim = np.exp(-(((lumen + 5) / 6) ** 2))
        cell_haem = 0.28 - 0.13 * np.clip(outer / 70, 0, 1) + 0.04 * part.grain
        cell_eosin = 0.42 + 0.35 * rim + 0.05 * part.grain + 0.06 * part.stain
        part.haem += inside * (gland * cell_haem + (1 - gland) * 0.04 - part.haem)
        part.eosin += inside * (gland * cell_eosin + (1 - gland) * (0.85 + 0.1 * part.fibres) - part.eosin)
        # Glands shrink a little in wax and leave a bright line around them.
        halo = np.exp(-(((outer + 5) / 4) ** 2)) * np.clip(0.3 + 0.6 * part.stain + 0.3 * part.cloud, 0, 0.8)
        hole = np.clip(lumen / 5 + 0.5, 0, 1)
        part.eosin *= (1 - halo) * (1 - hole)
        part.eosin += 0.03 * hole
        part.haem *= 1 - hole

    def _add_cells(self, part: _Part) -> None:
        layers = self._stamped(part.box)
        if (mucus := layers.get(Layer.MUCUS)) is not None:
            part.eosin *= 1 - 0.78 * mucus
            part.haem += (0.11 - part.haem) * mucus
        if (blood := layers.get(Layer.BLOOD)) is not None:
            np.maximum(part.eosin, 1.35 * blood, out=part.eosin)
        if (nuclei := layers.get(Layer.NUCLEI)) is not None:
            part.eosin *= 1 - 0.45 * nuclei
            np.maximum(part.haem, nuclei * (0.95 + 0.10 * part.stain), out=part.haem)
        part.eosin *= 1 + 0.05 * part.grain

    def _stamped(self, box: Box) -> dict[Layer, Values]:
        layers: dict[Layer, Values] = {}
        cells = self._cells
        for cell in cells.near(box):
            stamp = self._stamps[cells.stamp[cell]]
            side = len(stamp)
            left, top = int(cells.x[cell]) - side // 2 - box.x, int(cells.y[cell]) - side // 2 - box.y
            if left <= -side or top <= -side or left >= box.width or top >= box.height:
                continue
            kind = layer_of(int(cells.stamp[cell]))
            if kind not in layers:
                layers[kind] = np.zeros((box.height, box.width), np.float32)
            there = layers[kind][max(0, top) : top + side, max(0, left) : left + side]
            row, col = max(0, -top), max(0, -left)
            seen = stamp[row : row + there.shape[0], col : col + there.shape[1]]
            # Where two cells overlap, the light passes both.
            there += seen * cells.strength[cell] * (1 - 0.7 * there)
        return layers

    def _colour(self, haem: Values, eosin: Values) -> Pixels:
        row = np.clip(haem * STEPS, 0, 255).astype(np.uint16)
        col = np.clip(eosin * STEPS, 0, 255).astype(np.uint16)
        pixels: Pixels = self._colours.take(row * 256 + col).view(np.uint8).reshape(*haem.shape, 4)
        return pixels[:, :, :3]


def _colours() -> NDArray[np.uint32]:
    """Return the colour of every mixture, in the first three of its four bytes.

    Each stain takes its share of the light that is left (Beer and Lambert's law).
    """
    amount = np.arange(256) / STEPS
    density = amount[:, None, None] * np.array(HAEMATOXYLIN) + amount[None, :, None] * np.array(EOSIN)
    rgb = np.round(np.array(GLASS) * np.exp(-density)).astype(np.uint8)
    return np.pad(rgb, ((0, 0), (0, 0), (0, 1))).view(np.uint32).ravel()
