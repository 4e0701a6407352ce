"""What `results.py` keeps of its measurements, section by section, as JSON."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from statistics import median

import cattrs

from benchmarks.limits import STAGES, Stages
from benchmarks.sittings import joined
from tileframe_bench.records import Bench, Entry, Machine, Run, Trial
from tileframe_bench.saving import from_json, to_json

# The files of each section: several, where it is measured in several sittings.
SITTINGS: Mapping[str, Sequence[str]] = {
    "table": ("table", "table-2", "table-3"),
    "workers": ("workers",),
    "megapixels": ("megapixels",),
    "tile_sizes": ("tile_sizes",),
    "again": ("again", "again-2"),
}
SECTIONS = tuple(SITTINGS)
FILES = tuple(chain.from_iterable(SITTINGS.values()))
WORK = "stages"
TIMELINE_OF = "babel", 256
# By file, the inputs and tile sizes of which the page shows what a run did over time.
OVER_TIME: Mapping[str, Collection[tuple[str, int]]] = {"table": [TIMELINE_OF]}


@dataclass(frozen=True, slots=True)
class Work:
    """What the work alone took, stage by stage, in one thread."""

    date: str
    """ISO 8601, in UTC."""
    command: str
    machine: Machine
    versions: dict[str, str]
    tile_size: int
    rounds: dict[str, tuple[Stages, ...]]
    """By input."""

    def median(self, name: str) -> Stages:
        """Return the stages of the input ``name`` with the median seconds of each."""
        rounds = self.rounds[name]
        seconds = {stage: median(stages.seconds[stage] for stages in rounds) for stage in STAGES}
        return Stages(rounds[0].in_order, rounds[0].cores, seconds)


@dataclass(frozen=True, slots=True)
class Kept:
    """All that was measured so far."""

    benches: Mapping[str, Bench] = field(default_factory=dict)
    """By file."""
    work: Work | None = None

    def section(self, name: str) -> Bench | None:
        """Return what all sittings of a section found; None if it was not measured."""
        sittings = [self.benches[file] for file in SITTINGS[name] if file in self.benches]
        return joined(sittings) if sittings else None

    def trials(self, section: str) -> tuple[Trial, ...]:
        """Return those of ``section``; none if it was not measured."""
        found = self.section(section)
        return found.trials if found else ()


def load(folder: Path) -> Kept:
    """Return what is kept in ``folder``."""
    files = {name: folder / f"{name}.json" for name in (*FILES, WORK)}
    texts = {name: path.read_text(encoding="utf-8") for name, path in files.items() if path.exists()}
    work = texts.pop(WORK, None)
    benches = {name: from_json(text) for name, text in texts.items()}
    return Kept(benches, None if work is None else cattrs.structure(json.loads(work), Work))


def keep(folder: Path, file: str, bench: Bench) -> None:
    """Write what is needed of ``bench``."""
    folder.mkdir(exist_ok=True)
    slimmed = slim(bench, over_time=OVER_TIME.get(file, ()))
    (folder / f"{file}.json").write_text(to_json(slimmed), encoding="utf-8")


def keep_work(folder: Path, work: Work) -> None:
    """Write ``work``."""
    folder.mkdir(exist_ok=True)
    (folder / f"{WORK}.json").write_text(json.dumps(cattrs.unstructure(work), indent=1) + "\n", encoding="utf-8")


def slim(bench: Bench, *, over_time: Collection[tuple[str, int]] = ()) -> Bench:
    """Return ``bench`` without its samples, which are nearly all of its weight.

    Of trials whose input and tile size are among ``over_time``, the median run of each entrant keeps its own.
    """
    trials = tuple(_slimmed(trial, (trial.input, trial.tile_size) in over_time) for trial in bench.trials)
    return replace(bench, trials=trials)


def median_run(entry: Entry) -> Run:
    """Return the run whose time is the median, the faster one of two, of an entry that has runs."""
    by_time = sorted(entry.runs, key=lambda run: run.seconds)
    return by_time[(len(by_time) - 1) // 2]


def _slimmed(trial: Trial, is_over_time: bool) -> Trial:
    entries = []
    for entry in trial.entries:
        shown = median_run(entry) if is_over_time and entry.runs else None
        runs = tuple(run if run is shown else replace(run, samples=()) for run in entry.runs)
        entries.append(replace(entry, runs=runs))
    return replace(trial, entries=tuple(entries))
