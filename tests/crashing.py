"""A reader whose library crashes; in other processes than the tests' own alone."""

from __future__ import annotations

import multiprocessing
import os
import signal
from pathlib import Path

import numpy as np

from tileframe import Access, BaseSource, Box, Fit, ReaderPlugin, Rgb, Size, SlideFacts, hookimpl
from tileframe.pixels import Pixels

SIZE = Size(700, 500)
# Not of `tileframe.testing`, which would load pytest into each process that reads.
PIXELS: Pixels = (np.indices((500, 700, 3)) * [[[[3]]], [[[7]]], [[[5]]]]).sum(axis=0).astype(np.uint8)
AT = Box(128, 64, 64, 64)
"""The tile of the slide at which it crashes."""
FILES = {"opens.crash": "when it is opened", "reads.crash": "when it is read", "strange.crash": "an error of no kind"}


def crash() -> None:
    assert multiprocessing.parent_process() is not None, "not in the tests' own process"
    os.kill(os.getpid(), signal.SIGSEGV)


class CrashingSource(BaseSource):
    def __init__(self, path: Path) -> None:
        super().__init__(SlideFacts("crashing", SIZE, Access.REGIONS, tile_size=Size(64, 64)))
        self._path = path

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        if self._path.name == "strange.crash":
            raise ZeroDivisionError("by nothing")
        if self._path.name == "reads.crash" and box.clipped(AT).has_area:
            crash()
        return np.array(PIXELS[box.y : box.bottom, box.x : box.right])


class CrashingReader:
    def open(self, path: Path, *, background: Rgb | None = None) -> CrashingSource:
        if path.name == "opens.crash":
            crash()
        return CrashingSource(path)


def guess(path: Path, head: bytes) -> Fit:
    return Fit.NATIVE if path.suffix == ".crash" else Fit.NONE


@hookimpl
def tileframe_readers() -> list[ReaderPlugin]:
    return [ReaderPlugin("crashing", "crashes", CrashingReader, guess)]
