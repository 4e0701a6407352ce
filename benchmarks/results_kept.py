"""The measurements of `results.py` that are kept as JSON in `benchmarks/results`, and joined for the page.

A section is measured in several sittings, with others between them: on a machine that others use, rounds within
minutes of each other show less than it varies within a day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

from benchmarks.limits import Stages
from tileframe_bench.records import Bench, Entry, Machine, Run, Trial, baseline_of, from_json, to_json, worst_of

# The files of each section, one for each sitting.
SITTINGS: Mapping[str, Sequence[str]] = {
    "table": ("table", "table-2", "table-3"),
    "workers": ("workers",),
    "megapixels": ("megapixels",),
    "tile_sizes": ("tile_sizes",),
    "again": ("again", "again-2"),
}
FILES = tuple(chain.from_iterable(SITTINGS.values()))
WORK = "stages"
# The file, input and tile size of which the median runs keep their samples, for the plots over time.
OVER_TIME = "table", "babel", 256


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


@dataclass(frozen=True, slots=True)
class Kept:
    """All that was measured so far."""

    benches: Mapping[str, Bench] = field(default_factory=dict)
    """By file."""
    work: Work | None = None

    def trials(self, section: str) -> list[Trial]:
        """Return the trials of ``section`` with the runs of all sittings; none if it was not measured."""
        first, *later = [self.benches[file].trials for file in SITTINGS[section] if file in self.benches] or [()]
        others = list(chain.from_iterable(later))
        return [_joined([trial, *(one for one in others if like(one) == like(trial))]) for trial in first]


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
        rounds = max(len(one.runs) for one in trial.entries)
        runs += entry.runs * rounds if len(entry.runs) == 1 else entry.runs
    verdict = worst_of(entry.verdict for entry in theirs if entry.verdict is not None)
    return replace(first, runs=tuple(runs), verdict=verdict, is_wrong=any(entry.is_wrong for entry in theirs))


def load(folder: Path) -> Kept:
    """Return what is kept in ``folder``."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.json")}
    benches = {name: from_json(texts[name], Bench) for name in FILES if name in texts}
    return Kept(benches, from_json(texts[WORK], Work) if WORK in texts else None)


def keep(folder: Path, file: str, record: Bench | Work) -> None:
    """Write ``record``, without the samples that no plot shows: they are nearly all of its weight."""
    if isinstance(record, Bench):
        record = replace(record, trials=tuple(_slimmed(file, trial) for trial in record.trials))
    folder.mkdir(exist_ok=True)
    (folder / f"{file}.json").write_text(to_json(record), encoding="utf-8")


def median_run(entry: Entry) -> Run:
    """Return the run whose time is the median, the faster one of two, of an entry that has runs."""
    by_time = sorted(entry.runs, key=lambda run: run.seconds)
    return by_time[(len(by_time) - 1) // 2]


def _slimmed(file: str, trial: Trial) -> Trial:
    entries = []
    for entry in trial.entries:
        is_shown = (file, trial.input, trial.tile_size) == OVER_TIME and entry.runs
        shown = median_run(entry) if is_shown else None
        runs = tuple(run if run is shown else replace(run, samples=()) for run in entry.runs)
        entries.append(replace(entry, runs=runs))
    return replace(trial, entries=tuple(entries))
