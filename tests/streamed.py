"""A slide of known pixels, given in rows or in regions, a tile format that costs nothing, and faults in both."""

from __future__ import annotations

import itertools
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tileframe import (
    Access,
    BaseSource,
    Box,
    Encoding,
    Fit,
    ReaderPlugin,
    Report,
    Size,
    SlideFacts,
    WriterPlugin,
    hookimpl,
    run,
)
from tileframe import registry as registry_module
from tileframe.pixels import Pixels
from tileframe.registry import Registry

HEADER = struct.Struct(">II")
Fault = Callable[[int], None]


def encoded(pixels: Pixels) -> bytes:
    """A tile of the format `raw`."""
    return HEADER.pack(pixels.shape[1], pixels.shape[0]) + pixels.tobytes()


def no_fault(number: int) -> None:
    """Nothing happens."""


class RawWriter:
    """Its tiles are the samples; ``fault`` is told the number of each tile before it is made."""

    encoding = Encoding("raw", "raw", lossless=True)

    def __init__(self, fault: Fault = no_fault) -> None:
        self.fault, self._numbers = fault, itertools.count()

    def encode(self, pixels: Pixels) -> bytes:
        self.fault(next(self._numbers))
        return encoded(pixels)

    def decode(self, data: bytes) -> Pixels:
        size = self.size(data)
        return np.frombuffer(data, np.uint8, offset=HEADER.size).reshape(size.height, size.width, 3).copy()

    def size(self, data: bytes) -> Size:
        return Size(*HEADER.unpack_from(data))


class BlankWriter(RawWriter):
    """Keeps a tile's size alone: for what is to cost no memory."""

    encoding = Encoding("blank", "blank", lossless=True)

    def encode(self, pixels: Pixels) -> bytes:
        return HEADER.pack(pixels.shape[1], pixels.shape[0])

    def decode(self, data: bytes) -> Pixels:
        size = self.size(data)
        return np.zeros((size.height, size.width, 3), np.uint8)


class Slide:
    """A reader, the slide that it opens anything as, and the tile formats `raw` and `blank`."""

    def __init__(
        self, folder: Path, pixels: Pixels, access: Access, *, bounds: Box | None = None, fault: Fault = no_fault
    ) -> None:
        self.pixels, self.folder, self.fault = pixels, folder, fault
        height, width = pixels.shape[:2]
        self.facts = SlideFacts("streamed", Size(width, height), access, bounds=bounds)
        self.writer = RawWriter()
        self.boxes: list[Box] = []
        self.path = folder / "slide.streamed"
        self.path.write_text("This slide lives in memory.")
        self.lock = threading.Lock()

    @property
    def registry(self) -> Registry:
        return registry_module.load([self])

    def run(self, name: str, **options: Any) -> Report:
        """Make its pyramid with `stream`, in raw tiles."""
        how = {"format": "raw", "backend": "stream", "reader": "streamed", "registry": self.registry, **options}
        return run(self.path, self.folder / name / "a", **how)

    def open(self, path: Path, *, background: object = None) -> StreamedSource:
        return StreamedSource(self)

    def _guess(self, path: Path, head: bytes) -> Fit:
        return Fit.NATIVE if path == self.path else Fit.NONE

    @hookimpl
    def tileframe_readers(self) -> list[ReaderPlugin]:
        return [ReaderPlugin("streamed", "in tests", lambda: self, self._guess)]

    @hookimpl
    def tileframe_writers(self) -> list[WriterPlugin]:
        return [
            WriterPlugin("raw", "in tests", lambda: self.writer),
            WriterPlugin("blank", "in tests", BlankWriter),
        ]


class StreamedSource(BaseSource):
    """The open slide, which is read as its access says, or the test fails."""

    def __init__(self, slide: Slide) -> None:
        super().__init__(slide.facts)
        self._slide = slide
        self._next_row = 0

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        size = self.facts.size
        assert box.size.area, f"{box} is empty"
        assert box == box.clipped(Box(0, 0, size.width, size.height)), f"{box} leaves the slide"
        with self._slide.lock:
            number = len(self._slide.boxes)
            self._slide.boxes.append(box)
            if self.facts.access is Access.ROWS:
                assert (box.x, box.y, box.width) == (0, self._next_row, size.width), f"{box} is out of order"
                self._next_row = box.bottom
        self._slide.fault(number)
        return self._slide.pixels[box.y : box.bottom, box.x : box.right].copy()


def threads_of_ours() -> Iterator[str]:
    """Names of threads that a run has left behind; those of a bucket may wait for the server of another test."""
    names = (thread.name for thread in threading.enumerate())
    return (name for name in names if name.startswith("tileframe") and name != "tileframe-put")
