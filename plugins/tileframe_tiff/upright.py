"""A TIFF that is to be turned or mirrored: the whole of it in memory, upright."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tileframe import Access, BaseSource, Box, InputError, Size, Slide, SlideFacts, Source
from tileframe.machine import refuse_more_memory
from tileframe.pixels import Pixels

BAND = 256
"""Rows that are read at once."""


class HeldSource(BaseSource):
    """A decoded picture; any box, from any thread."""

    def __init__(self, path: Slide, pixels: Pixels, facts: SlideFacts) -> None:
        super().__init__(facts)
        self._path = path
        self._pixels: Pixels | None = pixels

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        """Return ``box``; there is no native level but the base, 0."""
        if self._pixels is None:
            raise InputError(f"{self._path}: was closed")
        return self._pixels[box.y : box.bottom, box.x : box.right].copy()

    def close(self) -> None:
        """Release the memory."""
        self._pixels = None


def upright(source: Source, orientation: int, path: Slide) -> Source:
    """Return ``source``, which is closed, turned as a TIFF's orientation says, 2 to 8; others mean nothing."""
    if not 2 <= orientation <= 8:
        return source
    with source:
        size, bands = source.facts.size, 4 if source.facts.samples.value == "CMYK" else 3
        refuse_more_memory(size.area * bands, f"{path}: {size} pixels, which are to be turned,")
        pixels = np.empty((size.height, size.width, bands), np.uint8)
        for y in range(0, size.height, BAND):
            height = min(BAND, size.height - y)
            pixels[y : y + height] = source.read(Box(0, y, size.width, height))
    facts = source.facts
    if orientation >= 5:
        pixels = pixels.transpose(1, 0, 2)
    mirrored, flipped = orientation in (2, 3, 6, 7), orientation in (3, 4, 7, 8)
    pixels = pixels[:: -1 if flipped else 1, :: -1 if mirrored else 1]
    mpp = facts.mpp if facts.mpp is None or orientation < 5 else (facts.mpp[1], facts.mpp[0])
    turned = replace(
        facts,
        size=Size(pixels.shape[1], pixels.shape[0]),
        access=Access.REGIONS,
        mpp=mpp,
        native_levels=(),
        tile_size=None,
        notes=(*facts.notes, "the picture is turned by its orientation, so the whole of it was held in memory"),
    )
    return HeldSource(path, pixels, turned)
