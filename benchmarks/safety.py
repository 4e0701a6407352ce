"""What it costs to keep what is finished, to bring it to the disk, and to read in other processes; beside none of it.

``python benchmarks/safety.py [--workload svs babel] [--input SLIDE] [--scale S] [--rounds N]``

The runs are made in turn, and every tile of each is compared with those of the first before its time counts.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.speed import ours
from benchmarks.turns import Program, cpu, differences, in_turn, memory, outputs_in, ratio, whole
from tileframe_bench.baselines import TILE_SIZE
from tileframe_bench.processes import Cost, in_own_process
from tileframe_bench.text import aligned
from tileframe_bench.workloads import WORKLOADS, scaled

BARE = "none"
UNSAFE = ("--no-keep", "--store-option", "sync=false")
OPTIONS = {
    BARE: UNSAFE,
    "keep": ("--store-option", "sync=false"),
    "keep and sync": (),
    "isolate": (*UNSAFE, "--isolate"),
}


def programs() -> list[Program]:
    return [
        Program(name, ours("--tile-size", f"{TILE_SIZE}", "--backend", "stream", *options), differences)
        for name, options in OPTIONS.items()
    ]


def row(workload: str, name: str, bare: Sequence[Cost], runs: Sequence[Cost]) -> tuple[str, ...]:
    times = [f"{ratio(bare, runs, figure)}" if name != BARE else "1" for figure in (cpu, whole)]
    seconds = f"{np.median([*map(cpu, runs)]):.2f}"
    return workload, name, seconds, *times, f"{max(map(memory, runs)) / 1e6:.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what safety costs.")
    parser.add_argument("--workload", nargs="+", choices=list(WORKLOADS), default=["svs", "babel"])
    parser.add_argument("--input", type=Path, metavar="SLIDE", help="instead")
    parser.add_argument("--scale", type=float, default=1.0, help="both sides of the slide times this")
    parser.add_argument("--rounds", type=int, default=5, help="after one to warm up")
    parser.add_argument("--scratch", type=Path, metavar="DIR", help="where the outputs go; default: temporary files")
    given = parser.parse_args()
    rows: list[tuple[str, ...]] = [("input", "safety", "CPU s", "CPU", "time", "MB")]
    with outputs_in(given.scratch) as folder:
        for name in [given.input.stem] if given.input else given.workload:
            slide = given.input or in_own_process(scaled(WORKLOADS[name], given.scale).make)
            costs = in_turn(programs(), slide, folder / name, given.rounds)
            rows += [row(name, one, costs[BARE], runs) for one, runs in costs.items()]
    print(*aligned(rows), sep="\n")


if __name__ == "__main__":
    main()
