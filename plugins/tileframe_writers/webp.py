"""WebP tiles, lossy (always 4:2:0) or lossless."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import imagecodecs

from tileframe import CheckError, Encoding, OptionError, Size
from tileframe.pixels import Pixels
from tileframe_writers.decoding import rgb8
from tileframe_writers.options import WebpOptions
from tileframe_writers.profiles import in_webp

KIND = "a WebP"
QUALITY = 75
"""Unless another is given."""
LARGEST = 16383
"""Pixels a side, in all of WebP."""
HEADER = struct.Struct("<4sI4s")
CHUNK = struct.Struct("<4sI")
PLAIN = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ICCP", b"EXIF", b"XMP "})
"""What a single opaque picture may consist of. ``ALPH`` and ``ANIM`` are what it may not."""


class WebpWriter:
    """Encodes without the GIL, in the calling thread, and decodes as strictly as the format allows.

    WebP has no checksum: a flipped bit mostly decodes to other pixels, which only a digest can tell.
    """

    def __init__(self, options: WebpOptions) -> None:
        lossless, quality = options.lossless, options.quality
        if lossless and quality is not None:
            raise OptionError(f"webp tiles are lossless or have a quality; leave out lossless or quality={quality}")
        quality = None if lossless else quality or QUALITY
        self.encoding = Encoding("webp", "webp", lossless, quality, None if lossless else "420")
        self._effort = options.effort

    def encode(self, pixels: Pixels) -> bytes:
        """Return ``pixels``, RGB8 ``(height, width, 3)``, as a WebP; `OptionError` if there are too many for one."""
        height, width, _ = pixels.shape
        if max(height, width) > LARGEST:
            raise OptionError(f"webp tiles have up to {LARGEST} pixels a side, not {width}x{height}; give smaller ones")
        encoded = imagecodecs.webp_encode(
            pixels.copy(),  # the encoder takes no strides
            level=self.encoding.quality,
            lossless=self.encoding.lossless,
            method=self._effort,
            numthreads=1,
        )
        return bytes(encoded)

    def decode(self, data: bytes) -> Pixels:
        """Return the pixels; `CheckError` for what is cut, goes on behind its end, is damaged, or no opaque WebP."""
        size = self.size(data)
        for name in _chunks(data):
            if name not in PLAIN:
                raise CheckError(f"is {KIND} with a chunk {name!r}, not a single opaque picture")
        return rgb8(lambda: imagecodecs.webp_decode(data), size, KIND)

    def with_profile(self, data: bytes, profile: bytes) -> bytes:
        """Return the tile ``data`` with the colour profile in it; `CheckError` if it is no tile."""
        size = self.size(data)
        return in_webp(data, profile, (size.width, size.height))

    def size(self, data: bytes) -> Size:
        """Return the size that the header gives; `CheckError` without one."""
        start = HEADER.size + CHUNK.size
        if len(data) < start + 10 or HEADER.unpack_from(data)[::2] != (b"RIFF", b"WEBP"):
            raise CheckError("is no WebP")
        name, _ = CHUNK.unpack_from(data, HEADER.size)
        if name == b"VP8X":  # 8 bits of flags and 24 reserved, then each side less 1 in 24 bits
            width, height = (int.from_bytes(data[start + at : start + at + 3], "little") + 1 for at in (4, 7))
        elif name == b"VP8L" and data[start] == 0x2F:  # each side less 1 in 14 bits
            packed = int.from_bytes(data[start + 1 : start + 5], "little")
            width, height = (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
        elif name == b"VP8 " and data[start + 3 : start + 6] == b"\x9d\x01\x2a":  # 14 bits, and two for scaling
            width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, start + 6))
        else:
            raise CheckError("is no WebP")
        return Size(width, height)


def _chunks(data: bytes) -> Iterator[bytes]:
    """Yield the name of each chunk; `CheckError` unless they fill the file exactly, as its header says."""
    at, end = HEADER.size, CHUNK.size + HEADER.unpack_from(data)[1]
    while at + CHUNK.size <= len(data):
        name, length = CHUNK.unpack_from(data, at)
        yield name
        at += CHUNK.size + length + length % 2  # padded to an even length
    if not at == end == len(data):
        raise CheckError(f"is {KIND} that is cut, or has bytes behind its end")
