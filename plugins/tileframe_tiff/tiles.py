"""A tiled TIFF as a source: any box of any stored level, from any thread."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tileframe import BaseSource, Box, InputError, Samples, Size, SlideFacts
from tileframe.pixels import Pixels
from tileframe_tiff import jpegs
from tileframe_tiff.cache import UsedInPart
from tileframe_tiff.chunks import Chunks
from tileframe_tiff.decoding import Damaged, JpegDecoder
from tileframe_tiff.files import SharedFile
from tileframe_tiff.strips import StripReader
from tileframe_tiff.tags import JPEG


@dataclass(frozen=True)
class Level:
    """A level that the file stores, or the mask of one."""

    number: int
    chunks: Chunks
    mask: Level | None = None
    """Of the same size; what is black in it is background."""

    @property
    def size(self) -> Size:
        """Of the whole level."""
        return self.chunks.page.size

    @property
    def tile(self) -> Size:
        """Of each tile."""
        return self.chunks.page.chunk

    @property
    def across(self) -> int:
        """Tiles in a row."""
        return self.chunks.page.grid.width

    @property
    def name(self) -> str:
        """For messages."""
        return "the base" if self.number == 0 else f"level {self.number}"


class TiledSource(BaseSource):
    """An open slide or tiled picture."""

    def __init__(
        self, file: SharedFile, facts: SlideFacts, levels: Sequence[Level], associated: dict[str, StripReader]
    ) -> None:
        super().__init__(facts)
        self._file = file
        self._levels = levels
        self._associated = associated
        self._cache = UsedInPart()
        self._threads = threading.local()
        self._background = np.array(facts.background, np.uint8)

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        """Return ``box`` of ``native_level``; missing tiles, and what a mask hides, show the background."""
        self._file.refuse_closed()
        self._cache.begin()
        level = self._levels[native_level]
        pixels = self._box(level, box)
        if level.mask is not None:
            pixels[self._box(level.mask, box)[:, :, 0] == 0] = self._background
        return pixels

    def holds(self, box: Box) -> bool:
        """Say whether any tile of the base under ``box`` is there, or what is shown instead is no background."""
        level = self._levels[0]
        tile, chunks, across = level.tile, level.chunks, level.across
        if self.facts.samples in (Samples.CMYK, Samples.LAB) or (chunks.absent_colour != self._background).any():
            return True
        return not all(
            chunks.is_absent(row * across + col)
            for row in range(box.y // tile.height, -(-box.bottom // tile.height))
            for col in range(box.x // tile.width, -(-box.right // tile.width))
        )

    def _box(self, level: Level, box: Box) -> Pixels:
        size, tile, across = level.size, level.tile, level.across
        pixels = np.empty((box.height, box.width, level.chunks.bands), np.uint8)
        inside = box.clipped(Box(0, 0, size.width, size.height))
        if inside != box:
            pixels[:] = self._background
        # In plain numbers: there are so many tiles that a few boxes for each cost as much as a tenth of decoding it.
        for row in range(inside.y // tile.height, -(-inside.bottom // tile.height)):
            top = row * tile.height
            upper, lower = max(top, inside.y), min(top + tile.height, inside.bottom)
            shown_height = min(tile.height, size.height - top)
            for col in range(inside.x // tile.width, -(-inside.right // tile.width)):
                left = col * tile.width
                first, last = max(left, inside.x), min(left + tile.width, inside.right)
                target = pixels[upper - box.y : lower - box.y, first - box.x : last - box.x]
                shown = shown_height * min(tile.width, size.width - left)
                self._paste(level, row * across + col, target, (first - left, upper - top), shown)
        return pixels

    def associated(self, name: str) -> Pixels:
        """Return the label, macro or thumbnail image ``name``."""
        strips = self._associated.get(name)
        if strips is None:
            return super().associated(name)
        self._file.refuse_closed()
        size = strips.page.size
        return strips.read(Box(0, 0, size.width, size.height))

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        self._cache.clear()

    def refuses_compressed(self) -> str | None:
        """Look at the first tile that there is."""
        level = self._levels[0]
        if level.mask is not None:
            return "a mask hides parts of them"
        if not isinstance(level.chunks.plain, JpegDecoder):
            kind = level.chunks.page.compression
            return (
                "its JPEG tiles are of a kind that not all viewers show"
                if kind == JPEG
                else (f"its tiles are no JPEGs, but of TIFF compression {kind}")
            )
        index = next((index for index, count in enumerate(level.chunks.page.counts) if count), None)
        if index is None:
            return "it has no tiles"
        return jpegs.refused_by_viewers(self._standalone(level, level.chunks.plain, index)[1])

    def compressed_tile(self, col: int, row: int) -> bytes | None:
        """Return a tile of the base as a JPEG; None where the slide has none."""
        level = self._levels[0]
        if not isinstance(level.chunks.plain, JpegDecoder):
            raise InputError(f"{self._file.path}: {self.refuses_compressed()}")
        index = row * level.across + col
        return None if level.chunks.is_absent(index) else self._standalone(level, level.chunks.plain, index)[0]

    def _standalone(self, level: Level, decode: JpegDecoder, index: int) -> tuple[bytes, jpegs.Frame]:
        page = level.chunks.page
        try:
            return decode.standalone(self._file.read(page.offsets[index], page.counts[index]), level.tile)
        except Damaged as error:
            raise self._unreadable(level, index, error) from error

    def _paste(self, level: Level, index: int, target: Pixels, corner: tuple[int, int], shown: int) -> None:
        """Draw a tile, of which ``shown`` pixels show at all, from ``corner``, x and y, on into ``target``."""
        if level.chunks.is_absent(index):
            # Row by row: ten times as fast as one colour for every pixel.
            target[:] = np.tile(level.chunks.absent_colour, (target.shape[1], 1))
            return
        height, width = target.shape[:2]
        x, y = corner
        target[:] = self._tile(level, index, height * width, shown)[y : y + height, x : x + width]

    def _tile(self, level: Level, index: int, used: int, area: int) -> Pixels:
        """Return the whole tile, of which ``used`` pixels of ``area`` are wanted now; not to be written to."""
        key = (id(level), index)
        whole = used == area
        if not whole or self._cache.holds(key):
            kept = self._cache.take(key, used)
            if kept is not None:
                return kept
        try:
            tile = level.chunks.decode(index, level.tile, scratch=self._scratch(level) if whole else None)
        except Damaged as error:
            raise self._unreadable(level, index, error) from error
        if not whole:
            self._cache.put(key, tile, area - used)
        return tile

    def _scratch(self, level: Level) -> Pixels | None:
        """Return bytes of this thread's own: fresh ones cost more time than it takes to fill them."""
        if level.chunks.plain is None:
            return None
        wanted = level.chunks.page.chunk_bytes
        scratch: Pixels | None = getattr(self._threads, "scratch", None)
        if scratch is None or len(scratch) < wanted:
            scratch = self._threads.scratch = np.empty(wanted, np.uint8)
        return scratch[:wanted]

    def _unreadable(self, level: Level, index: int, error: Damaged) -> InputError:
        row, col = divmod(index, level.across)
        said = " ".join(str(error).split())
        return InputError(f"{self._file.path}: tile {col}, {row} of {level.name} cannot be read ({said})")
