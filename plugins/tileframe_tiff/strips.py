"""A TIFF in strips as a source: its rows from the top down, with one decoded strip in memory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tileframe import BaseSource, Box, InputError, Size, SlideFacts, UnsupportedInput
from tileframe.pixels import Pixels
from tileframe_tiff.decoding import Damaged, decoder, unproved
from tileframe_tiff.files import SharedFile
from tileframe_tiff.structure import NONE, Page

# Of uncompressed rows, read at a time.
SLICE_BYTES = 1 << 20


class StripReader:
    """Reads the rows of one page; quick if they are asked for in order. For one thread."""

    def __init__(self, file: SharedFile, page: Page) -> None:
        """Take ``page``; `UnsupportedInput` for what is not proved, `InputError` for a file that is cut."""
        self._file = file
        self.page = page = sliced(page)
        self._decode = decoder(page)
        if not len(page.offsets) == len(page.counts) == page.grid.area:
            raise UnsupportedInput(f"page {page.number} has {len(page.offsets)} strips, not {page.grid.area}")
        if 0 in page.offsets or 0 in page.counts:
            raise UnsupportedInput("strips are missing")
        file.refuse_cut(page.end)
        if why := unproved(page, file.read(page.offsets[0], page.counts[0])):
            raise UnsupportedInput(f"its strips have {why}")
        self._kept: tuple[int, Pixels] | None = None

    def read(self, box: Box) -> Pixels:
        """Return ``box``, inside the page, as RGB8."""
        pixels = np.empty((box.height, box.width, 3), np.uint8)
        rows, y = self.page.rows, box.y
        while y < box.bottom:
            top = y // rows * rows
            bottom = min(top + rows, box.bottom)
            strip = self._strip(y // rows)
            pixels[y - box.y : bottom - box.y] = strip[y - top : bottom - top, box.x : box.right]
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
        data = self._file.read(page.offsets[index], page.counts[index])
        try:
            strip = self._decode(data, size)
        except Damaged as error:
            said = " ".join(str(error).split())
            rows = f"rows {top} to {top + size.height - 1}"
            raise InputError(f"{self._file.path}: {rows} cannot be read ({said})") from error
        self._kept = (index, strip)
        return strip

    def forget(self) -> None:
        """Release the memory."""
        self._kept = None


class StripSource(BaseSource):
    """An open picture in strips."""

    def __init__(self, file: SharedFile, facts: SlideFacts, strips: StripReader) -> None:
        super().__init__(facts)
        self._file = file
        self._strips = strips

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        """Return the next rows as RGB8."""
        self._file.refuse_closed()
        return self._strips.read(box)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        self._strips.forget()


def sliced(page: Page) -> Page:
    """Return ``page`` with uncompressed strips cut into some of few rows: one strip may be the whole picture."""
    stride = page.size.width * page.samples
    rows = max(1, SLICE_BYTES // stride)
    if page.compression != NONE or page.rows <= rows or len(page.offsets) != page.grid.area:
        return page
    if any(count < stride * height for count, height in zip(page.counts, _heights(page), strict=True)):
        raise UnsupportedInput("its strips are said to be shorter than their rows")
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
