"""The work that a pyramid cannot do without, alone, stage by stage, in one thread.

``python benchmarks/stages.py FILE OUT [--reader NAME] [--passthrough] [--json]`` goes once through all of the data
with the reader's own decoding, tileframe's 2x2 mean, the writer's encoder and a plain write of each file, adds up the
processor time of every stage, and keeps everything else out of the sums. Nothing is scaled up from a sample.
One thread that has the machine to itself is faster than each of several: the limit is, if anything, too low.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice, product
from pathlib import Path

import numpy as np

from benchmarks.limits import Stages
from tileframe import Access, Box, ColourMode, Job, Location, Spec, TileAddress, machine, open_job, plan
from tileframe.pixels import Pixels
from tileframe.records import Passthrough
from tileframe_bench.baselines import OVERLAP, QUALITY, TILE_SIZE
from tileframe_stream.halving import halve, no_threads_of_opencv
from tileframe_stream.memory import keep_freed_memory

# As the backend `stream` reads: in pieces that stay in the processor's cache, or in squares.
ROWS_BYTES = 200_000
SQUARE = 2048


def measure(slide: Path, folder: Path, *, reader: str | None = None, passthrough: bool = False) -> Stages:
    """Do the work on ``slide``, with its tiles written below ``folder``, and return what it took.

    The job is that of every competitor; with ``passthrough``, on the grid of the slide's own tiles.
    """
    keep_freed_memory()
    spec = Spec(
        slide,
        Location("file", str(folder), "pyramid"),
        reader=reader,
        backend="stream",
        format_options={"quality": QUALITY},
        tile_size=None if passthrough else TILE_SIZE,
        overlap=OVERLAP,
        passthrough=Passthrough.ALWAYS if passthrough else Passthrough.NEVER,
        limit_bounds=False,
        color=ColourMode.KEEP,
    )
    job = open_job(plan(spec))
    stages = Stages(job.source.facts.access is Access.ROWS, machine.available_cores())
    with job.source, no_threads_of_opencv():
        bands = _base(job, stages)
        for level in range(job.pyramid.base_level, -1, -1):
            bands = _halved(job, stages, _written(job, stages, level, bands, folder / f"{level}"))
        for _ in bands:
            pass
    return stages


def _base(job: Job, stages: Stages) -> Iterator[Pixels]:
    """Yield the base, a row of tiles at a time."""
    size, side = job.pyramid.base, job.pyramid.tile_size
    rows = side if stages.in_order else side * max(1, SQUARE // side)
    high, wide = (max(1, ROWS_BYTES // (3 * size.width)), size.width) if stages.in_order else (rows, rows)
    for top in range(0, size.height, rows):
        strip = np.empty((min(rows, size.height - top), size.width, 3), np.uint8)
        for y in range(0, len(strip), high):
            for x in range(0, size.width, wide):
                box = Box(x, top + y, min(wide, size.width - x), min(high, len(strip) - y))
                with stages.timed("decode"):
                    pixels = job.source.read(box)
                strip[y : y + box.height, x : box.right] = pixels
        yield from (strip[y : y + side] for y in range(0, len(strip), side))


def _written(job: Job, stages: Stages, level: int, bands: Iterator[Pixels], folder: Path) -> Iterator[Pixels]:
    """Write the tiles of each row, and pass it on."""
    side = job.pyramid.tile_size
    folder.mkdir()
    for row, band in enumerate(bands):
        for col in range(job.pyramid.grid(level).width):
            with stages.timed("encode"):
                # With pass-through, what is copied counts as encoded.
                own = job.own_tile(TileAddress(level, col, row))
                encoded = own or job.writer.encode(band[:, col * side : (col + 1) * side])
            with stages.timed("write"), open(f"{folder}/{col}_{row}.jpeg", "wb", buffering=0) as file:
                file.write(encoded)
        yield band


def _halved(job: Job, stages: Stages, bands: Iterator[Pixels]) -> Iterator[Pixels]:
    """Yield the rows of tiles of the next lower level, each from two."""
    side = job.pyramid.tile_size
    while pair := list(islice(bands, 2)):
        both = np.concatenate(pair)
        height, width = both.shape[:2]
        above = np.empty(((height + 1) // 2, (width + 1) // 2, 3), np.uint8)
        # Two tiles at a time, as the backend does it: small pieces stay in the processor's cache.
        for y, x in product(range(0, height, side), range(0, width, 2 * side)):
            with stages.timed("halve"):
                halve(both[y : y + side, x : x + 2 * side], above[y // 2 : (y + side) // 2, x // 2 : x // 2 + side])
        yield above


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the work that a pyramid cannot do without.")
    parser.add_argument("slide", type=Path, metavar="FILE")
    parser.add_argument("folder", type=Path, metavar="OUT", help="a new folder, for the tiles")
    parser.add_argument("--reader", metavar="NAME", help="default: the best one that can")
    parser.add_argument("--passthrough", action="store_true", help="the base keeps the slide's own tiles")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    given = parser.parse_args()
    given.folder.mkdir()
    stages = measure(given.slide, given.folder, reader=given.reader, passthrough=given.passthrough)
    print(json.dumps(asdict(stages)) if given.json else stages)


if __name__ == "__main__":
    main()
