"""Measure everything at full size, and write `RESULTS.md` with its plots.

``python benchmarks/results.py [--only SECTION ...] [--scratch DIR] [--render]`` runs the sections, keeps each as JSON
in `benchmarks/results`, and then writes the page from whatever is kept there. It takes some hours on two cores.
``--render`` writes the page alone.

A section is measured in several sittings, with others between them: on a machine that others use, rounds within
minutes of each other show less than it varies within a day.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import click

from benchmarks.speed import alone, stages_of
from benchmarks.stages import Stages
from benchmarks.turns import outputs_in
from tileframe import BackendPlugin, Rgb, Size, machine
from tileframe import registry as registry_module
from tileframe.serialize import from_json, to_json
from tileframe_bench.baselines import TILE_SIZE
from tileframe_bench.entrants import entrants
from tileframe_bench.environment import this_machine, versions
from tileframe_bench.processes import cost, in_own_process
from tileframe_bench.records import SCHEMA, Bench, Entry, Machine, Run, Trial, baseline_of, worst_of
from tileframe_bench.session import Plan, benchmark
from tileframe_bench.text import table
from tileframe_bench.workloads import WORKLOADS, Workload, scaled

KEPT = Path(__file__).with_name("results")
PAGE = Path(__file__).with_name("RESULTS.md")
COMMAND = "python benchmarks/results.py --only"
SLOW = ("generator loop", "generator pool")
CORES = machine.available_cores()
# Of the page. Each is kept in one file, or in one for each of its sittings: ``table``, ``table-2``, ...
SECTIONS = ("table", "workers", "megapixels", "tile_sizes", "again")
WORK = "stages"
# How often the work alone is measured, by input: on the last one it takes minutes.
WORK_ROUNDS = {"babel": 3, "skagen": 3, "svs": 3, "jp2k": 1}
# The file, input and tile size of which the runs keep their samples, for the plots over time.
OVER_TIME = "table", "babel", 256
# Pictures of one width, 25 to 1,600 megapixels: time is to grow with the area, memory not with the height.
WIDTH, HEIGHTS = 25_000, (1_000, 4_000, 16_000, 64_000)  # a JPEG has at most 65,500
GROWING = (
    [Workload("growth-jpg", Size(WIDTH, height), "jpg", 1, 90, Rgb(176, 147, 93)) for height in HEIGHTS],
    [Workload("growth-svs", Size(WIDTH, height), "svs", 3, 80, Rgb(212, 158, 194)) for height in HEIGHTS],
)


@dataclass(frozen=True, slots=True)
class Work:
    """What the work alone took, stage by stage, in one thread."""

    date: str  # ISO 8601, in UTC
    command: str
    machine: Machine
    versions: dict[str, str]
    tile_size: int
    rounds: dict[str, tuple[Stages, ...]]  # by input
    schema: str = SCHEMA


@dataclass(frozen=True, slots=True)
class Kept:
    """All that was measured so far."""

    benches: Mapping[str, Bench] = field(default_factory=dict)  # by file, in the order of their sections
    work: Work | None = None

    def trials(self, section: str) -> list[Trial]:
        """Return the trials of ``section`` with the runs of all sittings; none if it was not measured."""
        first, *later = [one.trials for file, one in self.benches.items() if _section(file) == section] or [()]
        others = list(chain.from_iterable(later))
        return [_joined([trial, *(one for one in others if like(one) == like(trial))]) for trial in first]


def sections(backends: Sequence[BackendPlugin]) -> dict[str, list[Plan]]:
    """Return what is measured, by the name of the file that keeps it, in this order.

    Sittings of one section have others between them: a machine that others use is another one at another hour.
    """

    def part(*inputs: Workload, sizes: Sequence[int] = (256,), workers: int = CORES, **how: Any) -> Plan:
        chosen = entrants(backends, (), how.get("without", SLOW))
        return Plan(inputs, chosen, sizes, workers, how.get("rounds", 2), COMMAND)

    babel, skagen, svs, jp2k = (WORKLOADS[name] for name in ("babel", "skagen", "svs", "jp2k"))
    halves = [scaled(babel, 0.5), scaled(svs, 0.5)]
    # The reference table without those who are too slow to be run again.
    sitting = [part(jp2k, without=(*SLOW, "openslide")), part(babel, sizes=(256, 512, 1024)), part(skagen, svs)]
    again = [part(babel, skagen, svs)]
    return {
        "table": [
            part(jp2k, without=()),
            part(babel, sizes=(256, 512, 1024), rounds=3, without=()),
            part(skagen, svs, rounds=3, without=()),
        ],
        "workers": [part(*halves, workers=workers) for workers in (1, CORES, 2 * CORES)],
        "table-2": sitting,
        "megapixels": [part(*pictures, rounds=1) for pictures in GROWING],
        "table-3": sitting,
        "again": again,
        "tile_sizes": [part(halves[1], sizes=(128, 256, 512, 1024, 2048))],
        "again-2": again,
    }


def measured(name: str, parts: Sequence[Plan], scratch: Path) -> Iterator[Bench]:
    """Measure a section; yield what is found after each trial."""
    registry = registry_module.load()
    done: list[Trial] = []
    for part in parts:
        plan = replace(part, command=f"{COMMAND} {name}")
        for found in benchmark(plan, registry, scratch, lambda what: click.echo(f"{name}: {what}", err=True)):
            done.append(found.trials[-1])
            click.echo(table(done[-1]))
            yield replace(found, trials=tuple(done))


def measured_work(scratch: Path) -> Iterator[Work]:
    """Measure the work alone, stage by stage, in processes of their own; yield what is found after each input."""
    found = versions(registry_module.load())
    work = Work("", f"{COMMAND} {WORK}", this_machine(scratch), found, TILE_SIZE, {})
    for name, times in WORK_ROUNDS.items():
        source = in_own_process(WORKLOADS[name].make)
        folders = [Path(tempfile.mkdtemp(dir=scratch), "alone") for _ in range(times)]
        stages = tuple(stages_of(cost(alone()(source, folder), source=source)) for folder in folders)
        click.echo("\n  ".join([f"{WORK}: {name}:", *map(str, stages)]), err=True)
        date = datetime.now(UTC).isoformat(timespec="seconds")
        work = replace(work, date=date, rounds={**work.rounds, name: stages})
        yield work


def _section(file: str) -> str:
    return file.partition("-")[0]


def like(trial: Trial) -> tuple[object, ...]:
    """Return what trials that can be compared have in common."""
    return trial.input, trial.size, trial.tile_size, trial.workers


def _joined(sittings: Sequence[Trial]) -> Trial:
    if len(sittings) == 1:
        return sittings[0]
    entries = tuple(_entry(entry, sittings) for entry in sittings[0].entries)
    return replace(sittings[0], entries=entries, baseline=baseline_of(entries))


def _entry(first: Entry, sittings: Sequence[Trial]) -> Entry:
    theirs = [entry for trial in sittings if (entry := trial.entry(first.name)) is not None]
    if len(theirs) < len(sittings):
        # Left out of a sitting: the first run alone counts, and is paired with everyone's.
        return replace(first, runs=first.runs[:1])
    if failed := next((entry for entry in theirs if not entry.runs), None):
        return failed
    runs: list[Run] = []
    for trial, entry in zip(sittings, theirs, strict=True):
        # Who was far slower ran once, which is paired with each of the others' rounds.
        runs += entry.runs * trial.rounds if len(entry.runs) == 1 else entry.runs
    verdict = worst_of(entry.verdict for entry in theirs if entry.verdict is not None)
    return replace(first, runs=tuple(runs), verdict=verdict, is_wrong=any(entry.is_wrong for entry in theirs))


def load(folder: Path) -> Kept:
    """Return what is kept in ``folder``."""
    found = {path.stem: path.read_bytes() for path in folder.glob("*.json")}
    work = from_json(Work, found.pop(WORK), schema=SCHEMA) if WORK in found else None
    files = sorted(found, key=lambda file: (SECTIONS.index(_section(file)), file))
    return Kept({file: from_json(Bench, found[file], schema=SCHEMA) for file in files}, work)


def keep(folder: Path, file: str, record: Bench | Work) -> None:
    """Write ``record``, without the samples that no plot shows: they are nearly all of its weight."""
    if isinstance(record, Bench):
        record = replace(record, trials=tuple(_slimmed(file, trial) for trial in record.trials))
    folder.mkdir(exist_ok=True)
    (folder / f"{file}.json").write_text(f"{to_json(record)}\n", encoding="utf-8")


def _slimmed(file: str, trial: Trial) -> Trial:
    if (file, trial.input, trial.tile_size) == OVER_TIME:
        return trial
    slim = [replace(one, runs=tuple(replace(run, samples=()) for run in one.runs)) for one in trial.entries]
    return replace(trial, entries=tuple(slim))


def main() -> None:
    known = sections(registry_module.load().backends)
    names = [*known, WORK]
    parser = argparse.ArgumentParser(description="Measure everything at full size, and write RESULTS.md.")
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="SECTION")
    parser.add_argument("--scratch", type=Path, metavar="DIR", help="where the outputs go; default: temporary files")
    parser.add_argument("--render", action="store_true", help="measure nothing, write the page from what is kept")
    given = parser.parse_args()
    if not given.render:
        # One folder for all: what is deleted between two of them slows the next one down, as does what was before.
        with outputs_in(given.scratch, settled=True) as scratch:
            for name in given.only:
                found = measured_work(scratch) if name == WORK else measured(name, known[name], scratch)
                for record in found:
                    keep(KEPT, name, record)
    # After all is measured: this loads matplotlib, and a child's memory starts at its parent's size.
    from benchmarks.results_page import write

    write(load(KEPT), KEPT, PAGE)


if __name__ == "__main__":
    main()
