"""Scales: where a figure is between the two ends of an axis, and which figures are written on it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from tileframe_bench.records import Spread
from tileframe_bench.sheet import breadth

# With the slowest this many times slower than the fastest, the bars of the fast ones cannot be told apart.
TOO_FAR = 8
NUMBERS = FuncFormatter(lambda value, _: f"{value:,.10g}")


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis from ``start`` to ``end``, which is more."""

    start: float
    end: float
    is_log: bool = False
    """Whether it is logarithmic; then both are more than 0."""

    @classmethod
    def of(cls, spreads: Sequence[Spread]) -> Self:
        """Return one from zero, or, where the medians are too far apart for that, a logarithmic one."""
        medians = [spread.median for spread in spreads]
        end = max((spread.most for spread in spreads), default=0) or 1
        least = min((spread.least for spread in spreads), default=0)
        if least <= 0 or max(medians) <= TOO_FAR * min(medians):
            return cls(0, end)
        # Where bars begin means nothing on a logarithmic scale: at a round figure that leaves the least one a length.
        return cls(max(figure for figure in _round_figures(least / 100, least) if figure <= least / 1.5), end, True)

    @property
    def note(self) -> str:
        """What must be said of it beside its unit."""
        return " (logarithmic scale)" if self.is_log else ""

    def place(self, value: float) -> float:
        """Return where ``value`` is, 0 at the start and 1 at the end."""
        if self.is_log:
            return math.log(value / self.start) / math.log(self.end / self.start)
        return (value - self.start) / (self.end - self.start)

    def set_across(self, axes: Axes, room: float, *, most: int = 6) -> None:
        """Make it the horizontal scale of ``axes``, which are ``room`` pixels wide."""
        axes.set_xscale("log" if self.is_log else "linear")
        axes.set_xlim(self.start, self.end)
        axes.set_xticks(self.ticks(room, most=most))
        axes.set_xticks([], minor=True)
        axes.xaxis.set_major_formatter(NUMBERS)

    def set_up(self, axes: Axes, room: float, *, most: int = 6) -> None:
        """Make it the vertical scale."""
        axes.set_yscale("log" if self.is_log else "linear")
        axes.set_ylim(self.start, self.end)
        axes.set_yticks(self.ticks(room, upright=True, most=most))
        axes.set_yticks([], minor=True)
        axes.yaxis.set_major_formatter(NUMBERS)

    def ticks(self, room: float, *, upright: bool = False, most: int = 6) -> list[float]:
        """Return round figures, as many as can be written in ``room`` pixels, one above the other if ``upright``."""
        choices = self._log_choices() if self.is_log else self._linear_choices()
        return next((ticks for ticks in choices if len(ticks) <= most and self._fit(ticks, room, upright)), [])

    def _fit(self, ticks: Sequence[float], room: float, upright: bool) -> bool:
        sizes = [14 if upright else 10 + breadth(f"{tick:,.10g}") for tick in ticks]
        return all(
            (self.place(two) - self.place(one)) * room >= (here + there) / 2
            for (one, two), (here, there) in zip(pairwise(ticks), pairwise(sizes), strict=True)
        )

    def _linear_choices(self) -> Iterator[list[float]]:
        """Yield round figures on the scale, ever fewer."""
        finest = math.floor(math.log10(self.end - self.start)) - 1
        for step in (step * 10.0**power for power in range(finest, finest + 4) for step in (1, 2, 5)):
            numbers = range(math.ceil(self.start / step - 1e-9), math.floor(self.end / step + 1e-9) + 1)
            yield [round(number * step, 12) for number in numbers]

    def _log_choices(self) -> Iterator[list[float]]:
        yield _round_figures(self.start, self.end)
        for steps, every in (((1, 3), 1), ((1,), 1), ((1,), 2), ((1,), 3), ((1,), 6)):
            yield _round_figures(self.start, self.end, steps)[::every]


def _round_figures(start: float, end: float, steps: Sequence[int] = (1, 2, 5)) -> list[float]:
    """Return those of ``steps``, times any power of ten, that are from ``start`` to ``end``."""
    powers = range(math.floor(math.log10(start)), math.floor(math.log10(end)) + 1)
    figures = [step * 10.0**power for power in powers for step in steps]
    return [figure for figure in figures if start * (1 - 1e-9) <= figure <= end * (1 + 1e-9)]
