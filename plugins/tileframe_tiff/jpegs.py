"""A tile of a TIFF as a complete JPEG whose colour space every decoder understands. Bytes only, nothing is decoded."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

SOI, EOI, SOS, DQT, DHT, COM, APP0, APP15 = 0xD8, 0xD9, 0xDA, 0xDB, 0xC4, 0xFE, 0xE0, 0xEF
BASELINE, EXTENDED, PROGRESSIVE = 0xC0, 0xC1, 0xC2
FRAMES = {
    BASELINE: "baseline",
    EXTENDED: "extended sequential",
    PROGRESSIVE: "progressive",
    0xC3: "lossless",
    0xC5: "differential sequential",
    0xC6: "differential progressive",
    0xC7: "differential lossless",
    0xC9: "arithmetic",
    0xCA: "arithmetic progressive",
    0xCB: "arithmetic lossless",
    0xCD: "arithmetic differential",
    0xCE: "arithmetic differential progressive",
    0xCF: "arithmetic differential lossless",
}
# Samples of luma across and down, where chroma has one: 4:4:4, 4:2:2, 4:2:0, 4:4:0, 4:1:1.
LUMA = (b"\x11", b"\x21", b"\x22", b"\x12", b"\x41")
SHOWN_BY_ALL = (BASELINE, EXTENDED, PROGRESSIVE)


class JpegError(ValueError):
    """The bytes are no JPEG, or not the one they should be."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What the frame header of a JPEG says."""

    marker: int
    """Its kind, one of `FRAMES`."""
    precision: int
    """Bits a sample."""
    width: int
    height: int
    components: int
    sampling: bytes = b""
    """Of each component, how many samples across and down, four bits each, to the most of any."""

    @property
    def kind(self) -> str:
        """The kind in words."""
        return FRAMES[self.marker]


def beginning(tables: bytes | None, *, ycbcr: bool) -> bytes:
    """Return what comes before a tile's own segments: start, colour space, and the tables that all tiles share.

    ``tables`` is the TIFF's tag JPEGTables. Adobe's marker says what the TIFF's photometric interpretation says
    (libjpeg guesses without it). `JpegError` if the tables cannot be read.
    """
    # Version 100, no flags; the last byte is the transform: 0 for RGB, 1 for YCbCr.
    adobe = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + bytes([ycbcr])
    shared = b""
    if tables is not None:
        # What else may stand there is forgotten by decoders at the start of the next image.
        shared = b"".join(tables[start:end] for marker, start, end in _segments(tables) if marker in (DQT, DHT))
    return b"\xff\xd8" + adobe + shared


def standalone(tile: bytes, before: bytes) -> tuple[bytes, Frame, int]:
    """Return ``tile`` as a complete JPEG, begun by ``before``; its frame header; and where the data of its scan begin.

    All from the first scan on is the tile's own, byte for byte. Application segments and comments are left out: JFIF's
    would outweigh Adobe's and turn RGB into YCbCr.
    """
    frame, pieces = None, [before]
    for marker, start, end in _segments(tile):
        if marker in FRAMES:
            frame = _frame(marker, tile[start:end])
        if marker == SOS:
            if frame is None:
                raise JpegError("a scan comes before the frame header")
            pieces.append(tile[start:])
            return b"".join(pieces), frame, end
        if marker == DQT:
            _refuse_bad_tables(tile[start + 4 : end])
        if marker == APP0:
            _refuse_odd_application(tile[start:end])
        if marker != COM and not APP0 <= marker <= APP15:
            pieces.append(tile[start:end])
    raise JpegError("there is no scan in it")


def unproved(tile: bytes) -> str | None:
    """Say why a JPEG is of a kind that is left to libjpeg's own users; None for the usual ones, and for no JPEG."""
    try:
        _, frame, _ = standalone(tile, b"")
    except JpegError:
        return None
    if frame.marker not in SHOWN_BY_ALL or frame.precision != 8:
        return f"{frame.kind} JPEG of {frame.precision} bits a sample"
    # TurboJPEG knows no others.
    if frame.components > 1 and (frame.sampling[:1] not in LUMA or set(frame.sampling[1:]) != {0x11}):
        return "JPEG of an unusual subsampling"
    return None


def refused_by_viewers(frame: Frame) -> str | None:
    """Say why not every browser shows JPEGs of this kind; None if all do."""
    if frame.marker not in SHOWN_BY_ALL:
        return f"{frame.kind} JPEG is not shown by browsers"
    if frame.precision != 8:
        return f"JPEG of {frame.precision} bits a sample is not shown by browsers"
    if frame.components != 3:
        return f"the JPEGs have {frame.components} components, not 3"
    return None


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield the marker, start and end of each segment after the start of the image, up to the first scan or the end."""
    if data[:2] != b"\xff\xd8":
        raise JpegError(f"not a JPEG: starts with {data[:2].hex(' ') or 'nothing'}")
    position, size = 2, len(data)
    while position + 1 < size:
        if data[position] != 0xFF:
            raise JpegError(f"no marker where one should be, at byte {position}")
        marker = data[position + 1]
        if marker == 0xFF:  # a fill byte
            position += 1
            continue
        if marker == EOI:
            return
        if marker in (0, 1) or 0xD0 <= marker <= SOI:
            raise JpegError(f"marker {marker:#04x} where none may be, at byte {position}")
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        end = position + 2 + length
        if length < 2 or end > size:
            raise JpegError(f"Bogus marker length, at byte {position}")
        yield marker, position, end
        if marker == SOS:
            return
        position = end


def _refuse_odd_application(segment: bytes) -> None:
    """Raise `JpegError` for what libjpeg, and so OpenSlide, takes for damage in a segment that is left out here."""
    if segment[4:9] == b"JFIF\0" and len(segment) >= 18 and segment[9] != 1:
        raise JpegError(f"unknown JFIF revision number {segment[9]}.{segment[10]:02}")


def _refuse_bad_tables(tables: bytes) -> None:
    """Raise `JpegError` unless ``tables``, of a segment DQT, are whole; a damaged scan marker looks like one."""
    place = 0
    while place < len(tables):
        # The high half of the first byte is 1 for tables of 16 bits, 0 for 8.
        place += 1 + 64 * (1 + (tables[place] >> 4))
    if place != len(tables):
        raise JpegError("Bogus marker length, in the quantisation tables")


def _frame(marker: int, segment: bytes) -> Frame:
    if len(segment) < 10:
        raise JpegError("the frame header is cut short")
    precision, height, width, components = struct.unpack(">BHHB", segment[4:10])
    if len(segment) != 10 + 3 * components:
        raise JpegError("Bogus marker length, in the frame header")
    return Frame(marker, precision, width, height, components, segment[11::3])
