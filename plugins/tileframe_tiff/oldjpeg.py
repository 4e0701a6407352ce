"""JPEG as TIFF 6.0 first had it (compression 6): tables by tags of their own, and bare scans, put together to JPEGs."""

from __future__ import annotations

import struct
from dataclasses import replace

import simplejpeg

from tileframe import InputError, Size, UnsupportedInput
from tileframe.pixels import Pixels
from tileframe_tiff import tags
from tileframe_tiff.decoding import Damaged
from tileframe_tiff.files import SharedFile
from tileframe_tiff.jpegs import BASELINE, DHT, DQT, SOS, JpegError, beginning, standalone
from tileframe_tiff.structure import Page

PROCESS, STREAM, STREAM_LENGTH, RESTART_INTERVAL, Q_TABLES, DC_TABLES, AC_TABLES, SUBSAMPLING = (
    512,
    513,
    514,
    515,
    519,
    520,
    521,
    530,
)
DRI = 0xDD
WHOLE_SPECTRUM = bytes([0, 63, 0])
"""The end of a baseline scan header."""


def with_stream(file: SharedFile, page: Page) -> Page:
    """Return ``page`` with the whole JPEG that the file keeps for all of it as its only strip, where there is one.

    The strip's own offset then often leads to the middle of a segment.
    """
    place, length = (next(iter(tags.integers(page.tags, tag)), 0) for tag in (STREAM, STREAM_LENGTH))
    if page.compression != tags.OLD_JPEG or page.grid.area != 1 or not length:
        return page
    try:
        whole = file.read(place, length).startswith(b"\xff\xd8")
    except InputError:
        return page
    return replace(page, offsets=(place,), counts=(length,)) if whole else page


class OldJpegDecoder:
    """Decodes the tiles or strips of one page, of which libjpeg's every warning is an error."""

    def __init__(self, file: SharedFile, page: Page) -> None:
        """Read the tables; `UnsupportedInput` where the page does not have them, or they are not in the file."""
        self._page = page
        self._tables = b""
        if page.grid.area == 1 and file.read(page.offsets[0], 2) == b"\xff\xd8":
            return  # a whole JPEG, with its own
        places = [tags.integers(page.tags, tag) for tag in (Q_TABLES, DC_TABLES, AC_TABLES)]
        lacking = {len(found) for found in places} != {page.samples} or page.samples not in (1, 3)
        if lacking or page.bits != 8 or tags.integer(page.tags, PROCESS, 1) != 1:
            raise UnsupportedInput("a TIFF of old-style JPEG without the tables that TIFF 6.0 asks for")
        try:
            quantisation = [bytes([number]) + file.read(place, 64) for number, place in enumerate(places[0])]
            codes = [
                bytes([(kind << 4) | number]) + _code(file, place)
                for kind, found in enumerate(places[1:])
                for number, place in enumerate(found)
            ]
        except InputError as error:
            raise UnsupportedInput("a TIFF of old-style JPEG whose tables are not in the file") from error
        restart = tags.integer(page.tags, RESTART_INTERVAL, 0)
        self._tables += b"".join(_segment(DQT, table) for table in quantisation)
        self._tables += b"".join(_segment(DHT, table) for table in codes)
        self._tables += _segment(DRI, struct.pack(">H", restart)) if restart else b""
        across, down = (*tags.integers(page.tags, SUBSAMPLING), 2, 2)[:2] if page.samples == 3 else (1, 1)
        self._sampling = [(across << 4) | down, 0x11, 0x11][: page.samples]

    def __call__(self, data: bytes, size: Size, *, scratch: Pixels | None = None) -> Pixels:
        """Return the pixels of ``data`` as ``(height, width, 1 or 3)``, ``size`` large."""
        jpeg = self._built(size) + data if self._tables else self._mended(data)
        end = b"" if data.rstrip(b"\0").endswith(b"\xff\xd9") else b"\xff\xd9"
        space = "GRAY" if self._page.samples == 1 else "RGB"
        try:
            found: Pixels = simplejpeg.decode_jpeg(jpeg + end, colorspace=space, strict=True)
        except ValueError as error:
            raise Damaged(str(error)) from error
        if found.shape[0] < size.height or found.shape[1] != size.width:
            raise Damaged(f"it is a JPEG of {found.shape[1]}x{found.shape[0]} pixels, not {size}")
        return found[: size.height]

    def _built(self, size: Size) -> bytes:
        """Return all of a JPEG that comes before the data of its scan."""
        count = self._page.samples
        frame = struct.pack(">BHHB", 8, size.height, size.width, count)
        frame += b"".join(bytes([number, sampling, number]) for number, sampling in enumerate(self._sampling))
        scan = bytes([count, *(part for n in range(count) for part in (n, (n << 4) | n)), *WHOLE_SPECTRUM])
        adobe = b"Adobe\x00\x64\x00\x00\x00\x00" + bytes([self._page.photometric == tags.YCBCR])
        return b"\xff\xd8" + _segment(0xEE, adobe) + self._tables + _segment(BASELINE, frame) + _segment(SOS, scan)

    def _mended(self, data: bytes) -> bytes:
        """Return a whole JPEG with the colour space marked, and with the scan header that some writers left at 0."""
        try:
            whole, _, scan = standalone(data, beginning(None, ycbcr=self._page.photometric == tags.YCBCR))
        except JpegError as error:
            raise Damaged(str(error)) from error
        place = len(whole) - (len(data) - scan)
        return whole[: place - len(WHOLE_SPECTRUM)] + WHOLE_SPECTRUM + whole[place:]


def _segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def _code(file: SharedFile, place: int) -> bytes:
    """Return a Huffman table: how many codes there are of 1 to 16 bits, and their values."""
    counts = file.read(place, 16)
    return counts + file.read(place + 16, sum(counts))
