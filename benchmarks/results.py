"""Measure everything at full size, and write `RESULTS.md` with its plots.

``python benchmarks/results.py [--only SECTION ...] [--scratch DIR] [--render]`` runs the
sections, each of which is kept as JSON in `benchmarks/results`, and then writes the page from whatever is kept there.
It takes some hours on two cores. ``--render`` writes the page alone.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.competitors import measured_stages
from benchmarks.growth import inputs as growth_inputs
from benchmarks.limits import Stages
from benchmarks.results_kept import WORK, Work, keep, keep_work
from tileframe import machine
from tileframe.registry import load
from tileframe_bench.baselines import TILE_SIZE
from tileframe_bench.entrants import entrants
from tileframe_bench.processes import in_own_process
from tileframe_bench.records import Bench, Trial
from tileframe_bench.scratch import scratch_folder
from tileframe_bench.session import Plan, benchmark
from tileframe_bench.surroundings import this_machine, versions
from tileframe_bench.table import table
from tileframe_bench.workloads import WORKLOADS, Workload, scaled

KEPT = Path(__file__).with_name("results")
PAGE = Path(__file__).with_name("RESULTS.md")
SLOW = ("generator loop", "generator pool")
CORES = machine.available_cores()
# How often the work alone is measured, by input: on the last one it takes minutes.
WORK_ROUNDS = {"babel": 3, "skagen": 3, "svs": 3, "jp2k": 1}


@dataclass(frozen=True, slots=True)
class Part:
    """Some inputs that are measured in the same way."""

    inputs: Sequence[Workload | Path]
    tile_sizes: Sequence[int] = (256,)
    workers: int = CORES
    rounds: int = 3
    without: Sequence[str] = field(default=())


def sections() -> dict[str, list[Part]]:
    """Return what is measured, by the name of the file that keeps it, in this order.

    Sittings of one thing have others between them: a machine that others use is another one at another hour.
    """
    halves = [scaled(WORKLOADS[name], 0.5) for name in ("babel", "svs")]
    return {
        "table": [
            Part([WORKLOADS["jp2k"]], rounds=2),
            Part([WORKLOADS["babel"]], (256, 512, 1024)),
            Part([WORKLOADS["skagen"], WORKLOADS["svs"]]),
        ],
        "workers": [Part(halves, workers=workers, rounds=2, without=SLOW) for workers in (1, CORES, 2 * CORES)],
        "table-2": _sitting(),
        "megapixels": [Part(growth_inputs(kind, 1600), rounds=1, without=SLOW) for kind in ("jpg", "svs")],
        "table-3": _sitting(),
        "again": _second_run(),
        "tile_sizes": [Part(halves[1:], (128, 256, 512, 1024, 2048), rounds=2, without=SLOW)],
        "again-2": _second_run(),
    }


def _sitting() -> list[Part]:
    """Return the reference table without those who are too slow to be run again."""
    return [
        Part([WORKLOADS["jp2k"]], rounds=2, without=(*SLOW, "openslide")),
        Part([WORKLOADS["babel"]], (256, 512, 1024), rounds=2, without=SLOW),
        Part([WORKLOADS["skagen"], WORKLOADS["svs"]], rounds=2, without=SLOW),
    ]


def _second_run() -> list[Part]:
    return [Part([WORKLOADS[name] for name in ("babel", "skagen", "svs")], rounds=2, without=SLOW)]


def measure(name: str, parts: Sequence[Part], scratch: Path) -> None:
    """Measure a section, and keep it, trial by trial."""
    registry = load()
    done: list[Trial] = []

    def say(what: str) -> None:
        print(f"{name}: {what}", file=sys.stderr, flush=True)

    def each(so_far: Bench, trial: Trial) -> None:
        done.append(trial)
        print(table(trial), flush=True)
        keep(KEPT, name, replace(so_far, trials=tuple(done)))

    for part in parts:
        plan = Plan(
            inputs=part.inputs,
            entrants=entrants(registry.backends, (), part.without),
            tile_sizes=part.tile_sizes,
            workers=part.workers,
            rounds=part.rounds,
            command=f"python benchmarks/results.py --only {name}",
        )
        benchmark(plan, registry, scratch, say, each)


def measure_work(scratch: Path) -> None:
    """Measure the work alone, stage by stage, in processes of their own, and keep it, input by input."""
    found = versions(load())
    rounds: dict[str, tuple[Stages, ...]] = {}
    for name, times in WORK_ROUNDS.items():
        source = in_own_process(WORKLOADS[name].make)
        for number in range(times):
            stages = measured_stages(source, scratch / WORK / name / f"{number}", ())
            print(f"{WORK}: {name}: {stages}", file=sys.stderr, flush=True)
            rounds[name] = (*rounds.get(name, ()), stages)
        now = datetime.now(UTC).isoformat(timespec="seconds")
        command = f"python benchmarks/results.py --only {WORK}"
        keep_work(KEPT, Work(now, command, this_machine(scratch), found, TILE_SIZE, dict(rounds)))


def main() -> None:
    known = sections()
    names = [*known, WORK]
    parser = argparse.ArgumentParser(description="Measure everything at full size, and write RESULTS.md.")
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="SECTION")
    parser.add_argument("--scratch", type=Path, metavar="DIR", help="where the outputs go; default: temporary files")
    parser.add_argument("--render", action="store_true", help="measure nothing, write the page from what is kept")
    arguments = parser.parse_args()
    # One folder for all: what is deleted between two of them slows the next one down.
    with scratch_folder(arguments.scratch) as scratch:
        for name in [] if arguments.render else arguments.only:
            if name == WORK:
                measure_work(scratch)
            else:
                measure(name, known[name], scratch)
    # After all is measured: it loads matplotlib, and a child's memory starts at its parent's size.
    from benchmarks.page_of_results import write

    write(KEPT, PAGE)


if __name__ == "__main__":
    main()
