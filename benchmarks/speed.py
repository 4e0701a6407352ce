"""The backend `stream` beside everything else that makes the same pyramid, and beside the limit of the machine.

``python benchmarks/speed.py [--workload NAME ...] [--scale S] [--rounds N] [--input FILE] [--slow] [--without X ...]``

Each competitor runs in a process of its own with a fresh folder, in turn A B C, A B C ..., after one round that warms
up; every output is proved before its time counts. In each round the work itself is measured as well, stage by stage:
what no program can do without. At full size it says which of the targets were reached. It needs the space of all
outputs at once: nothing is deleted before the end, for ext4 is slower for a while after many files were deleted.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from benchmarks.competitors import (
    DZSAVE,
    GENERATOR,
    OPENSLIDE,
    PASSTHROUGH,
    POOL,
    STREAM,
    VIPS,
    Competitor,
    Run,
    measured_stages,
    one_round,
)
from benchmarks.limits import Stages
from tileframe import Size
from tileframe_bench.processes import in_own_process
from tileframe_bench.records import Spread
from tileframe_bench.workloads import WORKLOADS, open_input, scaled

Figure = Callable[[Run], float]
CLOCKS: dict[str, Figure] = {"whole process": attrgetter("whole"), "the call": attrgetter("call")}
# Times as fast as another one, at least, by workload.
FASTER = {"babel": [(STREAM, DZSAVE, 1.35)], "svs": [(STREAM, DZSAVE, 1.6), (PASSTHROUGH, DZSAVE, 2.5)]}
FASTER_THAN_POOL = 2.0
# Times the limit, at most.
OF_LIMIT = 1.3
# Megabytes, for sources that give rows and for those that give regions.
ROWS_MEMORY, REGIONS_MEMORY = 500, 300


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured of one input."""

    name: str
    size: Size
    is_slide: bool
    runs: dict[Competitor, list[Run]]
    """By round."""
    stages: dict[tuple[str, ...], list[Stages]]
    """The work alone, by round, with the options that `Competitor.limit` has."""

    def spread(self, one: Competitor, figure: Figure) -> Spread:
        """Return the spread of ``figure`` over the rounds."""
        return Spread.of([figure(run) for run in self.runs[one]])

    def times_as_fast(self, one: Competitor, clock: Figure, than: Competitor = DZSAVE) -> Spread | None:
        """Return how many times as fast as ``than`` it is, pair by pair; None where one of the two did not run."""
        if not {one, than} <= self.runs.keys():
            return None
        return Spread.of_ratios(*([clock(run) for run in self.runs[who]] for who in (one, than)))

    def of_limit(self, one: Competitor, clock: Figure) -> Spread:
        """Return how many times the limit of its round it takes."""
        limits = [stages.limit for stages in self.stages[one.limit]]
        return Spread.of_ratios(limits, [clock(run) for run in self.runs[one]])


def table(measured: Measured) -> str:
    """Return the figures of all competitors: of the whole processes, then of the calls, then the limits."""
    lines = []
    for name, clock in CLOCKS.items():
        is_whole = name == "whole process"
        costs = f"{'CPU s':>8}{'cores':>7}{'peak MB':>9}{'own MB':>8}" if is_whole else f"{'':32}"
        lines.append(f"{name:22}{'seconds':>24}{costs}{'x dzsave':>25}{'x limit':>25}")
        for one in measured.runs:
            fast = None if one is DZSAVE else measured.times_as_fast(one, clock)
            if is_whole:
                busy = measured.spread(one, lambda run: run.cost.cpu_seconds).median
                cores = measured.spread(one, lambda run: run.cost.cores_busy).median
                peak, own = (measured.spread(one, attrgetter(held)).most for held in ("peak", "own_peak"))
                costs = f"{busy:8.2f}{cores:7.2f}{peak:9.0f}{own:8.0f}"
            ratios = f"{fast or '-'!s:>25}{measured.of_limit(one, clock)!s:>25}"
            lines.append(f"{one.name:22}{measured.spread(one, clock)!s:>24}{costs}{ratios}")
        lines.append("")
    lines.append("limit: the work alone, one thread, over all of the data; medians of the rounds")
    for limit, rounds in measured.stages.items():
        lines.append(f"  {' '.join(limit) or 'plain':20}{Stages.medians(rounds)}")
    return "\n".join(lines)


