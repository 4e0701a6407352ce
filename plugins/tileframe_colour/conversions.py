"""The fast ways to convert, which give LittleCMS's own bytes: a table of all colours, filled as they occur."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from tileframe.pixels import Pixels

Convert = Callable[[Pixels], Pixels]
"""Takes RGB8, and returns RGB8: a new array, or the one that it took, written over."""

PIECE = 1 << 16
"""Pixels at a time: what is worked with stays in the processor's cache, and OpenCV starts no threads of its own."""
SIDE = 8
"""Of a cell of the table, in steps of each colour. The cells that 4 MP of a section touch have 5.7 million colours, and
7.9 million where a side is 16; smaller ones would be filled too often."""
CELL = 0x010101 * (256 - SIDE)
"""The bits of a colour that say in which cell it is."""
CELLS_AT_ONCE = 512
KNOWN = 0xFF000000
"""Of the table's entries that are filled: no colour is less."""


class ColourTable:
    """Looks up colours in a table of all, 64 MB, a cell of which is filled when one of its colours is met.

    It is used from many threads. Two that meet a new cell at the same time both fill it, with the same.
    """

    def __init__(self, convert: Convert) -> None:
        self._convert = convert
        # By red, green and blue, the lowest byte first. Memory that is never touched is never taken.
        self._table = np.zeros(1 << 24, np.uint32)
        steps = np.arange(SIDE, dtype=np.uint32)
        self._cell = (steps[:, None, None] << 16 | steps[:, None] << 8 | steps).ravel()

    def __call__(self, pixels: Pixels) -> Pixels:
        """Return ``pixels``, RGB8 of any strides, as they are converted, in their own memory where that can be."""
        return in_pieces(pixels, self._look_up)

    def _look_up(self, piece: Pixels, into: Pixels) -> None:
        index = cv2.cvtColor(piece, cv2.COLOR_RGB2RGBA).view(np.uint32)[..., 0]
        index &= ~np.uint32(KNOWN)
        found = self._table.take(index, mode="clip")  # which checks nothing
        if found.min() < KNOWN:
            self._fill(index[found < KNOWN])
            found = self._table.take(index, mode="clip")
        cv2.cvtColor(found.view(np.uint8).reshape(*piece.shape[:2], 4), cv2.COLOR_RGBA2RGB, dst=into)

    def _fill(self, colours: NDArray[np.uint32]) -> None:
        cells = np.unique(colours & np.uint32(CELL))
        for start in range(0, len(cells), CELLS_AT_ONCE):
            new = (cells[start : start + CELLS_AT_ONCE, None] + self._cell).reshape(-1, 1)
            rgb = cv2.cvtColor(new.view(np.uint8).reshape(-1, len(self._cell), 4), cv2.COLOR_RGBA2RGB)
            rgba = cv2.cvtColor(self._convert(rgb), cv2.COLOR_RGB2RGBA)
            # Whole entries, so that no other thread sees a part of one.
            self._table[new.ravel()] = rgba.view(np.uint32).ravel()


class GreyTable:
    """Looks up each sample: three are equal, but where a grey picture is transparent over a coloured background."""

    def __init__(self, greys: Pixels) -> None:
        """``greys`` are the 256 of them as they are converted, ``(1, 256, 3)``."""
        self._greys = greys

    def __call__(self, pixels: Pixels) -> Pixels:
        """Return ``pixels`` as they are converted, in their own memory where that can be."""
        return in_pieces(pixels, lambda piece, into: cv2.LUT(piece, self._greys, dst=into))


def in_pieces(pixels: Pixels, convert: Callable[[Pixels, Pixels], object]) -> Pixels:
    """Let ``convert(piece, into)`` make ``(1, n, 3)`` at a time, maybe in the same memory, and return all."""
    flat = np.ascontiguousarray(pixels).reshape(1, -1, 3)
    # A second array as large as a block, for each worker, would cost memory and the time to get it.
    into = flat if flat.flags.writeable else np.empty_like(flat)
    for start in range(0, flat.shape[1], PIECE):
        convert(flat[:, start : start + PIECE], into[:, start : start + PIECE])
    return into.reshape(pixels.shape)
