"""What more workers cost and save, as threads and as processes, and what a machine of 8 to 64 cores would make of it.

``python benchmarks/cores.py [--input SLIDE] [--scale S] [--passthrough] [--workers N ...] [--into szi]``

Threads and processes make the same pyramid with so many workers, and a time counts once the digests of all tiles are
the same. From the processor time of a run, less that of a run of one block, come the costs of a tile by which
`tileframe_executors.choice` decides; the part with the GIL is measured by `benchmarks/gil.py`. The model is
that of the rule itself; it is set beside what was measured, whose times tell little where others use the machine.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tileframe
from tileframe_bench.baselines import TILE_SIZE
from tileframe_bench.processes import in_own_process
from tileframe_bench.text import aligned
from tileframe_bench.workloads import TILE, WORKLOADS, scaled
from tileframe_executors.choice import PASSED, SLIDE, Costs

BLOCK = (0, 0, 1920, 1920)
"""A block, and no more, of tiles of 240 and of 256."""
CORES = (1, 2, 4, 8, 16, 32, 64)
TILES = (16_000, 200_000, 1_000_000)
"""Of slides of 0.8, 10 and 50 GP."""


@dataclass(frozen=True)
class Taken:
    """What a run took: seconds, and processor seconds of this process, of its main thread, and of its children."""

    tiles: int
    seconds: float
    own: float
    main: float
    others: float
    digest: str

    @classmethod
    def by(cls, slide: Path, target: Path, **how: Any) -> Taken:
        """Make the pyramid."""
        own, main, others = time.process_time(), time.thread_time(), children()
        report = tileframe.run(slide, target, overlap=0, **how)
        own, main, others = time.process_time() - own, time.thread_time() - main, children() - others
        with tileframe.open_pyramid(target) as pyramid:
            assert pyramid.manifest is not None
            return cls(report.tiles, report.seconds, own, main, others, pyramid.manifest.tiles.digests_sha256)

    def per_tile(self, what: str, one: Taken) -> float:
        """Return the microseconds that a tile takes of ``what``; ``one`` is a run of one block."""
        spent = getattr(self, what) - getattr(one, what)
        return float(1e6 * spent / (self.tiles - one.tiles))


def children() -> float:
    """Return the processor seconds of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def row(slide: Path, folder: Path, suffix: str, workers: int, costs: Costs, how: dict[str, Any]) -> tuple[str, ...]:
    """Return what was measured with so many workers, beside the model."""
    made: dict[str, tuple[Taken, Taken]] = {}
    for executor in ("threads", "processes"):
        own = how | {"workers": workers, "executor": executor}
        Taken.by(slide, folder / f"{executor}-{workers}" / f"warm.{suffix}", region=BLOCK, **own)
        one = Taken.by(slide, folder / f"{executor}-{workers}" / f"one.{suffix}", region=BLOCK, **own)
        made[executor] = one, Taken.by(slide, folder / f"{executor}-{workers}" / f"all.{suffix}", **own)
    (one, threads), (other, processes) = made["threads"], made["processes"]
    assert threads.digest == processes.digest, f"the tiles by {workers} workers differ"
    # Each process but the first opens the slide as the one of a single block did.
    work = processes.others - workers * other.others
    return (
        f"{workers}",
        f"{threads.per_tile('own', one) - threads.per_tile('main', one):.0f}",
        f"{1e6 * work / processes.tiles:.0f}",
        f"{threads.per_tile('main', one):.0f}",
        f"{processes.per_tile('own', other) - threads.per_tile('main', one):.0f}",
        f"{other.others:.2f}",
        *(f"{taken.seconds:.2f}" for taken in (threads, processes)),
        f"{costs.by_threads(threads.tiles, workers):.2f}",
        f"{costs.by_processes(threads.tiles, workers):.2f}",
    )


def model(costs: Costs) -> list[tuple[str, ...]]:
    """Return the table of what the rule expects."""
    rows = [("cores", *(f"{count:,} tiles" for count in TILES))]
    for cores in CORES:
        times = [(costs.by_threads(count, cores), costs.by_processes(count, cores)) for count in TILES]
        rows.append((f"{cores}", *(f"{threads:.1f} / {processes:.1f}" for threads, processes in times)))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure threads and processes, and model a machine of many cores.")
    parser.add_argument("--input", type=Path, metavar="SLIDE", help="instead of the Aperio-like slide of benchmarks")
    parser.add_argument("--scale", type=float, default=0.5, help="both sides of that slide times this")
    parser.add_argument("--workers", nargs="+", type=int, default=[1, 2, 4])
    parser.add_argument("--passthrough", action="store_true", help="the base keeps the slide's own tiles")
    parser.add_argument("--into", choices=["dzi", "szi"], default="dzi")
    parser.add_argument("--scratch", type=Path, metavar="DIR", help="where the outputs go; default: temporary files")
    given = parser.parse_args()
    slide = given.input or in_own_process(scaled(WORKLOADS["svs"], given.scale).make)
    how = {"passthrough": given.passthrough, "tile_size": TILE if given.passthrough else TILE_SIZE}
    costs = PASSED if given.passthrough else SLIDE
    head = ("workers", "us by threads", "by processes", "alone", "handed", "start, CPU s", "threads s", "processes s")
    rows: list[tuple[str, ...]] = [(*head, "model s", "model s")]
    with tempfile.TemporaryDirectory(prefix="tileframe-cores-", dir=given.scratch) as folder:
        rows += [row(slide, Path(folder), given.into, workers, costs, how) for workers in given.workers]
    print(*aligned(rows), "", "Seconds by threads / by processes, by the rule:", *aligned(model(costs)), sep="\n")


if __name__ == "__main__":
    main()
