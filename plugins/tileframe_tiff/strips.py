"""A TIFF in strips as a source: its rows from the top down, with one decoded strip in memory; or from any strip on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tileframe import BaseSource, Box, InputError, Size, SlideFacts
from tileframe.pixels import Pixels
from tileframe_tiff.chunks import Chunks
from tileframe_tiff.decoding import Damaged
from tileframe_tiff.files import SharedFile
from tileframe_tiff.structure import Page
from tileframe_tiff.tags import NONE

# Of uncompressed rows, read at a time.
SLICE_BYTES = 1 << 20
MOST_ROWS = 64
"""Of a strip that is decoded for itself: where two ask for parts of one, it is decoded twice."""


class StripReader:
    """Reads the rows of one page; quick if they are asked for in order. For one thread."""

    def __init__(self, file: SharedFile, chunks: Chunks) -> None:
        self._file = file
        self._chunks = chunks
        self.page = chunks.page
        self._kept: tuple[int, Pixels] | None = None

    def read(self, box: Box) -> Pixels:
        """Return ``box``, inside the page."""
        pixels = np.empty((box.height, box.width, self._chunks.bands), np.uint8)
        rows, y = self.page.rows, box.y
        while y < box.bottom:
            top = y // rows * rows
            bottom = min(top + rows, box.bottom)
            target = pixels[y - box.y : bottom - box.y]
            if self._chunks.is_absent(y // rows):
                target[:] = self._chunks.absent_colour
            else:
                target[:] = self._strip(y // rows)[y - top : bottom - top, box.x : box.right]
            y = bottom
        return pixels

    def _strip(self, index: int) -> Pixels:
        kept, self._kept = self._kept, None
        if kept is not None and kept[0] == index:
            self._kept = kept
            return kept[1]
        del kept
        page = self.page
        top = index * page.rows
        size = Size(page.size.width, min(page.rows, page.size.height - top))
        try:
            strip = self._chunks.decode(index, size)
        except Damaged as error:
            said = " ".join(str(error).split())
            rows = f"rows {top} to {top + size.height - 1}"
            raise InputError(f"{self._file.path}: {rows} cannot be read ({said})") from error
        self._kept = (index, strip)
        return strip

    def another(self) -> StripReader:
        """Return a reader of the same page, for another thread."""
        return StripReader(self._file, self._chunks)

    @property
    def bands(self) -> int:
        """Samples of a pixel."""
        return self._chunks.bands

    def forget(self) -> None:
        """Release the memory."""
        self._kept = None


class StripSource(BaseSource):
    """An open picture in strips."""

    def __init__(self, file: SharedFile, facts: SlideFacts, strips: StripReader, mask: StripReader | None) -> None:
        super().__init__(facts)
        self._file = file
        self._strips = strips
        self._mask = mask

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        """Return the next rows; what a mask hides is background."""
        return self._read(box, self._strips, self._mask)

    def find_rows(self) -> bool:
        """Say whether the strips are many, of RGB."""
        page = self._strips.page
        return page.rows <= MOST_ROWS and page.rows < page.size.height and self._strips.bands == 3

    def rows(self, box: Box, into: Pixels) -> None:
        """Write ``box``, of whose strips none is kept."""
        into[:] = self._read(box, self._strips.another(), self._mask and self._mask.another())

    def _read(self, box: Box, strips: StripReader, mask: StripReader | None) -> Pixels:
        self._file.refuse_closed()
        pixels = strips.read(box)
        if mask is not None:
            pixels[mask.read(box)[:, :, 0] == 0] = self.facts.background
        return pixels

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        self._strips.forget()
        if self._mask is not None:
            self._mask.forget()


def sliced(page: Page) -> Page:
    """Return ``page`` with uncompressed strips cut into some of few rows: one strip may be the whole picture."""
    stride = page.size.width * page.samples
    rows = max(1, SLICE_BYTES // stride)
    if page.compression != NONE or page.rows <= rows or len(page.offsets) != page.grid.area:
        return page
    if any(count < stride * height for count, height in zip(page.counts, _heights(page), strict=True)):
        return page  # damaged, or absent
    # All have as many rows as the first, which the new ones must divide.
    rows = next((part for part in range(rows, 0, -1) if page.rows % part == 0), 1) if len(page.offsets) > 1 else rows
    offsets, counts = [], []
    for offset, height in zip(page.offsets, _heights(page), strict=True):
        for y in range(0, height, rows):
            offsets.append(offset + y * stride)
            counts.append(min(rows, height - y) * stride)
    return replace(page, rows=rows, offsets=offsets, counts=counts)


def _heights(page: Page) -> list[int]:
    return [min(page.rows, page.size.height - y) for y in range(0, page.size.height, page.rows)]
