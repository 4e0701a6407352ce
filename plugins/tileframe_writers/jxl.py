"""JPEG XL tiles, lossy or lossless: bare codestreams, without a container."""

from __future__ import annotations

import imagecodecs

from tileframe import CheckError, Encoding, OptionError, Size
from tileframe.pixels import Pixels
from tileframe_writers.boxes import boxes
from tileframe_writers.decoding import rgb8
from tileframe_writers.options import JxlOptions

KIND = "a JPEG XL"
QUALITY = 75
"""Unless another is given."""
START = b"\xff\x0a"
CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n"
RATIOS = ((1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
"""Of width to height, which a header may have in place of a width."""


class JxlWriter:
    """Encodes without the GIL, in the calling thread, and decodes strictly.

    Nearly all damage is found: the entropy decoder must end in a known state.
    """

    def __init__(self, options: JxlOptions) -> None:
        given = [f"{name}={value}" for name in ("quality", "distance") if (value := getattr(options, name)) is not None]
        given += ["lossless"] * options.lossless
        if len(given) > 1:
            raise OptionError(f"jxl tiles take one of quality, distance and lossless, not {' and '.join(given)}")
        lossless = options.lossless or options.quality == 100 or options.distance == 0
        quality = None if lossless or options.distance is not None else options.quality or QUALITY
        self.encoding = Encoding("jxl", "jxl", lossless, quality)
        self._distance = None if lossless else options.distance
        self._effort = options.effort

    def encode(self, pixels: Pixels) -> bytes:
        """Return ``pixels``, RGB8 ``(height, width, 3)``, as a JPEG XL."""
        encoded = imagecodecs.jpegxl_encode(
            pixels.copy(),  # the encoder takes no strides
            level=self.encoding.quality,
            distance=self._distance,
            lossless=self.encoding.lossless,
            effort=self._effort,
            numthreads=1,
        )
        return bytes(encoded)

    def decode(self, data: bytes) -> Pixels:
        """Return the pixels; `CheckError` for what is cut, goes on behind its end, is damaged, or no opaque JPEG XL."""
        stream = _codestream(data)
        pixels = rgb8(lambda: imagecodecs.jpegxl_decode(stream, numthreads=1), self.size(data), KIND)
        # A header gives no length, and the decoder passes over what follows: nothing does if no byte can be spared.
        try:
            imagecodecs.jpegxl_decode(stream[:-1], numthreads=1)
        except imagecodecs.JpegxlError:
            return pixels
        raise CheckError(f"is {KIND} with bytes behind its end")

    def size(self, data: bytes) -> Size:
        """Return the size that the header gives; `CheckError` without one."""
        stream = _codestream(data)
        if len(stream) < 12:
            raise CheckError(f"is {KIND} that is cut")
        header = Bits(stream[len(START) : 12])
        if header.take(1):  # both sides are multiples of 8, up to 256
            height = 8 * (header.take(5) + 1)
            ratio = header.take(3)
            width = 0 if ratio else 8 * (header.take(5) + 1)
        else:
            height = header.side()
            ratio = header.take(3)
            width = 0 if ratio else header.side()
        if ratio:
            across, down = RATIOS[ratio - 1]
            width = height * across // down
        return Size(width, height)


class Bits:
    """A header's bits, the lowest first."""

    def __init__(self, data: bytes) -> None:
        self._left = int.from_bytes(data, "little")

    def take(self, count: int) -> int:
        """Return the next ``count`` bits as a number."""
        number = self._left & (1 << count) - 1
        self._left >>= count
        return number

    def side(self) -> int:
        """Return a width or height: two bits say in how many it is."""
        return self.take((9, 13, 18, 30)[self.take(2)]) + 1


def _codestream(data: bytes) -> bytes:
    """Return the picture of ``data``, taken out of its container if it is in one."""
    if data.startswith(START):
        return data
    if not data.startswith(CONTAINER):
        raise CheckError("is no JPEG XL")
    found = list(boxes(data, KIND))
    parts = [content for name, content in found if name == b"jxlc"]
    parts += [content[4:] for name, content in found if name == b"jxlp"]  # behind the part's number
    return b"".join(parts)
