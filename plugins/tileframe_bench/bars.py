"""Bars of what each entrant took with one input, grouped by tile size."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes

from tileframe_bench.records import Entry, Run, Spread, Trial
from tileframe_bench.scales import Scale
from tileframe_bench.sheet import INK, QUIET, SURFACE, Sheet, breadth, chosen, drawing, fitted
from tileframe_bench.wording import figure, plain, spread_text, unit_for

WIDTH = 560
ROW, HEADING, GAP, TOP, BOTTOM = 21, 22, 8, 50, 46
BAR = 13
NAMES = 190  # the most that the names at the left may take


@dataclass(frozen=True, slots=True)
class Bar:
    """One row of the chart."""

    name: str
    spread: Spread | None
    """None if it did not run."""
    is_ranked: bool

    def label(self, unit: str) -> str:
        """Return what is written at its end."""
        if self.spread is None:
            return "did not run"
        return f"{figure(self.spread.median)} {unit}{'' if self.is_ranked else ', not ranked'}"


@dataclass(frozen=True, slots=True)
class Group:
    """The rows of one trial."""

    heading: str
    bars: tuple[Bar, ...]


def time_bars(trials: Sequence[Trial], *, colours: Mapping[str, str] | None = None) -> str:
    """Return the chart of seconds with one input, one group of bars for each of ``trials``, of which there is one.

    Those that are not ranked are hatched, and those that did not run are named. ``colours`` are those of entrants, if
    other charts have set them.
    """
    return _chart("Time", "s", "seconds", _groups(trials, lambda run: run.seconds), trials, colours)


def memory_bars(trials: Sequence[Trial], *, colours: Mapping[str, str] | None = None) -> str:
    """Return the chart of peak memory, in the order of `time_bars`."""
    peaks = [run.peak for trial in trials for entry in trial.entries for run in entry.runs]
    size, unit = unit_for(max(peaks, default=0))
    words = {"MB": "megabytes", "GB": "gigabytes"}[unit]
    return _chart("Peak memory", unit, words, _groups(trials, lambda run: run.peak / size), trials, colours)


def in_order(trial: Trial) -> list[Entry]:
    """Return the ranked entries, the fastest first, then those that are not ranked, then those that did not run."""
    ranked = [entry for _, entry in trial.ranking()]
    others = [entry for entry in trial.entries if entry.runs and not entry.is_ranked]
    others.sort(key=lambda entry: entry.spread(lambda run: run.seconds).median)
    return [*ranked, *others, *(entry for entry in trial.entries if not entry.runs)]


def _groups(trials: Sequence[Trial], taken: Callable[[Run], float]) -> list[Group]:
    say_workers = len({trial.workers for trial in trials}) > 1
    groups = []
    for trial in trials:
        workers = f", {trial.workers} workers" if say_workers else ""
        bars = [Bar(plain(one.name), one.spread(taken) if one.runs else None, one.is_ranked) for one in in_order(trial)]
        groups.append(Group(f"Tiles of {trial.tile_size} px{workers}", tuple(bars)))
    return groups


@drawing()
def _chart(
    what: str,
    unit: str,
    words: str,
    groups: Sequence[Group],
    trials: Sequence[Trial],
    colours: Mapping[str, str] | None,
) -> str:
    own = chosen((entry.name for trial in trials for entry in trial.entries), colours)
    own = {plain(name): colour for name, colour in own.items()}
    bars = [bar for group in groups for bar in group.bars]
    scale = Scale.of([bar.spread for bar in bars if bar.spread])
    rows = sum(HEADING + ROW * len(group.bars) + GAP for group in groups)
    sheet = Sheet(WIDTH, TOP + rows + BOTTOM)
    left = 18 + min(NAMES, max((breadth(bar.name) for bar in bars), default=0))
    room = _room(bars, scale, left, unit)

    title = f"{what}: {plain(trials[0].input)}"
    sheet.write(8, 20, title, size=13, bold=True)
    sheet.write(8, 38, "Median of the runs, and from the least to the greatest. Less is better.", colour=QUIET)
    axes = sheet.axes(left, TOP, room, rows)
    axes.set_ylim(rows, 0)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    scale.set_across(axes, room)
    sheet.write(left, sheet.height - 10, f"{words}{scale.note}", size=10.5, colour=QUIET)
    top: float = 0
    for group in groups:
        sheet.write(8, TOP + top + 15, group.heading, bold=True)
        top += HEADING
        for bar in group.bars:
            _draw(sheet, axes, bar, unit, top + ROW / 2, left, scale.start, own[bar.name])
            top += ROW
        top += GAP
    return sheet.svg(title, _description(groups, unit))


def _room(bars: Sequence[Bar], scale: Scale, left: float, unit: str) -> float:
    """Return how wide the plot box may be for every bar's label to end on the sheet."""
    room = WIDTH - left - 24
    for bar in bars:
        free = WIDTH - left - 14 - breadth(bar.label(unit))
        if bar.spread and scale.place(bar.spread.most) > 0:
            room = min(room, free / scale.place(bar.spread.most))
    return max(room, 80)


def _draw(sheet: Sheet, axes: Axes, bar: Bar, unit: str, middle: float, left: float, start: float, colour: str) -> None:
    sheet.write(left - 8, TOP + middle + 4, fitted(bar.name, NAMES), align="right")
    spread = bar.spread
    if spread is None:
        sheet.write(left + 6, TOP + middle + 4, bar.label(unit), colour=QUIET, italic=True)
        return
    axes.barh(
        middle,
        spread.median - start,
        height=BAR,
        left=start,
        facecolor=colour if bar.is_ranked else SURFACE,
        edgecolor=colour,
        hatch=None if bar.is_ranked else "////",
        linewidth=1,
    )
    axes.plot([spread.least, spread.most], [middle, middle], color=INK, linewidth=1.2, marker="|", markersize=7)
    axes.annotate(
        bar.label(unit),
        (spread.most, middle),
        (7, 0),
        textcoords="offset points",
        va="center_baseline",
        color=INK if bar.is_ranked else QUIET,
    )


def _description(groups: Sequence[Group], unit: str) -> str:
    said = []
    for group in groups:
        rows = []
        for bar in group.bars:
            figures = f"{spread_text(bar.spread)} {unit}" if bar.spread else "did not run"
            rows.append(f"{bar.name} {figures}{', not ranked' if bar.spread and not bar.is_ranked else ''}")
        said.append(f"{group.heading}: {'; '.join(rows)}.")
    return " ".join(said)
