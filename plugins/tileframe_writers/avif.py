"""AVIF tiles: 4:2:0 below quality 90, 4:4:4 from there on, lossless at quality 100."""

from __future__ import annotations

import imagecodecs

from tileframe import CheckError, Encoding, Size
from tileframe.pixels import Pixels
from tileframe_writers.boxes import boxes
from tileframe_writers.decoding import rgb8
from tileframe_writers.options import AvifOptions

KIND = "an AVIF"
FULL_BOX = 4
"""Bytes of version and flags at the beginning of some boxes."""
FOREIGN = {
    b"auxC": "an alpha plane or another further picture",
    b"irot": "a rotation, which decoders heed or not",
    b"imir": "a reflection, which decoders heed or not",
    b"clap": "a crop, which decoders heed or not",
}
"""Properties that no tile has."""


class AvifWriter:
    """Encodes without the GIL, in the calling thread, and decodes as strictly as the format allows.

    AVIF has no checksum: a flipped bit mostly decodes to other pixels, which only a digest can tell.
    """

    def __init__(self, options: AvifOptions) -> None:
        quality = options.quality
        self.encoding = Encoding("avif", "avif", quality == 100, quality, "420" if quality < 90 else "444")
        self._speed = options.speed

    def encode(self, pixels: Pixels) -> bytes:
        """Return ``pixels``, RGB8 ``(height, width, 3)``, as an AVIF."""
        encoded = imagecodecs.avif_encode(
            pixels.copy(),  # the encoder takes no strides
            level=self.encoding.quality,  # at 100 it keeps RGB as it is
            speed=self._speed,
            pixelformat=self.encoding.subsampling,
            numthreads=1,
        )
        return bytes(encoded)

    def decode(self, data: bytes) -> Pixels:
        """Return the pixels; `CheckError` for what is cut, goes on behind its end, is damaged, or no opaque AVIF."""
        for name, _ in _properties(data):
            if name in FOREIGN:
                raise CheckError(f"is {KIND} with {FOREIGN[name]}")
        return rgb8(lambda: imagecodecs.avif_decode(data, numthreads=1), self.size(data), KIND)

    def size(self, data: bytes) -> Size:
        """Return the size that the header gives; `CheckError` without one, or with those of several pictures."""
        sizes = [content[FULL_BOX:] for name, content in _properties(data) if name == b"ispe"]
        if len(sizes) != 1 or len(sizes[0]) != 8:
            raise CheckError(f"is {KIND} of {len(sizes)} pictures, not one")
        return Size(int.from_bytes(sizes[0][:4], "big"), int.from_bytes(sizes[0][4:], "big"))


def _properties(data: bytes) -> list[tuple[bytes, bytes]]:
    """Return the name and the content of every property of the pictures in an AVIF; `CheckError` if it is none."""
    if data[4:12] != b"ftypavif":
        raise CheckError("is no AVIF, or an animated one")
    try:
        inside = dict(boxes(dict(boxes(data, KIND))[b"meta"][FULL_BOX:], KIND))
        return list(boxes(dict(boxes(inside[b"iprp"], KIND))[b"ipco"], KIND))
    except KeyError as error:
        raise CheckError(f"is {KIND} without a box that it must have ({error})") from error
