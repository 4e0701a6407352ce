"""The figures of one workload: medians, spreads and ratios over all rounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from benchmarks.competitors import DZSAVE, Competitor, Run
from benchmarks.limits import STAGES, Stages
from benchmarks.proofs import Traits
from tileframe_bench.records import Spread

Clock = Callable[[Run], float]


def whole(run: Run) -> float:
    """The seconds of the whole process."""
    return run.cost.seconds


def call(run: Run) -> float:
    """The seconds of the call alone."""
    return run.call


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of one input."""

    name: str
    traits: Traits
    competitors: tuple[Competitor, ...]
    rounds: tuple[dict[Competitor, Run], ...]
    stages: tuple[dict[tuple[str, ...], Stages], ...]
    """For each round, by the options of the measurement."""

    def figures(self, competitor: Competitor, figure: Clock) -> Spread:
        """Return ``figure`` of all runs of ``competitor``."""
        return Spread.of([figure(runs[competitor]) for runs in self.rounds])

    def times_as_fast(self, competitor: Competitor, clock: Clock, than: Competitor = DZSAVE) -> Spread | None:
        """Return how many times as fast as ``than`` it is, pair by pair; None where one of the two did not run."""
        if not {competitor, than} <= set(self.competitors):
            return None
        return Spread.of([clock(runs[than]) / clock(runs[competitor]) for runs in self.rounds])

    def of_limit(self, competitor: Competitor, clock: Clock) -> Spread:
        """Return how many times the limit of its round it takes."""
        return Spread.of(
            [
                clock(runs[competitor]) / stages[competitor.limit].limit
                for runs, stages in zip(self.rounds, self.stages, strict=True)
            ]
        )

    def median_stages(self, limit: tuple[str, ...]) -> Stages:
        """Return the stages with the median seconds of each."""
        rounds = [stages[limit] for stages in self.stages]
        seconds = {stage: median(stages.seconds[stage] for stages in rounds) for stage in STAGES}
        return Stages(rounds[0].in_order, rounds[0].cores, seconds)


def table(measured: Measured) -> str:
    """Return the figures of all competitors: of the whole processes, then of the calls."""
    lines = [
        f"{'whole process':22}{'seconds':>24}{'CPU s':>8}{'cores':>7}{'peak MB':>9}{'own MB':>8}"
        f"{'x dzsave':>25}{'x limit':>25}"
    ]
    for one in measured.competitors:
        busy = measured.figures(one, lambda run: run.cost.busy).median
        cores = measured.figures(one, lambda run: run.cost.cores).median
        peak = measured.figures(one, lambda run: run.cost.peak / 1e6).most
        own = measured.figures(one, lambda run: (run.cost.anonymous or 0) / 1e6).most
        lines.append(
            f"{one.name:22}{measured.figures(one, whole)!s:>24}{busy:8.2f}{cores:7.2f}{peak:9.0f}{own:8.0f}"
            f"{_ratios(measured, one, whole)}"
        )
    lines += ["", f"{'the call':22}{'seconds':>24}{'':32}{'x dzsave':>25}{'x limit':>25}"]
    lines += [
        f"{one.name:22}{measured.figures(one, call)!s:>24}{'':32}{_ratios(measured, one, call)}"
        for one in measured.competitors
    ]
    lines += ["", "limit: the work alone, one thread, over all of the data; medians of the rounds"]
    for limit in dict.fromkeys(one.limit for one in measured.competitors):
        lines.append(f"  {' '.join(limit) or 'plain':20}{measured.median_stages(limit)}")
    return "\n".join(lines)


def _ratios(measured: Measured, one: Competitor, clock: Clock) -> str:
    fast = "" if one is DZSAVE else measured.times_as_fast(one, clock) or "-"
    return f"{fast!s:>25}{measured.of_limit(one, clock)!s:>25}"
