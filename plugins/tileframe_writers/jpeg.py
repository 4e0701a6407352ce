"""JPEG tiles: baseline, ISLOW DCT, standard tables, 4:2:0 below quality 90 and 4:4:4 from there on."""

from __future__ import annotations

import sys

from tileframe import CheckError, Encoding, Pixels, Size
from tileframe_damage.jpeg import jpeg_size
from tileframe_writers.profiles import JFIF_MARKER, JPEG_START, in_jpeg

SOS = b"\xff\xda"
"""Begins the header of the first scan, the last of all headers."""


class JpegWriter:
    """Encodes without the GIL, byte for byte as dzsave does, or Pillow but for the JFIF header; decodes strictly."""

    def __init__(self, quality: int, *, suffix: str) -> None:
        self.encoding = Encoding("jpeg", suffix, False, quality, "420" if quality < 90 else "444")
        self._seen = (b"", Size(0, 0))

    def encode(self, pixels: Pixels) -> bytes:
        """Return ``pixels``, RGB8 ``(height, width, 3)``, as a JPEG."""
        import imagecodecs  # here, for where libvips encodes the tiles it is not needed

        if pixels.strides[1:] != (3, 1):
            # The encoder takes strips of a larger array, but no transposed one. A copy, for numpy takes the single
            # pixel of a strided array for contiguous, and the encoder does not.
            pixels = pixels.copy()
        encoded = imagecodecs.jpeg8_encode(
            pixels,
            level=self.encoding.quality,
            colorspace="RGB",
            outcolorspace="YCBCR",
            subsampling=self.encoding.subsampling,
        )
        # Without the 18 bytes of JFIF, which say nothing of a tile: dzsave writes none, and so all bytes are alike.
        return JPEG_START + encoded[20 if encoded[2:4] == JFIF_MARKER else 2 :]

    def decode(self, data: bytes) -> Pixels:
        """Return the pixels; `CheckError` for what is cut, damaged, or no JPEG."""
        import simplejpeg

        try:
            # imagecodecs and libvips say nothing about damage; this decoder does, and gives the same pixels.
            pixels: Pixels = simplejpeg.decode_jpeg(data, colorspace="RGB", strict=True)
        except ValueError as error:
            raise CheckError(f"is a damaged JPEG, or none ({error})") from error
        return pixels

    def refuse_damaged(self, data: bytes) -> None:
        """Raise `CheckError` as `decode` does; by libvips where that alone is loaded, which spares numpy and a decoder.

        Of bytes that are left over behind the last row, which `decode` refuses, libvips says nothing.
        """
        pyvips = sys.modules.get("pyvips")
        if pyvips is None or "simplejpeg" in sys.modules:
            self.decode(data)
            return
        from tileframe_damage.warnings import Warnings

        shrink = 8 if min(jpeg_size(data) or (0,)) >= 16 else 1
        try:
            # At an eighth all data are looked at, and few pixels are made; by a region, for a whole starts threads.
            image = pyvips.Image.jpegload_buffer(data, fail_on="warning", access="sequential", shrink=shrink)
            region, width, height = pyvips.Region.new(image), image.width, image.height
            warnings = Warnings()
            region.fetch(0, 0, width, height)
            is_suspect = warnings.may_be_of_damage()  # of the last rows: of others, libvips fails at those behind
        except pyvips.Error:
            is_suspect = True
        if is_suspect:
            self.decode(data)

    def with_profile(self, data: bytes, profile: bytes) -> bytes:
        """Return the tile ``data`` with the colour profile in it; `CheckError` if it is no tile."""
        return in_jpeg(data, profile)

    def size(self, data: bytes) -> Size:
        """Return the size that the header gives; `CheckError` without one."""
        # Nearly all tiles begin with the very same header: it need not be parsed again.
        header, known = self._seen
        if header and data.startswith(header):
            return known
        size = jpeg_size(data)
        if size is None:
            raise CheckError("is a damaged JPEG, or none; its header gives no size")
        header = data[: data.find(SOS)]
        if jpeg_size(header) == size:  # those bytes may be a part of a table: then the size is behind them
            self._seen = (header, Size(*size))
        return Size(*size)
