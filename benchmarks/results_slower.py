"""Where a backend is slower than another one, or than a bare program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from benchmarks.markdown import bullets, paragraphs, text
from benchmarks.results_kept import SECTIONS, Kept
from benchmarks.results_scaling import picture
from benchmarks.results_tables import DZSAVE, in_order, where
from tileframe_bench.records import Entry, Spread, Trial
from tileframe_bench.wording import count, spread_text


@dataclass(frozen=True, slots=True)
class Slower:
    """A backend that took longer than another one, in every pair of runs."""

    trial: Trial
    name: str
    other: str
    times: Spread
    """How many times as long."""

    @property
    def once(self) -> str:
        """What is to be added if there is a single pair of runs, and so no spread."""
        entries = self.trial.entry(self.name), self.trial.entry(self.other)
        return " (one run each)" if all(entry and len(entry.runs) == 1 for entry in entries) else ""

    def sentence(self, place: str) -> str:
        """Return it in full, without the full stop."""
        took = f"{text(self.name)} took {spread_text(self.times)} times as long as {text(self.other)}"
        return f"On {place}, {took}{self.once}"


def slower_ones(trials: Sequence[Trial]) -> Iterator[Slower]:
    """Yield every pair, trial by trial; who is not ranked is nobody's measure, but bare programs are."""
    for trial in trials:
        pairs = [(entry, other) for entry in trial.entries if is_backend(entry) for other in trial.entries]
        for entry, other in pairs:
            if other is not entry and have_met(trial, entry.name, other.name):
                fast = trial.times_as_fast(entry, other.name)
                if fast is not None and fast.most < 1:
                    times = Spread(1 / fast.median, 1 / fast.most, 1 / fast.least)
                    yield Slower(trial, entry.name, other.name, times)


def is_backend(entry: Entry) -> bool:
    """Say whether it is one of tileframe's."""
    return entry.kind == "backend"


def slower_page(kept: Kept) -> str:
    """Return where each backend is slower than another or than a bare program, and who nowhere is."""
    full = in_order(kept.trials("table"))
    rest = [trial for section in SECTIONS if section != "table" for trial in kept.trials(section)]
    parts = [
        "Slower is who took longer in every pair of runs; what is within the spread is not listed. Who is "
        "not ranked is left out, but for the programs without tileframe."
    ]
    if full:
        parts += ["In the reference table:", bullets(_in_full(full)) or "nobody is slower than another."]
    if rest:
        parts += ["In the other sections:", bullets(_in_short(rest)) or "nobody."]
    parts.append(" ".join(_never([*full, *rest])))
    return paragraphs(*parts)


def _in_full(trials: Sequence[Trial]) -> Iterator[str]:
    for _, (first, *others) in _pairs(trials):
        more = [f"on {where(one.trial)}, {spread_text(one.times)}{one.once}" for one in others]
        yield f"{'; '.join([first.sentence(where(first.trial)), *more])}."


def _in_short(trials: Sequence[Trial]) -> Iterator[str]:
    for (name, other), some in _pairs(trials):
        worst = max(some, key=lambda slower: slower.times.median)
        met = sum(have_met(trial, name, other) for trial in trials)
        said = f"{text(name)} is slower than {text(other)} in {len(some)} of {count(met, 'trial')}."
        yield f"{said}{' The most:' if len(some) > 1 else ''} {worst.sentence(_at_length(worst.trial))}."


def _pairs(trials: Sequence[Trial]) -> list[tuple[tuple[str, str], list[Slower]]]:
    """Return what is slower by the two names, those beside bare dzsave first."""
    pairs = sorted(slower_ones(trials), key=lambda slower: (slower.other != DZSAVE, slower.name, slower.other))
    return [(key, list(some)) for key, some in groupby(pairs, key=lambda slower: (slower.name, slower.other))]


def _never(trials: Sequence[Trial]) -> Iterator[str]:
    """Yield a sentence for each backend that is never slower than some other."""
    slower = {(one.name, one.other) for one in slower_ones(trials)}
    names = dict.fromkeys(entry.name for trial in trials for entry in trial.entries)
    backends = dict.fromkeys(one.name for trial in trials for one in trial.entries if is_backend(one))
    for name in backends:
        met = [one for one in names if one != name and any(have_met(trial, name, one) for trial in trials)]
        if never := [text(one) for one in met if (name, one) not in slower]:
            others = " or ".join(filter(None, [", ".join(never[:-1]), never[-1]]))
            yield f"{text(name)} is nowhere slower than {others} by more than the spread."


def have_met(trial: Trial, name: str, other: str) -> bool:
    """Say whether the times of the two may be compared."""
    one, two = trial.entry(name), trial.entry(other)
    if one is None or two is None:
        return False
    return one.is_ranked and bool(two.runs) and (two.is_ranked or two.kind == "baseline")


def _at_length(trial: Trial) -> str:
    size = f"{trial.megapixels:,.0f} MP"
    return f"{text(picture(trial))} of {size} at {trial.tile_size} with {count(trial.workers, 'worker')}"
