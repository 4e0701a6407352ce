"""BMP tiles: 24 bits a pixel, from the bottom row up, blue first; every browser shows them."""

from __future__ import annotations

import struct

import numpy as np

from tileframe import CheckError, Encoding, Size
from tileframe.pixels import Pixels

HEADER = struct.Struct("<2sIHHI IIIHHIIIIII")


class BmpWriter:
    """Encodes without loss, and decodes only what is exactly so encoded. Any thread may use it."""

    encoding = Encoding("bmp", "bmp", lossless=True)

    def __init__(self, dpi: int = 0) -> None:
        self._density = round(dpi / 0.0254)  # in pixels per metre

    def encode(self, pixels: Pixels) -> bytes:
        """Return ``pixels``, RGB8 ``(height, width, 3)``, as a BMP."""
        height, width, _ = pixels.shape
        rows = np.zeros((height, _stride(width)), np.uint8)
        rows[:, : 3 * width] = pixels[::-1, :, ::-1].reshape(height, -1)
        return HEADER.pack(*self._fields(Size(width, height))) + rows.tobytes()

    def decode(self, data: bytes) -> Pixels:
        """Return the pixels; `CheckError` for what is cut, damaged, or no BMP. Pixels have no checksum in a BMP."""
        size = self.size(data)
        expected = HEADER.size + _stride(size.width) * size.height
        if len(data) != expected:
            raise CheckError(f"is a damaged BMP of {len(data)} bytes, not {expected}")
        rows = np.frombuffer(data, np.uint8, offset=HEADER.size).reshape(size.height, -1)
        bgr = rows[::-1, : 3 * size.width].reshape(size.height, size.width, 3)
        return np.ascontiguousarray(bgr[:, :, ::-1])

    def size(self, data: bytes) -> Size:
        """Return the size that the header gives; `CheckError` if any field is not as it should be."""
        if len(data) < HEADER.size or not data.startswith(b"BM"):
            raise CheckError("is no BMP")
        fields = HEADER.unpack_from(data)
        size = Size(fields[6], fields[7])
        if size.area == 0 or fields != self._fields(size):
            raise CheckError("is a damaged BMP, or not one of 24 bits without compression")
        return size

    def _fields(self, size: Size) -> tuple[bytes | int, ...]:
        """Return the file header, 14 bytes, and BITMAPINFOHEADER, 40 bytes, of a picture of ``size``."""
        weight, start = _stride(size.width) * size.height, HEADER.size
        file = (b"BM", start + weight, 0, 0, start)
        return (*file, 40, size.width, size.height, 1, 24, 0, weight, self._density, self._density, 0, 0)


def _stride(width: int) -> int:
    """Return the bytes of a row: a multiple of 4."""
    return -(-3 * width // 4) * 4
