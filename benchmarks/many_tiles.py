"""Does memory grow with the number of tiles? A synthetic slide, tiles of 16 pixels, each run in a process of its own.

``python benchmarks/many_tiles.py [--tiles N ...] [--container szi|zip|] [--scratch FOLDER]``

Its tiles are kept as their sizes alone, so that nothing but tileframe takes memory and time.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from pathlib import Path

import numpy as np

import tileframe
from tests.streamed import Slide
from tileframe import Access
from tileframe_bench.processes import in_own_process

SIDE = 16


def one_run(tiles: int, container: str, folder: Path) -> str:
    """Make a pyramid of about so many tiles, and return what it took as a row of the table."""
    side = SIDE * math.isqrt(tiles * 3 // 4)
    slide = Slide(folder, np.broadcast_to(np.uint8(200), (side, side, 3)), Access.REGIONS)
    target = folder / f"{tiles}{f'.{container}' if container else ''}"
    how = {"tile_size": SIDE, "overlap": 0, "format": "blank", "backend": "stream", "reader": "streamed"}
    report = tileframe.run(slide.path, target, registry=slide.registry, **how)  # type: ignore[arg-type]
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
