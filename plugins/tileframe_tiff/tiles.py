"""A tiled TIFF as a source: any box of any stored level, from any thread."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tileframe import BaseSource, Box, InputError, Size, SlideFacts, UnsupportedInput
from tileframe.pixels import Pixels
from tileframe_tiff import jpegs
from tileframe_tiff.cache import UsedInPart
from tileframe_tiff.decoding import Damaged, Decoder, JpegDecoder, decoder, unproved
from tileframe_tiff.files import SharedFile
from tileframe_tiff.strips import StripReader
from tileframe_tiff.structure import NONE, Page


@dataclass(frozen=True)
class Level:
    """A page whose tiles are proved to be read as OpenSlide reads them."""

    number: int
    page: Page
    decode: Decoder
    tile: Size
    across: int
    """Tiles in a row."""

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
        """Return ``box`` of ``native_level`` as RGB8; missing tiles show the background."""
        self._file.refuse_closed()
        level = self._levels[native_level]
        size, tile = level.page.size, level.tile
        pixels = np.empty((box.height, box.width, 3), np.uint8)
        inside = box.clipped(Box(0, 0, size.width, size.height))
        if inside != box:
            pixels[:] = self._background
        self._cache.begin()
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
                self._paste(level, row * level.across + col, target, (first - left, upper - top), shown)
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
        if not isinstance(level.decode, JpegDecoder):
            return f"its tiles are no JPEGs, but of TIFF compression {level.page.compression}"
        index = next((index for index, count in enumerate(level.page.counts) if count), None)
        if index is None:
            return "it has no tiles"
        return jpegs.refused_by_viewers(self._standalone(level, level.decode, index)[1])

    def compressed_tile(self, col: int, row: int) -> bytes | None:
        """Return a tile of the base as a JPEG; None where the slide has none."""
        level = self._levels[0]
        if not isinstance(level.decode, JpegDecoder):
            raise InputError(f"{self._file.path}: {self.refuses_compressed()}")
        index = row * level.across + col
        return self._standalone(level, level.decode, index)[0] if level.page.counts[index] else None

    def _standalone(self, level: Level, decode: JpegDecoder, index: int) -> tuple[bytes, jpegs.Frame]:
        data = self._file.read(level.page.offsets[index], level.page.counts[index])
        try:
            return decode.standalone(data, level.tile)
        except Damaged as error:
            raise self._unreadable(level, index, error) from error

    def _paste(self, level: Level, index: int, target: Pixels, corner: tuple[int, int], shown: int) -> None:
        """Draw a tile, of which ``shown`` pixels show at all, from ``corner``, x and y, on into ``target``."""
        if not level.page.counts[index]:
            target[:] = self._background
            return
        height, width = target.shape[:2]
        x, y = corner
        target[:] = self._tile(level, index, height * width, shown)[y : y + height, x : x + width]

    def _tile(self, level: Level, index: int, used: int, area: int) -> Pixels:
        """Return the whole tile, of which ``used`` pixels of ``area`` are wanted now; not to be written to."""
        key = (level.number, index)
        whole = used == area
        if not whole or self._cache.holds(key):
            kept = self._cache.take(key, used)
            if kept is not None:
                return kept
        data = self._file.read(level.page.offsets[index], level.page.counts[index])
        try:
            tile = level.decode(data, level.tile, scratch=self._scratch(level.page) if whole else None)
        except Damaged as error:
            raise self._unreadable(level, index, error) from error
        if not whole:
            self._cache.put(key, tile, area - used)
        return tile

    def _scratch(self, page: Page) -> Pixels:
        """Return bytes of this thread's own: fresh ones cost more time than it takes to fill them."""
        scratch: Pixels | None = getattr(self._threads, "scratch", None)
        if scratch is None or len(scratch) < page.chunk_bytes:
            scratch = self._threads.scratch = np.empty(page.chunk_bytes, np.uint8)
        return scratch[: page.chunk_bytes]

    def _unreadable(self, level: Level, index: int, error: Damaged) -> InputError:
        row, col = divmod(index, level.across)
        said = " ".join(str(error).split())
        return InputError(f"{self._file.path}: tile {col}, {row} of {level.name} cannot be read ({said})")


def open_levels(file: SharedFile, pages: Sequence[Page]) -> list[Level]:
    """Return ``pages`` as levels; `UnsupportedInput` for what is not proved, `InputError` for a file that is cut."""
    return [_level(file, number, page) for number, page in enumerate(pages)]


def _level(file: SharedFile, number: int, page: Page) -> Level:
    decode, tile = decoder(page), page.chunk
    if not len(page.offsets) == len(page.counts) == page.grid.area:
        raise UnsupportedInput(f"page {page.number} has {len(page.offsets)} tiles, not {page.grid.area}")
    if page.compression == NONE and any(0 < count < page.chunk_bytes for count in page.counts):
        raise UnsupportedInput("its tiles are said to be shorter than their pixels")
    file.refuse_cut(page.end)
    first = next((index for index, count in enumerate(page.counts) if count), None)
    if first is not None and (why := unproved(page, file.read(page.offsets[first], page.counts[first]))):
        raise UnsupportedInput(f"its tiles have {why}")
    return Level(number, page, decode, tile, page.grid.width)
