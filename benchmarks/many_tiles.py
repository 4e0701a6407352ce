"""Does memory grow with the number of tiles? A synthetic slide, tiles of 16 pixels, each run in a process of its own.

``python benchmarks/many_tiles.py [--tiles N ...] [--container szi|zip|] [--scratch FOLDER]``
"""

from __future__ import annotations

import argparse
import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import tileframe
from tileframe import Access, BaseSource, Box, Encoding, Fit, ReaderPlugin, Size, SlideFacts, WriterPlugin, hookimpl
from tileframe import registry as registry_module
from tileframe.pixels import Pixels
from tileframe_bench.processes import in_own_process

SIDE = 16


class Flat(BaseSource):
    """A slide of one colour, as wide and high as its file says."""

    def __init__(self, path: Path) -> None:
        side = int(path.read_text())
        super().__init__(SlideFacts("flat", Size(side, side), Access.REGIONS))

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        return np.full((box.height, box.width, 3), 200, np.uint8)


class FlatReader:
    def open(self, path: Path, *, background: object = None) -> Flat:
        return Flat(path)


class SizeWriter:
    """A tile format that keeps a tile's size alone, so that nothing but tileframe takes memory and time."""

    encoding = Encoding("size", "size", lossless=False)

    def encode(self, pixels: Pixels) -> bytes:
        return bytes(pixels.shape[1::-1])

    def decode(self, data: bytes) -> Pixels:
        return np.full((data[1], data[0], 3), 200, np.uint8)

    def size(self, data: bytes) -> Size:
        return Size(*data)


class Plugin:
    """Offers both."""

    @hookimpl
    def tileframe_readers(self) -> list[ReaderPlugin]:
        return [ReaderPlugin("flat", "one colour", FlatReader, lambda path, head: Fit.NATIVE)]

    @hookimpl
    def tileframe_writers(self) -> list[WriterPlugin]:
        return [WriterPlugin("size", "the size alone", SizeWriter)]


def one_run(tiles: int, container: str, folder: Path) -> str:
    """Make a pyramid of about so many tiles, and return what it took as a row of the table."""
    slide, target = folder / f"{tiles}.flat", folder / f"{tiles}{f'.{container}' if container else ''}"
    slide.write_text(str(SIDE * math.isqrt(tiles * 3 // 4)))
    registry = registry_module.load([Plugin()])
    how: dict[str, Any] = {"format": "size", "backend": "stream", "reader": "flat", "tile_size": SIDE, "overlap": 0}
    report = tileframe.run(slide, target, registry=registry, **how)
    rate = report.seconds / report.tiles * 1e6
    return f"{report.tiles:>10,}  {report.peak_memory / 1e6:>7.0f}  {report.seconds:>8.1f}  {rate:>7.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the memory of runs with many tiles.")
    parser.add_argument("--tiles", type=int, nargs="+", default=[20_000, 200_000, 2_000_000])
    parser.add_argument("--container", default="szi", help="szi, zip, or empty for a folder")
    parser.add_argument("--scratch", type=Path)
    given = parser.parse_args()
    print(f"{'tiles':>10}  {'peak MB':>7}  {'seconds':>8}  {'us/tile':>7}   into {given.container or 'a folder'}")
    with tempfile.TemporaryDirectory(dir=given.scratch) as folder:
        for tiles in given.tiles:
            print(in_own_process(one_run, tiles, given.container, Path(folder)), flush=True)


if __name__ == "__main__":
    main()
