"""Compare two saved runs of the suites by ratios to the bare library: what has become slower than before?

``python benchmarks/check_regression.py OLD NEW [--tolerance 0.15] [--storage DIR]`` takes runs as pytest-benchmark
saves and names them: ``0001``, or the path of a file. pytest-benchmark itself compares times
(``--benchmark-compare-fail``), which another machine or a busier hour changes as well. Here each time is divided by
that of the group's reference in the same run and turn: the bare library, or else the backend that is marked as one.

The time of a turn is the least of its rounds, and the ratio is the median over the turns. It is worse if it rose by
more than the tolerance and every turn of the new run is worse than all turns of the old one.

Exit code: 0 if nothing is worse, 1 if something is, 2 if the two runs cannot be compared.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_benchmark.logger import Logger, PytestBenchmarkWarning
from pytest_benchmark.storage.file import FileStorage

from tileframe_bench.records import Spread


class CannotCompare(Exception):
    """Two runs that cannot be compared; the text says why."""


@dataclass(frozen=True, slots=True)
class Member:
    """One implementation in a group of a saved run."""

    is_baseline: bool
    is_reference: bool
    seconds: dict[int, float] = field(default_factory=dict)
    """The least of the rounds, by turn."""

    def ratio(self, reference: Member) -> Spread | None:
        """Return its time divided by the reference's over the turns; None if fewer than two turns have both."""
        turns = self.seconds.keys() & reference.seconds.keys()
        theirs, ours = ([member.seconds[turn] for turn in turns] for member in (reference, self))
        return Spread.of_ratios(theirs, ours) if len(turns) > 1 else None


Run = dict[tuple[str, str], Member]
"""A saved run: by group and name."""


def read(folder: str, name: str) -> Run:
    """Load the saved run ``name``; `CannotCompare` if pytest-benchmark did not write it."""
    run: Run = {}
    storage: Any = FileStorage(folder, Logger(Logger.QUIET))  # type: ignore[no-untyped-call]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", PytestBenchmarkWarning)
            for one in storage.load_benchmarks(name):
                said = one["extra_info"]
                member = run.setdefault((one["group"], said["who"]), Member(said["baseline"], said["reference"]))
                if said["turn"] in member.seconds:
                    raise ValueError("more than one run, or a benchmark twice")
                member.seconds[said["turn"]] = one["min"]
    except (PytestBenchmarkWarning, KeyError, TypeError, ValueError) as error:
        raise CannotCompare(f"{name}: not a saved run of these suites ({error})") from error
    return run


def compare(old: Run, new: Run, tolerance: float) -> Iterator[tuple[str, str]]:
    """Yield a verdict and what it is about: everything but the baselines, which are not judged."""
    for (group, who), now in ((key, new[key]) for key in old if key in new):
        others = [key for key in old if key in new and key[0] == group and old[key].is_reference]
        reference = min(others, key=lambda key: not old[key].is_baseline, default=(group, who))
        if now.is_baseline or reference == (group, who):
            continue
        before, after = old[group, who].ratio(old[reference]), now.ratio(new[reference])
        if before is None or after is None:
            yield "single", f"{who}, {group}: a single turn has no spread"
            continue
        verdict = "worse" if rose(before, after, tolerance) else "faster" if rose(after, before, tolerance) else "same"
        yield verdict, f"{who}, {group}: {before} -> {after} times {reference[1]}"
    yield from (("gone", f"{who}, {group}") for group, who in old if (group, who) not in new)
    yield from (("new", f"{who}, {group}") for group, who in new if (group, who) not in old)


def rose(before: Spread, after: Spread, tolerance: float) -> bool:
    """Say whether a ratio rose by more than ``tolerance`` and beyond the spread of the turns."""
    return after.median > before.median * (1 + tolerance) and after.least > before.most


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Compare two saved runs by ratios to the bare library.")
    parser.add_argument("old", metavar="OLD", help="a file, or a saved run like 0001")
    parser.add_argument("new", metavar="NEW")
    parser.add_argument("--tolerance", type=float, default=0.15, help="a ratio may rise by this share: 0.15 by default")
    parser.add_argument("--storage", default=".benchmarks", help="pytest-benchmark's folder: .benchmarks by default")
    given = parser.parse_args(arguments)
    try:
        found = list(compare(read(given.storage, given.old), read(given.storage, given.new), given.tolerance))
        if not {"worse", "faster", "same"} & {verdict for verdict, _ in found}:
            raise CannotCompare("nothing to compare is in both; take two runs of the same groups at the same scale")
    except CannotCompare as error:
        print(f"check_regression: {error}", file=sys.stderr)
        return 2
    for verdict, about in found:
        print(f"{verdict:8}{about}")
    return int("worse" in {verdict for verdict, _ in found})


if __name__ == "__main__":
    sys.exit(main())
