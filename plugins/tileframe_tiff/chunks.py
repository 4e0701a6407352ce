"""The tiles or strips of one picture, one by one, as pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from tileframe import Rgb, Samples, Size, UnsupportedInput
from tileframe.machine import refuse_more_memory
from tileframe.pixels import Pixels
from tileframe_tiff import jpegs, tags
from tileframe_tiff.colours import Meaning
from tileframe_tiff.decoding import Damaged, Decoder, unproved
from tileframe_tiff.files import SharedFile
from tileframe_tiff.structure import Page


class Chunks:
    """The tiles, or strips, of a picture of one or three pages. For many threads."""

    def __init__(
        self, file: SharedFile, pages: Sequence[Page], meaning: Meaning, background: Rgb, plain: Decoder | None
    ) -> None:
        """Take ``pages``; ``plain`` decodes 8-bit RGB and grey without tifffile, where that can be."""
        self._file = file
        self._pages = pages
        self._meaning = meaning
        self.page, self.plain, self.bands = pages[0], plain, meaning.bands
        self._area = self.page.grid.area
        for page in pages:
            wanted = self._area * page.planes
            if not len(page.offsets) == len(page.counts) == wanted:
                what = "tiles" if page.tile_size else "strips"
                raise UnsupportedInput(
                    f"a TIFF whose picture {page.number} has {len(page.offsets)} {what}, not {wanted}"
                )
            file.refuse_cut(page.end)
        if plain is None:
            self._refuse_undecoded()
        self.absent_colour = self._absent(background)

    def is_absent(self, index: int) -> bool:
        """Say whether the file has nothing for tile or strip ``index``."""
        if self.plain is not None:
            return not self.page.counts[index]
        return not any(page.counts[index + plane * self._area] for page, plane in self._planes())

    def has_any(self, first: int, end: int) -> bool:
        """Say whether the file has anything for the tiles or strips from ``first`` to before ``end``."""
        if self.plain is not None:
            return any(self.page.counts[first:end])
        return not all(map(self.is_absent, range(first, end)))

    def stored(self, indices: Sequence[int]) -> Iterator[bytes]:
        """Yield the tiles or strips ``indices`` as the file has them, where `plain` decodes them."""
        return self._file.read_each([(self.page.offsets[index], self.page.counts[index]) for index in indices])

    def decode(self, index: int, size: Size) -> Pixels:
        """Return tile or strip ``index``, which is ``size``, as ``(height, width, 1, 3 or 4)``; `Damaged` if it is."""
        if self.plain is not None:
            return self.plain(next(self.stored([index])), size)
        planes = [self._plane(page, index + plane * self._area) for page, plane in self._planes()]
        there = [plane for plane in planes if plane is not None]
        samples = np.concatenate([np.zeros_like(there[0]) if plane is None else plane for plane in planes], axis=2)
        try:
            return self._meaning.convert(samples[: size.height, : size.width])
        except (IndexError, ValueError) as error:
            raise Damaged(f"its {samples.shape[2]} samples a pixel cannot be pixels: {error}") from error

    def _planes(self) -> list[tuple[Page, int]]:
        return [(page, plane) for page in self._pages for plane in range(page.planes)]

    def _plane(self, page: Page, index: int) -> NDArray[Any] | None:
        """Return one tile or strip as tifffile decodes it, ``(height, width, samples)``; None if it is absent."""
        if not page.counts[index]:
            return None
        data = self._file.read(page.offsets[index], page.counts[index])
        if page.compression == tags.JPEG and page.bits == 8:
            _refuse_damaged_jpeg(data, page)
        try:
            found = page.unpack(data, index, jpegtables=page.jpeg_tables, _fullsize=page.tile_size is not None)[0]
        except MemoryError:
            raise
        except Exception as error:  # of tifffile and of thirty decoders, each with exceptions of its own
            raise Damaged(" ".join(str(error).split()) or "its data are not what they should be") from error
        samples: NDArray[Any] = found[0]
        return samples

    def _refuse_undecoded(self) -> None:
        """Raise for what tifffile cannot decode, and for tiles that do not fit into the memory."""
        for page in self._pages:
            try:
                page.unpack(None, 0)
            except (
                Exception
            ) as error:  # tifffile says by ValueError, NotImplementedError, ... what it has no decoder for
                said = " ".join(str(error).split())
                raise UnsupportedInput(
                    f"a TIFF of compression {page.compression}, not decoded here ({said})"
                ) from error
        needed = len(self._pages) * self.page.chunk_bytes + 4 * self.page.chunk.area
        what = "tiles" if self.page.tile_size else "strips"
        refuse_more_memory(needed, f"{self._file.path}: its {what} of {self.page.chunk} pixels each")

    def _absent(self, background: Rgb) -> Pixels:
        """Return what is shown where the file has nothing: its no-data value (GDAL's tag), or the background."""
        if self._meaning.samples in (Samples.CMYK, Samples.LAB):
            return np.array([0, 0, 0, 0] if self._meaning.samples is Samples.CMYK else [255, 0, 0], np.uint8)
        try:
            value = int(float(self.page.text(tags.GDAL_NODATA)))
        except (ValueError, OverflowError):
            return np.array(background, np.uint8)
        kind = np.min_scalar_type((1 << self.page.bits) - 1)
        if not 0 <= value < 1 << self.page.bits or not self._meaning.lacks_alpha:
            return np.array(background, np.uint8)
        samples = sum(page.samples for page in self._pages)
        shown: Pixels = self._meaning.convert(np.full((1, 1, samples), value, kind))[0, 0]
        return shown


def _refuse_damaged_jpeg(data: bytes, page: Page) -> None:
    """Raise `Damaged` for damage of which imagecodecs says nothing: it lets all of libjpeg's warnings pass."""
    try:
        whole, frame, _ = jpegs.standalone(data, jpegs.beginning(page.jpeg_tables, ycbcr=False))
    except jpegs.JpegError as error:
        raise Damaged(str(error)) from error
    if frame.marker in jpegs.SHOWN_BY_ALL and frame.precision == 8 and frame.components in (1, 3, 4):
        space = {1: "GRAY", 3: "RGB", 4: "CMYK"}[frame.components]
        try:
            simplejpeg.decode_jpeg(whole, colorspace=space, strict=True)
        except ValueError as error:
            raise Damaged(str(error)) from error


def is_plain(file: SharedFile, page: Page) -> str | None:
    """Say why the first tile or strip is of no kind that is decoded without tifffile; None if it is."""
    first = next((index for index, count in enumerate(page.counts) if count), None)
    if first is None or first >= len(page.offsets):
        return None
    return unproved(page, file.read(page.offsets[first], page.counts[first]))
