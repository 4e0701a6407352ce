"""What the figures say, in words: the summary, and whether a second run agrees."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.markdown import megabytes, paragraphs, table, text
from benchmarks.results_kept import Kept
from benchmarks.results_scaling import by_picture, line_of
from benchmarks.results_slower import have_met, is_backend, slower_ones
from benchmarks.results_tables import DZSAVE, LOOP, firsts, in_order, where
from benchmarks.sittings import like
from tileframe_bench.records import Entry, Spread, Trial
from tileframe_bench.wording import count, figure, listed, spread_text

FULL = "table"
TILE_SIZE = 256


def summary(kept: Kept) -> str:
    """Return the answer in a paragraph."""
    trials = in_order(kept.trials(FULL))
    if not trials:
        return "The reference table has not been measured yet."
    said = [*_wins(trials), *(_fastest(trial) for trial in trials if trial.tile_size == TILE_SIZE)]
    said += [sentence for sentence in (_growth(kept.trials("megapixels")), _behind(trials)) if sentence]
    return " ".join(said)


def _wins(trials: Sequence[Trial]) -> Iterator[str]:
    wins: dict[str, int] = {}
    for trial in trials:
        for entry in firsts(trial):
            wins[entry.name] = wins.get(entry.name, 0) + 1
    counted = [f"{text(name)} in {number}" for name, number in sorted(wins.items(), key=lambda win: -win[1])]
    shared = "; a shared place counts for each" if any(len(firsts(trial)) > 1 for trial in trials) else ""
    yield f"The fastest of {count(len(trials), 'row')} of the reference table: {listed(counted) or 'nobody'}{shared}."


def _fastest(trial: Trial) -> str:
    best = firsts(trial)
    if not best:
        return f"On {where(trial)}, nobody could be ranked."
    others = {DZSAVE: DZSAVE, LOOP: f"the {LOOP}"}
    ratios = [(said, trial.times_as_fast(best[0], name)) for name, said in others.items() if name != best[0].name]
    said = [f"{figure(ratio.median)} times as fast as {name}" for name, ratio in ratios if ratio is not None]
    missing = [name for name, ratio in ratios if ratio is None]
    peak = megabytes(best[0].spread(lambda run: run.peak).most)
    shared = [text(entry.name) for entry in best[1:]]
    name = f"{text(best[0].name)}{f', sharing the place with {listed(shared)},' if shared else ''}"
    took = f"{name} took {figure(best[0].seconds.median)} s and {peak}"
    more = f" ({listed(missing)} did not run)" if missing else ""
    return f"On {where(trial)}, {took}{f', {listed(said)}' if said else ''}{more}{_first_backend(trial)}."


def _first_backend(trial: Trial) -> str:
    """Return how far behind the fastest backend is, if the fastest of all is none."""
    ranked = [entry for _, entry in trial.ranking()]
    backend = next((entry for entry in ranked if entry.kind == "backend"), None)
    ratio = None if backend is None or backend in firsts(trial) else trial.times_as_fast(ranked[0], backend.name)
    if backend is None or ratio is None:
        return ""
    return f"; {text(backend.name)}, the fastest backend, took {figure(ratio.median)} times as long"


def _growth(trials: Sequence[Trial]) -> str:
    lines = []
    for name, some in by_picture(trials).items():
        if line := line_of(some, "stream"):
            least, most = (f"{pick(trial.megapixels for trial in some):,.0f}" for pick in (min, max))
            squared = f"R\N{SUPERSCRIPT TWO} {line.squared:.4f}"
            lines.append(f"{line.pace:,.0f} MP/s from {least} to {most} MP of {text(name)} ({squared})")
    return f"A straight line through the times of stream gives {listed(lines)}." if lines else ""


def _behind(trials: Sequence[Trial]) -> str:
    """Return in how many rows each backend is slower than bare dzsave."""
    names: dict[str, int] = {}
    for slower in slower_ones(trials):
        if slower.other == DZSAVE:
            names[slower.name] = names.get(slower.name, 0) + 1
    met = any(have_met(trial, entry.name, DZSAVE) for trial in trials for entry in trial.entries if is_backend(entry))
    if not names:
        return "" if not met else f"No backend is slower than {DZSAVE} in any row by more than the spread."
    rows = listed([f"{text(name)} in {number}" for name, number in names.items()])
    return f"Slower than {DZSAVE} by more than the spread: {rows} of {count(len(trials), 'row')}."


@dataclass(frozen=True, slots=True)
class Repeat:
    """A ratio that was measured twice."""

    trial: Trial
    entry: Entry
    first: Spread
    second: Spread

    @property
    def is_within(self) -> bool:
        """Whether the second median lies within the spread of the first run."""
        return self.first.least <= self.second.median <= self.first.most

    @property
    def words(self) -> str:
        """``yes``, or how far outside it lies."""
        if self.is_within:
            return "yes"
        is_above = self.second.median > self.first.most
        end = self.first.most if is_above else self.first.least
        return f"**no**: {abs(self.second.median / end - 1):.1%} {'above' if is_above else 'below'}"


def repeats(first: Sequence[Trial], second: Sequence[Trial]) -> list[Repeat]:
    """Return the ratios that both runs have, to the same baseline."""
    found = []
    for trial in second:
        before = next((one for one in first if like(one) == like(trial) and one.baseline == trial.baseline), None)
        for entry in trial.entries if before else ():
            old = before.entry(entry.name) if before else None
            ratios = trial.times_as_fast(entry), before.times_as_fast(old) if before and old else None
            if entry.name != trial.baseline and ratios[0] is not None and ratios[1] is not None:
                found.append(Repeat(trial, entry, ratios[1], ratios[0]))
    return found


def again_page(kept: Kept) -> str:
    """Return the ratios of the second run beside the spread of the first, and whether each lies within it."""
    found = repeats(kept.trials(FULL), kept.trials("again"))
    if not found:
        return "There is nothing that both runs have."
    outside = [one for one in found if not one.is_within]
    said = f"Of {count(len(found), 'ratio')} of the second run, {len(found) - len(outside)} lie within the spread of"
    named = [f"{text(one.entry.name)} on {where(one.trial)}" for one in outside]
    ends = (
        f" {len(outside)} {'lies' if len(outside) == 1 else 'lie'} outside: {listed(named)}."
        if outside
        else " None lies outside."
    )
    heads = ("picture, tile", "entrant", "first run", "second run", "within the first's spread")
    rows = [
        (where(one.trial), text(one.entry.name), spread_text(one.first), spread_text(one.second), one.words)
        for one in found
    ]
    how = "Times as fast as the baseline, pair by pair, measured again at other times, in runs of their own."
    return paragraphs(f"{how} {said} the first.{ends}", table(heads, rows, left=2))
