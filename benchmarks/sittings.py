"""What was measured in several sittings, with other work between them, as one.

On a machine that others use, rounds within minutes of each other show less than it varies within a day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tileframe_bench.records import Bench, Entry, Run, Trial, baseline_of, worst_of


def joined(sittings: Sequence[Bench]) -> Bench:
    """Return the first of ``sittings``, of which there is at least one, with the runs of all of them.

    Who was left out of one counts with the first run alone, which is paired with everyone's.
    """
    first, *later = sittings
    found = [trial for bench in later for trial in bench.trials]
    trials = tuple(_joined([trial, *(one for one in found if like(one) == like(trial))]) for trial in first.trials)
    return replace(first, trials=trials)


def like(trial: Trial) -> tuple[object, ...]:
    """Return what trials that can be compared have in common."""
    return trial.input, trial.size, trial.tile_size, trial.workers


def _joined(sittings: Sequence[Trial]) -> Trial:
    entries = tuple(_entry(entry, sittings) for entry in sittings[0].entries)
    return replace(sittings[0], entries=entries, baseline=baseline_of(entries))


def _entry(first: Entry, sittings: Sequence[Trial]) -> Entry:
    theirs = [entry for trial in sittings if (entry := trial.entry(first.name)) is not None]
    if len(sittings) == 1:
        return first
    if len(theirs) < len(sittings):
        return replace(first, runs=first.runs[:1])
    if failed := next((entry for entry in theirs if not entry.runs), None):
        return failed
    runs = [run for trial, entry in zip(sittings, theirs, strict=True) for run in _by_round(trial, entry)]
    verdicts = [entry.verdict for entry in theirs if entry.verdict is not None]
    is_wrong = any(entry.is_wrong for entry in theirs)
    return replace(first, runs=tuple(runs), verdict=worst_of(verdicts), is_wrong=is_wrong)


def _by_round(trial: Trial, entry: Entry) -> tuple[Run, ...]:
    """Return a run for each round: who was far slower has but one, which is paired with each of the others'."""
    rounds = max(len(one.runs) for one in trial.entries)
    return entry.runs * rounds if len(entry.runs) == 1 else entry.runs
