"""What a cluster of Dask costs beside threads: processor time of all processes, with workers that are warm.

``python benchmarks/cluster.py [--input SLIDE] [--scale S] [--workers N ...] [--rounds N] [--into szi]``

In each round, threads and a cluster of processes here make the same pyramid, one after the other; a time counts once
the digests of all tiles are the same. The cluster lives on from round to round, and a small part of the slide warms it.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import tileframe
from benchmarks.turns import outputs_in
from tileframe import Report
from tileframe_bench.baselines import OVERLAP, TILE_SIZE
from tileframe_bench.environment import refuse_too_little_room
from tileframe_bench.processes import in_own_process
from tileframe_bench.records import Spread
from tileframe_bench.text import aligned
from tileframe_bench.workloads import WORKLOADS, scaled

CLUSTER = {"executor": "dask"}


def made(slide: Path, target: Path, workers: int, **how: Any) -> tuple[Report, str]:
    """Make the pyramid; return what it took, and the digest of the digests of its tiles."""
    report = tileframe.run(slide, target, workers=workers, tile_size=TILE_SIZE, overlap=OVERLAP, **how)
    with tileframe.open_pyramid(target) as pyramid:
        assert pyramid.manifest is not None
        return report, pyramid.manifest.tiles.digests_sha256


def compared(slide: Path, folder: Path, workers: int, rounds: int, suffix: str) -> tuple[str, ...]:
    """Return a row of the table."""
    made(slide, folder / "warm" / f"a.{suffix}", workers, region=(0, 0, 2100, 2100), **CLUSTER)
    pairs = []
    for number in range(rounds):
        threads, wanted = made(slide, folder / f"threads-{number}" / f"a.{suffix}", workers)
        cluster, found = made(slide, folder / f"cluster-{number}" / f"a.{suffix}", workers, **CLUSTER)
        assert found == wanted, f"the tiles of round {number} differ"
        if not number:
            refuse_too_little_room(folder, rounds - 1)
        pairs.append((threads, cluster))
    cpu = [[one.cpu_seconds for one in side] for side in zip(*pairs, strict=True)]
    times = Spread.of([cluster.seconds / threads.seconds for threads, cluster in pairs])
    ratio = Spread.of([cluster / threads for threads, cluster in zip(*cpu, strict=True)])
    return f"{workers}", *(f"{Spread.of(side)}" for side in cpu), f"{ratio}", f"{times}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what a cluster of Dask costs beside threads.")
    parser.add_argument("--input", type=Path, metavar="SLIDE", help="instead of the Aperio-like slide of benchmarks")
    parser.add_argument("--scale", type=float, default=1.0, help="both sides of that slide times this")
    parser.add_argument("--workers", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--into", choices=["dzi", "szi"], default="dzi")
    parser.add_argument("--scratch", type=Path, metavar="DIR", help="where the outputs go; default: temporary files")
    given = parser.parse_args()
    slide = given.input or in_own_process(scaled(WORKLOADS["svs"], given.scale).make)
    rows: list[tuple[str, ...]] = [("workers", "threads CPU s", "dask CPU s", "CPU", "time")]
    with outputs_in(given.scratch) as folder:
        for workers in given.workers:
            own = folder / f"{workers}"
            own.mkdir()
            rows.append(compared(slide, own, workers, given.rounds, given.into))
            print(*aligned([rows[0], rows[-1]]), sep="\n", flush=True)


if __name__ == "__main__":
    main()