def verdicts(measured: Measured) -> Iterator[str]:
    """Yield a line for each target of the workload: was it reached?"""
    pool = [(OPENSLIDE, POOL, FASTER_THAN_POOL)] if measured.is_slide else []
    for one, than, least in [*FASTER.get(measured.name, []), *pool]:
        fast = [measured.times_as_fast(one, clock, than) for clock in CLOCKS.values()]
        yield _line(f"{one.name} is at least {least} times as fast as {than.name}", fast, least=least)
    for one in [one for one in (STREAM, PASSTHROUGH, OPENSLIDE) if one in measured.runs]:
        figures = [measured.of_limit(one, clock) for clock in CLOCKS.values()]
        yield _line(f"{one.name} takes at most {OF_LIMIT} times its limit", figures, most=OF_LIMIT)
        most = ROWS_MEMORY if measured.stages[one.limit][0].in_order else REGIONS_MEMORY
        peak, own = (measured.spread(one, attrgetter(held)).most for held in ("peak", "own_peak"))
        yield f"{one.name} stays below {most} MB: {peak:.0f} MB {_word(peak < most)} ({own:.0f} MB without files)"
    if measured.name == "jp2k":
        stages = Stages.medians(measured.stages[STREAM.limit])
        decoding = [stages.seconds["decode"] / stages.cores]
        times = [Spread.of_ratios(decoding, [clock(run) for run in measured.runs[STREAM]]) for clock in CLOCKS.values()]
        about = f"the JPEG 2000 decoding, {decoding[0]:.2f} s on {stages.cores} cores"
        yield _line(f"stream takes at most {OF_LIMIT} times {about}", times, most=OF_LIMIT)


def _line(about: str, figures: Sequence[Spread | None], least: float = 0, most: float = float("inf")) -> str:
    said = []
    for name, spread in zip(CLOCKS, figures, strict=True):
        reached = "not measured" if spread is None else f"{spread.median:.2f} {_word(least <= spread.median <= most)}"
        said.append(f"{name} {reached}")
    return f"{about}: {', '.join(said)}"


def _word(reached: bool) -> str:
    return "reached" if reached else "NOT reached"


def measure(name: str, source: Path, scratch: Path, rounds: int, *, slow: bool, without: Collection[str]) -> Measured:
    """Run everyone who can do ``source``, ``rounds`` times after one to warm up."""
    known = in_own_process(open_input, source, name, name)
    # Of a picture, each process of the pool holds all pixels twice, and reads all of them for each of the top tiles.
    able = {POOL: known.is_slide or slow, GENERATOR: slow}
    everyone = (STREAM, PASSTHROUGH, OPENSLIDE, VIPS, DZSAVE, POOL, GENERATOR)
    chosen = [one for one in everyone if able.get(one, True) and one.name not in without]
    competitors = list(one_round(chosen, source, scratch / name, 0))
    limits = list(dict.fromkeys(one.limit for one in competitors))
    measured = Measured(name, known.size, known.is_slide, {one: [] for one in competitors}, {it: [] for it in limits})
    for number in range(1, rounds + 1):
        # Another one first in each round: it alone follows the proofs of the round before.
        first = number % len(competitors)
        for one, run in one_round(competitors[first:] + competitors[:first], source, scratch / name, number).items():
            measured.runs[one].append(run)
        for at, limit in enumerate(limits):
            stages = measured_stages(source, scratch / name / f"limits {number}" / f"{at}", limit)
            measured.stages[limit].append(stages)
            print(f"limit: {stages}", file=sys.stderr, flush=True)
    return measured


def sources(arguments: argparse.Namespace) -> Iterator[tuple[str, Path]]:
    """Yield the names and paths of the inputs, which are made if need be."""
    if arguments.input is not None:
        yield arguments.input.stem, arguments.input
        return
    for name in arguments.workload or WORKLOADS:
        # In a process of its own: a child's peak memory begins at what its parent holds.
        yield name, in_own_process(scaled(WORKLOADS[name], arguments.scale).make)


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare the backend stream with everything else, and with the limit.")
    parser.add_argument("--workload", nargs="+", choices=WORKLOADS, metavar="NAME", help=f"of {', '.join(WORKLOADS)}")
    parser.add_argument("--input", type=Path, metavar="FILE", help="instead of the workloads")
    parser.add_argument("--scale", type=float, default=1.0, help="both sides of the pictures times this")
    parser.add_argument("--rounds", type=int, default=5, help="after one to warm up")
    parser.add_argument("--slow", action="store_true", help="the generator loops too, which take minutes and gigabytes")
    parser.add_argument("--without", nargs="+", default=[], metavar="WHO", help="leave these out, by name")
    parser.add_argument("--scratch", type=Path, metavar="DIR", help="where the outputs go; default: temporary files")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tileframe-speed-", dir=given.scratch) as scratch:
        for name, source in sources(given):
            measured = measure(name, source, Path(scratch), rounds=given.rounds, slow=given.slow, without=given.without)
            size = measured.size
            print(f"\n{name}: {size}, {size.area / 1e6:.1f} MP, {given.rounds} rounds\n")
            print(table(measured), end="\n\n", flush=True)
            if given.scale == 1 and given.input is None:
                print("targets, by medians", *(f"  {line}" for line in verdicts(measured)), sep="\n", flush=True)
            else:
                print("targets: they are set for the workloads at full size")


if __name__ == "__main__":
    main()
