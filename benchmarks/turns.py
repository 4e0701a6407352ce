"""Programs that run in turn, each in a process of its own, every output proved before its time counts.

A B C, B C A, ..., after a round to warm up: the first of a round alone follows the proofs of the one before. Nothing is
deleted before the end, for ext4 makes files more slowly for a while after many were deleted.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tileframe_bench.processes import CommandError, Cost, cost, in_own_process
from tileframe_bench.records import Spread

Proof = Callable[[Path, Path, Path], list[str]]


@dataclass(frozen=True, slots=True)
class Program:
    """One way to make the pyramid, or to measure the work in it."""

    name: str
    command: Callable[[Path, Path], Sequence[str | Path]]
    """Returns the command, given the input and the output."""
    proof: Proof | None = None
    """Returns what is wrong, given the input, the output, and that of the first program of all."""
    suffix: str = ".dzi"
    """Of the output."""

    def output(self, folder: Path) -> Path:
        """Return the path of the output in the folder of a round, in a folder of its own, which is made."""
        own = folder / self.name
        own.mkdir(parents=True, exist_ok=True)
        return own / f"pyramid{self.suffix}"


def in_turn(programs: Sequence[Program], source: Path, scratch: Path, rounds: int) -> dict[str, list[Cost]]:
    """Run ``programs`` for ``rounds`` after one to warm up, and return the costs of each, by name and round.

    Who fails in the round to warm up cannot do such an input and is left out. All is kept in ``scratch``.
    """
    able = list(programs)
    costs: dict[str, list[Cost]] = {one.name: [] for one in programs}
    for number in range(rounds + 1):
        folder, first = scratch / f"{number}", number % len(able)
        failed = []
        for one in able[first:] + able[:first]:
            try:
                costs[one.name].append(cost(one.command(source, one.output(folder)), source=source))
            except CommandError as error:
                if number:
                    raise SystemExit(f"{one.name} failed: {error}") from error
                print(f"{one.name} is left out: {error}", file=sys.stderr, flush=True)
                failed.append(one)
        able = [one for one in able if one not in failed]
        if not able:
            raise SystemExit(f"{source}: nobody can do it")
        for one in able:
            if one.proof and (wrong := in_own_process(one.proof, source, one.output(folder), able[0].output(folder))):
                raise SystemExit(f"{one.name}: {len(wrong)} faults, {wrong[0]} for one; no time counts")
        took = ", ".join(f"{one.name} {costs[one.name][-1].seconds:.2f}" for one in able)
        print(f"{source.stem}, round {number or 'to warm up'}: {took} s", file=sys.stderr, flush=True)
    return {one.name: costs[one.name][1:] for one in able}


def whole(cost: Cost) -> float:
    """Return the seconds of the whole process."""
    return cost.seconds


def call(cost: Cost) -> float:
    """Return the seconds of the work by its own clock: without starting Python and importing libraries."""
    return float(json.loads(cost.output)["seconds"])


def cpu(cost: Cost) -> float:
    """Return the CPU seconds of all threads and children."""
    return cost.cpu_seconds


def ratio(ours: Sequence[Cost], theirs: Sequence[Cost], figure: Callable[[Cost], float]) -> Spread:
    """Return the spread of theirs / ours, pair by pair."""
    return Spread.of_ratios([figure(one) for one in ours], [figure(one) for one in theirs])
