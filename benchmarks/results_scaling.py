"""How time and memory grow with workers, megapixels and tile size."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import StatisticsError, correlation, linear_regression

from benchmarks.markdown import NONE, megabytes, paragraphs, table, text
from tileframe_bench.records import Entry, Trial
from tileframe_bench.wording import count, figure, spread_text

# Through two points there is always a line.
LEAST_POINTS = 3


@dataclass(frozen=True, slots=True)
class Scaling:
    """One section: the same with other figures of one kind."""

    section: str
    title: str
    axis: str
    unit: str
    of: Callable[[Trial], float]
    is_log: bool

    def step(self, value: float) -> str:
        """Return ``25 MP``."""
        return count(round(value), self.unit) if self.section == "workers" else f"{value:,.0f} {self.unit}"

    def place(self, trial: Trial) -> str:
        """Return ``growth svs with 25 MP``."""
        return f"{text(picture(trial))} with {self.step(self.of(trial))}"


SCALINGS = (
    Scaling("workers", "Workers", "workers", "worker", lambda trial: trial.workers, False),
    Scaling("megapixels", "Megapixels", "megapixels", "MP", lambda trial: trial.megapixels, True),
    Scaling("tile_sizes", "Tile size", "tile size, in pixels", "px", lambda trial: trial.tile_size, True),
)


@dataclass(frozen=True, slots=True)
class Line:
    """The straight line through megapixels and seconds."""

    pace: float
    """Megapixels a second."""
    start: float
    """Seconds that it takes with nothing to do."""
    squared: float
    """How much of what is seen it explains: R2."""


def fitted(points: Sequence[tuple[float, float]]) -> Line | None:
    """Return the line through ``points``; None if they are too few, or do not rise."""
    if len({at for at, _ in points}) < LEAST_POINTS:
        return None
    megapixels, seconds = zip(*points, strict=True)
    try:
        slope, start = linear_regression(megapixels, seconds)
        squared = correlation(megapixels, seconds) ** 2
    except StatisticsError:  # all took the same time
        return None
    return Line(1 / slope, start, squared) if slope > 0 else None


def picture(trial: Trial) -> str:
    """Return the input's name; of the pictures that grow, with their kind, for they have one name."""
    commands = " ".join(entry.command for entry in trial.entries)
    found = re.search(rf"\b{re.escape(trial.input)}-\S+\.(\w+)", commands)
    return f"{trial.input} {found[1]}" if trial.input == "growth" and found else trial.input


def by_picture(trials: Sequence[Trial]) -> dict[str, list[Trial]]:
    """Return the trials of each picture, in the order in which pictures first appear."""
    grouped: dict[str, list[Trial]] = {}
    for trial in trials:
        grouped.setdefault(picture(trial), []).append(trial)
    return grouped


def of_entrant(trials: Sequence[Trial], name: str) -> list[tuple[Trial, Entry]]:
    """Return the entries of ``name`` that ran, with their trials."""
    found = [(trial, trial.entry(name)) for trial in trials]
    return [(trial, entry) for trial, entry in found if entry is not None and entry.runs]


def entrants(trials: Sequence[Trial]) -> list[str]:
    """Return the names, in the order in which they first appear."""
    return list(dict.fromkeys(entry.name for trial in trials for entry in trial.entries))


def line_of(trials: Sequence[Trial], name: str) -> Line | None:
    """Return the line through the median seconds of ``name``."""
    return fitted([(trial.megapixels, entry.seconds.median) for trial, entry in of_entrant(trials, name)])


def scaling_tables(scaling: Scaling, trials: Sequence[Trial]) -> str:
    """Return the table of seconds, and of megapixels that of memory as well."""
    seconds = _table(scaling, trials, lambda entry: spread_text(entry.seconds), more=MORE.get(scaling.section))
    if scaling.section != "megapixels":
        return seconds
    peaks = _table(scaling, trials, lambda entry: megabytes(entry.spread(lambda run: run.peak).most))
    return paragraphs(seconds, "Peak memory:", peaks)


More = Callable[[Sequence[float], Sequence[Trial], str], dict[str, str]]
"""What is written at the end of a row, by the heads of its columns: of steps, trials and a name."""


def _table(
    scaling: Scaling, trials: Sequence[Trial], shown: Callable[[Entry], str], *, more: More | None = None
) -> str:
    steps = sorted({scaling.of(trial) for trial in trials})
    rows, heads = [], ["picture", "entrant", *map(scaling.step, steps)]
    added: list[str] = []
    for name, some in by_picture(trials).items():
        at = {scaling.of(trial): trial for trial in some}
        for entrant in entrants(some):
            cells = [_cell(at[step].entry(entrant) if step in at else None, shown) for step in steps]
            extra = more(steps, some, entrant) if more else {}
            added = added or list(extra)
            rows.append([text(name), text(entrant), *cells, *extra.values()])
    return table([*heads, *added], rows, left=2)


def _cell(entry: Entry | None, shown: Callable[[Entry], str]) -> str:
    if entry is None:
        return NONE
    if not entry.runs:
        return "did not run"
    return f"{shown(entry)}{'' if entry.is_ranked else ', not ranked'}"


def _speed_ups(steps: Sequence[float], trials: Sequence[Trial], name: str) -> dict[str, str]:
    """Return how many times as fast as with the fewest workers it was with more."""
    took = {float(trial.workers): entry.seconds.median for trial, entry in of_entrant(trials, name)}
    ratios = {}
    for step in steps[1:]:
        ratio = figure(took[steps[0]] / took[step]) if {steps[0], step} <= set(took) else NONE
        ratios[f"times as fast with {step:,.0f}"] = ratio
    return ratios


def _line(_: Sequence[float], trials: Sequence[Trial], name: str) -> dict[str, str]:
    """Return what the line through the points says."""
    line = line_of(trials, name)
    heads = "MP/s, and s at first", "R\N{SUPERSCRIPT TWO}"
    cells = (NONE, NONE) if line is None else (f"{line.pace:,.0f}, {line.start:.2f}", f"{line.squared:.4f}")
    return dict(zip(heads, cells, strict=True))


MORE: dict[str, More] = {"workers": _speed_ups, "megapixels": _line}
