"""Compare two saved runs of the suites by ratios: what has become slower than before, beside its baseline.

``python benchmarks/check_regression.py OLD.json NEW.json [--tolerance 0.15]`` divides the time of everyone in a group
by the time of the group's reference in the same file, so that a faster machine or a busier hour changes nothing. The
reference is the baseline that is marked as one, or else the backend marked so, and in both files the same.

What is divided are the least times of the rounds: whatever disturbs a round makes it longer, so that the shortest one
is nearest to the work itself. Each turn's time is divided by that of the same turn, for a machine changes in between,
and the ratio is the median of the turns. It got worse if it rose by more than the tolerance, and if besides it did so
beyond the noise: the spreads of the two ratios must not overlap. The spread of several turns goes from the least to the
greatest of their ratios. That of a single turn goes from (least time / median time of the reference) to (median time /
least time of the reference): it holds the quicker half of the rounds of both, and no single bad round widens it.

Exit code: 0 if nothing got worse, 1 if something did, 2 if the two cannot be compared.
"""

from __future__ import annotations

import argparse
import enum
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.saved_runs import Entry, Run, Unusable, read

# Of fewer rounds there is no spread.
LEAST_ROUNDS = 2


class Verdict(enum.Enum):
    """What has become of a ratio."""

    WORSE = "worse"
    FASTER = "faster"
    SAME = "neither"


@dataclass(frozen=True, slots=True)
class Ratio:
    """How many times as long as its reference somebody took, in one run."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, entry: Entry, reference: Entry) -> Ratio | None:
        """Return that of ``entry`` to ``reference``; None if there is no spread: one turn, and one round of it."""
        pairs = [(timing, reference.turns[turn]) for turn, timing in entry.turns.items() if turn in reference.turns]
        ratios = [ours.least / theirs.least for ours, theirs in pairs]
        if len(pairs) > 1:
            return cls(median(ratios), min(ratios), max(ratios))
        if not pairs or min(timing.rounds for timing in pairs[0]) < LEAST_ROUNDS:
            return None
        ours, theirs = pairs[0]
        return cls(ratios[0], ours.least / theirs.median, ours.median / theirs.least)

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One who is in both runs, and has a reference in both."""

    who: str
    group: str
    reference: str
    then: Ratio
    now: Ratio

    def verdict(self, tolerance: float) -> Verdict:
        """Return whether the ratio changed by more than ``tolerance`` and more than the rounds differ anyway."""
        if self.now.value > self.then.value * (1 + tolerance) and self.now.low > self.then.high:
            return Verdict.WORSE
        if self.then.value > self.now.value * (1 + tolerance) and self.then.low > self.now.high:
            return Verdict.FASTER
        return Verdict.SAME

    def __str__(self) -> str:
        return f"{self.who}, {self.group}: {self.then} -> {self.now} times {self.reference}"


def compare(old: Run, new: Run) -> tuple[list[Comparison], list[str]]:
    """Return who can be compared, and lines about who cannot. Baselines are not judged: they are no part of tileframe.

    `Unusable` if there is nothing to compare.
    """
    common = [group for group in old if group in new]
    if not common:
        raise Unusable(
            f"no group is in both: {_first(old)} and {_first(new)}; take two runs of the same suites at the same scale"
        )
    comparisons: list[Comparison] = []
    lines = [*_only("gone", old, new), *_only("new", new, old)]
    for group in common:
        found, left_out = _of_group(group, old[group], new[group])
        comparisons += found
        lines += left_out
    if not comparisons:
        raise Unusable(f"nothing can be compared ({'; '.join(lines) or 'all are baselines'}); run whole groups")
    return comparisons, lines


def _of_group(group: str, old: dict[str, Entry], new: dict[str, Entry]) -> tuple[list[Comparison], list[str]]:
    judged = [who for who, entry in new.items() if who in old and not entry.is_baseline]
    reference = _reference(old, new)
    if reference is None:
        return [], [f"not compared: {who}, {group}: nobody to compare it with is in both runs" for who in judged]
    comparisons: list[Comparison] = []
    lines: list[str] = []
    for who in judged:
        then, now = Ratio.of(old[who], old[reference]), Ratio.of(new[who], new[reference])
        if who == reference:
            lines.append(f"not compared: {who}, {group}: the others are compared with it")
        elif then is None or now is None:
            lines.append(f"not compared: {who}, {group}: a single round, of it or of {reference}, has no spread")
        else:
            comparisons.append(Comparison(who, group, reference, then, now))
    return comparisons, lines


def _reference(old: dict[str, Entry], new: dict[str, Entry]) -> str | None:
    able = [who for who, entry in new.items() if entry.is_reference and who in old and old[who].is_reference]
    return min(able, key=lambda who: (not new[who].is_baseline, who), default=None)


def _only(word: str, here: Run, there: Run) -> Iterator[str]:
    """Yield a line on each group, and each one of a common group, that is ``here`` alone."""
    for group, members in here.items():
        if group not in there:
            yield f"{word}: the group {group} ({', '.join(members)})"
        else:
            yield from (f"{word}: {who}, {group}" for who in members if who not in there[group])


def _first(run: Run) -> str:
    return f"'{next(iter(run))}', ..." if run else "no benchmark"


def report(comparisons: Sequence[Comparison], lines: Sequence[str], tolerance: float) -> int:
    """Print what was found, and return how many got worse."""
    found = {verdict: [one for one in comparisons if one.verdict(tolerance) is verdict] for verdict in Verdict}
    for verdict in (Verdict.WORSE, Verdict.FASTER):
        for one in found[verdict]:
            print(f"{verdict.value}: {one}")
    print(*lines, sep="\n", end="\n" if lines else "")
    counts = ", ".join(f"{len(ones)} {verdict.value}" for verdict, ones in found.items())
    print(f"{len(comparisons)} compared: {counts} by more than {100 * tolerance:g}% and the spread")
    return len(found[Verdict.WORSE])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Say what became slower between two saved runs, beside its baseline.")
    parser.add_argument("old", type=Path, metavar="OLD.json")
    parser.add_argument("new", type=Path, metavar="NEW.json")
    parser.add_argument("--tolerance", type=float, default=0.15, help="a ratio may rise by this share: 0.15 by default")
    given = parser.parse_args(arguments)
    try:
        if not 0 <= given.tolerance < math.inf:
            raise Unusable(f"--tolerance must be 0 or more, like 0.15, not {given.tolerance}")
        comparisons, lines = compare(read(given.old), read(given.new))
    except Unusable as error:
        print(f"check_regression: {error}", file=sys.stderr)
        return 2
    return int(report(comparisons, lines, given.tolerance) > 0)


if __name__ == "__main__":
    sys.exit(main())
