"""The bytes of one tile or strip become pixels, strictly: damage that can be told is an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import imagecodecs
import numpy as np
import simplejpeg

from tileframe import Size, UnsupportedInput
from tileframe.pixels import Pixels
from tileframe_tiff import jp2k, jpegs
from tileframe_tiff.structure import Page
from tileframe_tiff.tags import DEFLATES, JP2K_YCBCR, JP2KS, JPEG, LZW, NONE, YCBCR

# A header of a few bytes can ask for any amount of memory.
MOST_BYTES = 64 << 20


class Damaged(Exception):
    """The bytes do not decode to a tile or strip."""


class Decoder(Protocol):
    """Decodes the tiles or strips of one page, in any thread."""

    def __call__(self, data: bytes, size: Size, *, scratch: Pixels | None = None) -> Pixels:
        """Return the pixels of ``data`` as ``(height, width, 1 or 3)``, ``size`` large; `Damaged` if that cannot be.

        The result may lie in ``scratch``, bytes of which there are enough for a whole tile. Without it, it is new.
        """


def decoder(page: Page) -> Decoder:
    """Return what decodes the plain kinds, 8-bit RGB and grey; `UnsupportedInput` for all others."""
    if page.unusual is not None:
        raise UnsupportedInput(f"it has {page.unusual}")
    if page.chunk_bytes > MOST_BYTES:
        raise UnsupportedInput(f"one tile or strip of it, {page.chunk}, decodes to more than {MOST_BYTES >> 20} MB")
    if page.compression == JPEG:
        return JpegDecoder(page)
    if page.compression in JP2KS and page.samples == 3:
        return Jp2kDecoder(page)
    if page.compression in (NONE, LZW, *DEFLATES):
        return PlainDecoder(page)
    raise UnsupportedInput(f"it has TIFF compression {page.compression}")


def unproved(page: Page, data: bytes) -> str | None:
    """Say what ``data``, a tile or strip of ``page``, has that its tags do not say and others are to read; or None."""
    if page.compression == JPEG:
        return jpegs.unproved(data)
    if page.compression in JP2KS:
        return jp2k.unproved(data, page.chunk)
    # The bits of a code were in another order before 1988; both kinds begin with code 256.
    is_old = page.compression == LZW and data[:1] == b"\0" and bool(data[1:2]) and bool(data[1] & 1)
    return "LZW of the old kind" if is_old else None


class JpegDecoder:
    """JPEG, in the colour space that the TIFF says."""

    def __init__(self, page: Page) -> None:
        self._samples = page.samples
        self._colours = "RGB" if page.samples == 3 else "GRAY"
        self._tiled = page.tile_size is not None
        self._most_rows = page.rows
        self._seen = (b"", b"", jpegs.Frame(jpegs.BASELINE, 8, 0, 0, 0))
        try:
            self._before = jpegs.beginning(page.jpeg_tables, ycbcr=page.photometric == YCBCR)
        except jpegs.JpegError as error:
            raise UnsupportedInput(f"its JPEG tables cannot be read ({error})") from error

    def standalone(self, data: bytes, size: Size) -> tuple[bytes, jpegs.Frame]:
        """Return ``data`` as a complete JPEG; `Damaged` if it cannot be, or is no picture of that ``size``."""
        # Most tiles of a slide begin with the very same headers: those need not be looked at again.
        header, begun, frame = self._seen
        if header and data.startswith(header):
            whole = b"".join((begun, memoryview(data)[len(header) :]))
        else:
            try:
                whole, frame, scan = jpegs.standalone(data, self._before)
            except jpegs.JpegError as error:
                raise Damaged(str(error)) from error
            self._seen = (data[:scan], whole[: len(whole) - (len(data) - scan)], frame)
        # Some encoders give the last strip the height of all others.
        high = frame.height == size.height or (not self._tiled and size.height < frame.height <= self._most_rows)
        if frame.width != size.width or not high or frame.components != self._samples:
            raise Damaged(
                f"it is a JPEG of {frame.width}x{frame.height} pixels and {frame.components} components, "
                f"not {size} and {self._samples}"
            )
        return whole, frame

    def __call__(self, data: bytes, size: Size, *, scratch: Pixels | None = None) -> Pixels:
        """Decode with libjpeg-turbo, whose every warning is an error."""
        return self.pixels(self.standalone(data, size)[0], size, scratch)

    def pixels(self, whole: bytes, size: Size, scratch: Pixels | None) -> Pixels:
        """Decode what `standalone` has returned."""
        try:
            found: Pixels = simplejpeg.decode_jpeg(whole, colorspace=self._colours, strict=True, buffer=scratch)
        except ValueError as error:
            raise Damaged(str(error)) from error
        return found[: size.height]


class Jp2kDecoder:
    """JPEG 2000 code streams, as Aperio writes them."""

    def __init__(self, page: Page) -> None:
        self._ycbcr = page.compression == JP2K_YCBCR

    def __call__(self, data: bytes, size: Size, *, scratch: Pixels | None = None) -> Pixels:
        """Decode with OpenJPEG, which OpenSlide uses too."""
        try:
            return jp2k.decode(data, size, ycbcr=self._ycbcr)
        except (ValueError, RuntimeError) as error:
            raise Damaged(str(error)) from error


class PlainDecoder:
    """Samples as they are, or under LZW or deflate, with or without the horizontal predictor."""

    def __init__(self, page: Page) -> None:
        # The last strip may have all rows of the others.
        self._samples, self._whole = page.samples, page.chunk_bytes
        self._stored = page.compression == NONE
        self._unpack: Callable[..., Any] = (
            imagecodecs.lzw_decode if page.compression == LZW else imagecodecs.zlib_decode
        )
        # Libraries do not apply a predictor to what is not compressed.
        self._differences = page.predictor == 2 and not self._stored

    def __call__(self, data: bytes, size: Size, *, scratch: Pixels | None = None) -> Pixels:
        """Unpack; the checksum of deflate is looked at."""
        needed = size.area * self._samples
        samples = np.frombuffer(data, np.uint8) if self._stored else self._unpacked(data, scratch)
        if len(samples) < needed:
            raise Damaged(f"it has {len(samples)} bytes of {needed}")
        pixels = samples[:needed].reshape(size.height, size.width, self._samples)
        if self._differences:
            imagecodecs.delta_decode(pixels, axis=1, out=pixels)
        return pixels

    def _unpacked(self, data: bytes, scratch: Pixels | None) -> Pixels:
        target = np.empty(self._whole, np.uint8) if scratch is None else scratch[: self._whole]
        try:
            found: Pixels = self._unpack(data, out=target)
        except (ValueError, RuntimeError) as error:
            raise Damaged(str(error)) from error
        return found
