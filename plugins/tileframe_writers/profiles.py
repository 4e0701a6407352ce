"""Puts an ICC profile into an encoded tile, whose pixels stay as they are, byte for byte."""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache

from tileframe import CheckError
from tileframe_damage.png import PNG_SIGNATURE

JPEG_START, JFIF_MARKER = b"\xff\xd8", b"\xff\xe0"
ICC_MARKER, ICC_HEAD = b"\xff\xe2", b"ICC_PROFILE\0"
MOST_IN_SEGMENT = 65535 - 2 - len(ICC_HEAD) - 2
"""Bytes of a profile: a segment counts its length of two bytes, and is numbered."""
MOST_SEGMENTS = 255
PNG_HEAD = len(PNG_SIGNATURE) + 25
"""Where the header chunk of a PNG ends."""
WEBP_HEAD, CHUNK_HEAD = 12, 8
HAS_PROFILE = 0x20
"""The flag of an extended WebP."""


def in_jpeg(data: bytes, profile: bytes) -> bytes:
    """Return the JPEG ``data`` with ``profile`` in it; `CheckError` if it is none, or the profile is too large."""
    if not data.startswith(JPEG_START):
        raise CheckError("is no JPEG")
    at = len(JPEG_START)
    if data[at : at + 2] == JFIF_MARKER:  # which is to come first
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return data[:at] + _jpeg_segments(profile) + data[at:]


def in_png(data: bytes, profile: bytes) -> bytes:
    """Return the PNG ``data`` with ``profile`` in it; `CheckError` if it is none."""
    if not data.startswith(PNG_SIGNATURE) or len(data) < PNG_HEAD:
        raise CheckError("is no PNG")
    return data[:PNG_HEAD] + _png_chunk(profile) + data[PNG_HEAD:]


def in_webp(data: bytes, profile: bytes, size: tuple[int, int]) -> bytes:
    """Return the WebP ``data`` of one picture, ``size`` wide and high, with ``profile`` in it."""
    rest = data[WEBP_HEAD:]
    head = struct.pack("<B3x", HAS_PROFILE) + b"".join((side - 1).to_bytes(3, "little") for side in size)
    if rest.startswith(b"VP8X"):
        end = CHUNK_HEAD + len(head)
        head = bytes([rest[CHUNK_HEAD] | HAS_PROFILE]) + rest[CHUNK_HEAD + 1 : end]
        rest = rest[end:]
    body = b"WEBP" + _webp_chunk(b"VP8X", head) + _webp_chunk(b"ICCP", profile) + rest
    return b"RIFF" + struct.pack("<I", len(body)) + body


@lru_cache(maxsize=4)
def _jpeg_segments(profile: bytes) -> bytes:
    parts = [profile[at : at + MOST_IN_SEGMENT] for at in range(0, len(profile), MOST_IN_SEGMENT)]
    if len(parts) > MOST_SEGMENTS:
        raise CheckError(f"cannot carry a colour profile of {len(profile)} bytes")
    segments = (ICC_HEAD + bytes([number, len(parts)]) + part for number, part in enumerate(parts, 1))
    return b"".join(ICC_MARKER + struct.pack(">H", 2 + len(segment)) + segment for segment in segments)


@lru_cache(maxsize=4)
def _png_chunk(profile: bytes) -> bytes:
    content = b"iCCPicc\0\0" + zlib.compress(profile)
    return struct.pack(">I", len(content) - 4) + content + struct.pack(">I", zlib.crc32(content))


def _webp_chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
