"""A tiled TIFF as a source: any box of any stored level, from any thread."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from typing import NamedTuple

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

    @cached_property
    def tile(self) -> Size:
        """Of each tile."""
        return self.chunks.page.chunk

    @cached_property
    def across(self) -> int:
        """Tiles in a row."""
        return self.chunks.page.grid.width

    @property
    def name(self) -> str:
        """For messages."""
        return "the base" if self.number == 0 else f"level {self.number}"


class _Part(NamedTuple):
    """What is wanted of one tile, and where it goes."""

    number: int
    """Of the tile, row by row."""
    target: Pixels
    """Where it is drawn."""
    place: tuple[slice, slice]
    """Its rows and columns that are wanted."""
    used: int
    """How many pixels of it that are."""
    unused: int
    """How many pixels more of it show at all, and are left for another read."""


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
        self._keeps_compressed = False
        """Whether tiles have been asked for as they are stored: then each thread keeps those of its last read."""

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        """Return ``box`` of ``native_level``; missing tiles, and what a mask hides, show the background."""
        self._file.refuse_closed()
        self._cache.begin()
        self._threads.compressed = {}
        level = self._levels[native_level]
        pixels = self._box(level, box)
        if level.mask is not None:
            pixels[self._box(level.mask, box)[:, :, 0] == 0] = self._background
        return pixels

    def holds(self, box: Box) -> bool:
        """Say whether any tile of the base under ``box`` is there, or what is shown instead is no background."""
        level = self._levels[0]
        tile, across = level.tile, level.across
        if self._shows_what_is_absent:
            return True
        first, end = box.x // tile.width, -(-box.right // tile.width)
        return any(
            level.chunks.has_any(row * across + first, row * across + end)
            for row in range(box.y // tile.height, -(-box.bottom // tile.height))
        )

    @cached_property
    def _shows_what_is_absent(self) -> bool:
        """Whether a tile that is absent is not shown as background."""
        is_other = bool((self._levels[0].chunks.absent_colour != self._background).any())
        return is_other or self.facts.samples in (Samples.CMYK, Samples.LAB)

    def _box(self, level: Level, box: Box) -> Pixels:
        size, tile = level.size, level.tile
        pixels = np.empty((box.height, box.width, level.chunks.bands), np.uint8)
        inside = box.clipped(Box(0, 0, size.width, size.height))
        if inside != box:
            pixels[:] = self._background
        target, scratch = pixels[inside.y - box.y :, inside.x - box.x :], self._scratch(level)
        for row in range(inside.y // tile.height, -(-inside.bottom // tile.height)):
            self._draw(level, self._parts(level, row, inside, target), scratch)
        return pixels

    def _parts(self, level: Level, row: int, box: Box, pixels: Pixels) -> list[_Part]:
        """Return what is wanted of each tile in ``row``, where ``pixels`` are to show ``box``; fill in absent ones."""
        size, tile, across, chunks = level.size, level.tile, level.across, level.chunks
        top = row * tile.height
        upper, lower = max(top, box.y), min(top + tile.height, box.bottom)
        right, height, shown_height = box.right, lower - upper, min(tile.height, size.height - top)
        parts = []
        # In plain numbers: there are so many tiles that a few boxes for each cost as much as a tenth of decoding it.
        for col in range(box.x // tile.width, -(-box.right // tile.width)):
            left = col * tile.width
            first, last = max(left, box.x), min(left + tile.width, right)
            number, target = row * across + col, pixels[upper - box.y : lower - box.y, first - box.x : last - box.x]
            if chunks.is_absent(number):
                # Row by row: ten times as fast as one colour for every pixel.
                target[:] = np.tile(chunks.absent_colour, (last - first, 1))
                continue
            place = slice(upper - top, lower - top), slice(first - left, last - left)
            used, shown = height * (last - first), shown_height * min(tile.width, size.width - left)
            parts.append(_Part(number, target, place, used, shown - used))
        return parts

    def _draw(self, level: Level, parts: Sequence[_Part], scratch: Pixels | None) -> None:
        """Draw parts of tiles: those that are decoded already, and the others, which are read in one go."""
        kept, missing = self._cache.take({(id(level), part.number): part.used for part in parts}), []
        for part in parts:
            if (tile := kept.get((id(level), part.number))) is None:
                missing.append(part)
            else:
                part.target[:] = tile[part.place]
        chunks = level.chunks
        stored = chunks.stored([part.number for part in missing]) if chunks.plain else repeat(b"", len(missing))
        for part, data in zip(missing, stored, strict=True):
            try:
                tile = self._decoded(level, part.number, data, None if part.unused else scratch)
            except Damaged as error:
                raise self._unreadable(level, part.number, error) from error
            part.target[:] = tile[part.place]
            if part.unused:
                self._cache.put((id(level), part.number), tile, part.unused)

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
        self._file.refuse_closed()
        self._keeps_compressed, index = True, row * level.across + col
        kept: bytes | None = getattr(self._threads, "compressed", {}).get(index)
        if kept is not None or level.chunks.is_absent(index):
            return kept
        return self._standalone(level, level.chunks.plain, index)[0]

    def _standalone(self, level: Level, decode: JpegDecoder, index: int) -> tuple[bytes, jpegs.Frame]:
        try:
            return decode.standalone(next(level.chunks.stored([index])), level.tile)
        except Damaged as error:
            raise self._unreadable(level, index, error) from error

    def _decoded(self, level: Level, index: int, data: bytes, scratch: Pixels | None) -> Pixels:
        """Return a whole tile, maybe in ``scratch``; ``data`` is it as the file has it."""
        decode = level.chunks.plain
        if decode is None:
            return level.chunks.decode(index, level.tile)
        if isinstance(decode, JpegDecoder):
            whole = decode.standalone(data, level.tile)[0]
            if self._keeps_compressed and level is self._levels[0]:
                self._threads.compressed[index] = whole
            return decode.pixels(whole, level.tile, scratch)
        return decode(data, level.tile, scratch=scratch)

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
