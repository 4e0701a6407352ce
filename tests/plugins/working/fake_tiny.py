"""A stranger's plugin, whole: a picture format and a tile format of its own.

A `.tiny` picture is the line ``WIDTH HEIGHT``, and every pixel of it is grey by its distance from the corner.
A tile is its size and its bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tileframe import (
    Access,
    Box,
    CheckError,
    Encoding,
    Fit,
    ReaderPlugin,
    Rgb,
    Size,
    SlideFacts,
    UnsupportedInput,
    WriterPlugin,
    hookimpl,
)
from tileframe.pixels import Pixels


class TinySource:
    def __init__(self, size: Size) -> None:
        self.facts = SlideFacts("tiny", size, Access.REGIONS)

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        import numpy as np

        from tileframe.pixels import to_rgb8

        distance = np.add.outer(np.arange(box.y, box.bottom), np.arange(box.x, box.right))
        return to_rgb8((distance % 256).astype(np.uint8))

    def associated(self, name: str) -> Pixels:
        raise KeyError(name)

    def close(self) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        pass


class TinyReader:
    def open(self, path: Path, *, background: Rgb | None = None) -> TinySource:
        try:
            width, height = path.read_text().split()
            return TinySource(Size(int(width), int(height)))
        except ValueError as error:
            raise UnsupportedInput("is not WIDTH HEIGHT") from error


class TinyWriter:
    encoding = Encoding("tiny", "tiny", lossless=True)

    def encode(self, pixels: Pixels) -> bytes:
        height, width, _ = pixels.shape
        return struct.pack(">II", width, height) + pixels.tobytes()

    def decode(self, data: bytes) -> Pixels:
        import numpy as np

        size = self.size(data)
        if len(data) != 8 + 3 * size.area:
            raise CheckError("is a cut tiny tile")
        return np.frombuffer(data[8:], np.uint8).reshape(size.height, size.width, 3)

    def size(self, data: bytes) -> Size:
        return Size(*struct.unpack_from(">II", data))


@hookimpl
def tileframe_readers() -> Sequence[ReaderPlugin]:
    def guess(path: Path, head: bytes) -> Fit:
        return Fit.NATIVE if path.suffix == ".tiny" else Fit.NONE

    return [ReaderPlugin("tiny", "pictures that are a formula", TinyReader, guess)]


@hookimpl
def tileframe_writers() -> Sequence[WriterPlugin]:
    return [WriterPlugin("tiny", "tiles as they are in memory", TinyWriter)]
