"""Measure everything at full size, and write `RESULTS.md` with its plots.

``python benchmarks/results.py [--only SECTION ...] [--scratch DIR] [--render]`` runs the sections, keeps each as JSON
in `benchmarks/results`, and then writes the page from whatever is kept there. It takes some hours on two cores.
``--render`` writes the page alone.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.growth import GROWING
from benchmarks.results_kept import WORK, Work, keep, load
from benchmarks.speed import LIMIT, stages_of
from tileframe import machine
from tileframe import registry as registry_module
from tileframe_bench.baselines import TILE_SIZE
from tileframe_bench.entrants import entrants
from tileframe_bench.environment import this_machine, versions
from tileframe_bench.processes import cost, in_own_process
from tileframe_bench.records import Bench, Trial
from tileframe_bench.scratch import scratch_folder
from tileframe_bench.session import Plan, benchmark
from tileframe_bench.table import table
from tileframe_bench.workloads import WORKLOADS, Workload, scaled

KEPT = Path(__file__).with_name("results")
PAGE = Path(__file__).with_name("RESULTS.md")
COMMAND = "python benchmarks/results.py --only"
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
    rounds: int = 2
    without: Sequence[str] = SLOW


def sections() -> dict[str, list[Part]]:
    """Return what is measured, by the name of the file that keeps it, in this order.

    Sittings of one section have others between them: a machine that others use is another one at another hour.
    """
    babel, skagen, svs, jp2k = (WORKLOADS[name] for name in ("babel", "skagen", "svs", "jp2k"))
    halves = [scaled(babel, 0.5), scaled(svs, 0.5)]
    # The reference table without those who are too slow to be run again.
    sitting = [Part([jp2k], without=(*SLOW, "openslide")), Part([babel], (256, 512, 1024)), Part([skagen, svs])]
    again = [Part([babel, skagen, svs])]
    return {
        "table": [
            Part([jp2k], without=()),
            Part([babel], (256, 512, 1024), rounds=3, without=()),
            Part([skagen, svs], rounds=3, without=()),
        ],
        "workers": [Part(halves, workers=workers) for workers in (1, CORES, 2 * CORES)],
        "table-2": sitting,
        "megapixels": [Part(pictures, rounds=1) for pictures in GROWING],
        "table-3": sitting,
        "again": again,
        "tile_sizes": [Part(halves[1:], (128, 256, 512, 1024, 2048))],
        "again-2": again,
    }


def measure(name: str, parts: Sequence[Part], scratch: Path) -> None:
    """Measure a section, and keep it, trial by trial."""
    registry = registry_module.load()
    done: list[Trial] = []

    def say(what: str) -> None:
        print(f"{name}: {what}", file=sys.stderr, flush=True)

    def report(so_far: Bench, trial: Trial) -> None:
        done.append(trial)
        print(table(trial), flush=True)
        keep(KEPT, name, replace(so_far, trials=tuple(done)))

    for part in parts:
        chosen = entrants(registry.backends, (), part.without)
        plan = Plan(part.inputs, chosen, part.tile_sizes, part.workers, part.rounds, f"{COMMAND} {name}")
        benchmark(plan, registry, scratch, say, report)


def measure_work(scratch: Path) -> None:
    """Measure the work alone, stage by stage, in processes of their own, and keep it, input by input."""
    found = versions(registry_module.load())
    work = Work("", f"{COMMAND} {WORK}", this_machine(scratch), found, TILE_SIZE, {})
    for name, times in WORK_ROUNDS.items():
        source = in_own_process(WORKLOADS[name].make)
        folders = [Path(tempfile.mkdtemp(dir=scratch)) for _ in range(times)]
        stages = stages_of(cost(LIMIT.command(source, LIMIT.output(folder)), source=source) for folder in folders)
        print(f"{WORK}: {name}:", *stages, sep="\n  ", file=sys.stderr, flush=True)
        date = datetime.now(UTC).isoformat(timespec="seconds")
        work = replace(work, date=date, rounds={**work.rounds, name: stages})
        keep(KEPT, WORK, work)


def main() -> None:
    known = sections()
    names = [*known, WORK]
    parser = argparse.ArgumentParser(description="Measure everything at full size, and write RESULTS.md.")
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="SECTION")
    parser.add_argument("--scratch", type=Path, metavar="DIR", help="where the outputs go; default: temporary files")
    parser.add_argument("--render", action="store_true", help="measure nothing, write the page from what is kept")
    given = parser.parse_args()
    # One folder for all: what is deleted between two of them slows the next one down.
    with scratch_folder(given.scratch) as scratch:
        for name in [] if given.render else given.only:
            if name == WORK:
                measure_work(scratch)
            else:
                measure(name, known[name], scratch)
    # After all is measured: this loads matplotlib, and a child's memory starts at its parent's size.
    from benchmarks.results_page import write

    write(load(KEPT), KEPT, PAGE)


if __name__ == "__main__":
    main()
