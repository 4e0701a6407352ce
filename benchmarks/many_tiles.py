"""Does memory grow with the number of tiles? A synthetic slide, tiles of 16 pixels, each run in a process of its own.

``python benchmarks/many_tiles.py [--tiles N ...] [--container szi|zip|] [--scratch FOLDER]``
"""

from __future__ import annotations

import argparse
import math
import struct
import tempfile
from pathlib import Path

import numpy as np

from tileframe import (
    Access,
    BaseSource,
    Box,
    Encoding,
    Fit,
    ReaderPlugin,
    Size,
    SlideFacts,
    WriterPlugin,
    hookimpl,
    run,
)
from tileframe import registry as registry_module
from tileframe.pixels import Pixels
from tileframe_bench.processes import in_own_process

SIDE = 16
HEADER = struct.Struct(">II")


class FlatSource(BaseSource):
    """A slide of one colour, of any size."""

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        """Return the box."""
        return np.full((box.height, box.width, 3), 200, np.uint8)


class FlatSlide:
    """A reader of flat slides as wide as their file says."""

    def open(self, path: Path, *, background: object = None) -> FlatSource:
        side = int(path.read_text())
        return FlatSource(SlideFacts("flat", Size(side, side), Access.REGIONS))


class SizeWriter:
    """A tile format that keeps a tile's size alone, so that nothing but tileframe takes memory and time."""

    encoding = Encoding("size", "size", lossless=False)

    def encode(self, pixels: Pixels) -> bytes:
        return HEADER.pack(pixels.shape[1], pixels.shape[0])

    def decode(self, data: bytes) -> Pixels:
        size = self.size(data)
        return np.full((size.height, size.width, 3), 200, np.uint8)

    def size(self, data: bytes) -> Size:
        return Size(*HEADER.unpack_from(data))


class Plugin:
    """Offers both."""

    @hookimpl
    def tileframe_readers(self) -> list[ReaderPlugin]:
        return [ReaderPlugin("flat", "one colour", FlatSlide, lambda path, head: Fit.NATIVE)]

    @hookimpl
    def tileframe_writers(self) -> list[WriterPlugin]:
        return [WriterPlugin("size", "the size alone", SizeWriter)]


def one_run(tiles: int, container: str, folder: Path) -> str:
    """Make a pyramid of about so many tiles, and return what it took as a row of the table."""
    slide = folder / f"{tiles}.flat"
    slide.write_text(str(SIDE * math.isqrt(tiles * 3 // 4)))
    target = folder / f"{tiles}{f'.{container}' if container else ''}"
    options = {"tile_size": SIDE, "overlap": 0, "format": "size", "backend": "stream", "reader": "flat"}
    report = run(slide, target, registry=registry_module.load([Plugin()]), **options)  # type: ignore[arg-type]
    rate = report.seconds / report.tiles * 1e6
    return f"{report.tiles:>10,}  {report.peak_memory / 1e6:>7.0f}  {report.seconds:>8.1f}  {rate:>7.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
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
