"""Programs that run in turn, each in a process of its own, every output proved before its time counts.

A B C, B C A, ..., after a round to warm up: the first of a round alone follows the proofs of the one before. Nothing is
deleted before the end: `tileframe_bench.environment` says why.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

import tileframe
from tileframe import Equality, OutputError, tiles_of
from tileframe.against import check_against
from tileframe.registry import load
from tileframe_bench.baselines import OVERLAP, QUALITY
from tileframe_bench.environment import refuse_too_little_room, scratch_folder
from tileframe_bench.judging import judge
from tileframe_bench.processes import CommandError, Cost, cost, in_own_process
from tileframe_bench.records import Spread
from tileframe_bench.session import turns

Figure = Callable[[Cost], float]
# Seconds of the whole process, CPU seconds of all threads and children, and the greatest resident size.
whole, cpu, memory = attrgetter("run.seconds"), attrgetter("run.cpu_seconds"), attrgetter("run.peak_resident")


@dataclass(frozen=True, slots=True)
class Program:
    """One way to make the pyramid, or to measure the work in it."""

    name: str
    command: Callable[[Path, Path], Sequence[str | Path]]  # given the input and the output
    # What is wrong, given the input, the output, and that of the first program of all.
    proof: Callable[[Path, Path, Path], list[str]] | None = None
    suffix: str = ".dzi"  # of the output

    def output(self, folder: Path) -> Path:
        """Return the path of the output in the folder of a round, in a folder of its own, which is made."""
        own = folder / self.name
        own.mkdir(parents=True, exist_ok=True)
        return own / f"pyramid{self.suffix}"


def in_turn(programs: Sequence[Program], source: Path, scratch: Path, rounds: int) -> dict[str, list[Cost]]:
    """Run ``programs`` for ``rounds`` after one to warm up, and return the costs of each, by name and round.

    Who fails in the round to warm up cannot do such an input and is left out. All is kept in ``scratch``, and too
    little room there is an `OutputError`.
    """
    able = list(programs)
    costs: dict[str, list[Cost]] = {one.name: [] for one in programs}
    for number in range(rounds + 1):
        folder = scratch / f"{number}"
        for one in turns(able, number):
            try:
                costs[one.name].append(cost(one.command(source, one.output(folder)), source=source))
            except CommandError as error:
                if number:
                    raise SystemExit(f"{one.name} failed: {error}") from error
                print(f"{one.name} is left out: {error}", file=sys.stderr, flush=True)
                able.remove(one)
        if not able:
            raise SystemExit(f"{source}: nobody can do it")
        for one in able:
            if one.proof and (wrong := in_own_process(one.proof, source, one.output(folder), able[0].output(folder))):
                raise SystemExit(f"{one.name}: {len(wrong)} faults, {wrong[0]} for one; no time counts")
        took = ", ".join(f"{one.name} {whole(costs[one.name][-1]):.2f}" for one in able)
        print(f"{source.stem}, round {number or 'to warm up'}: {took} s", file=sys.stderr, flush=True)
        if not number:
            refuse_too_little_room(folder, rounds)
    return {one.name: costs[one.name][1:] for one in able}


@contextmanager
def outputs_in(where: Path | None, *, settled: bool = False) -> Iterator[Path]:
    """Give `scratch_folder` for all outputs of a script; an `OutputError` ends it with one line."""
    try:
        with scratch_folder(where, settled=settled) as folder:
            yield folder
    except OutputError as error:
        raise SystemExit(f"{error}") from error


def call(cost: Cost) -> float:
    """Return the seconds of the work by its own clock: without starting Python and importing libraries."""
    return float(json.loads(cost.output)["seconds"])


def ratio(ours: Sequence[Cost], theirs: Sequence[Cost], figure: Figure) -> Spread:
    """Return the spread of theirs / ours, pair by pair."""
    return Spread.of_ratios([figure(one) for one in ours], [figure(one) for one in theirs])


def wrong_names(source: Path, target: Path, reference: Path) -> list[str]:
    """Return the tiles of the pyramid ``target`` that are missing or too many, of whatever size they are."""
    made = tileframe.open_pyramid(target)
    due = {made.layout.key(tile) for tile in tiles_of(made.layout, made.pyramid)}
    return sorted(due ^ set(made.files.keys(made.layout.folder)))


def differences(source: Path, target: Path, reference: Path, promised: Equality = Equality.PIXELS) -> list[str]:
    """Return what differs from ``reference`` in names, sizes, pixels as promised, or JPEG tables.

    With the target itself as reference: whether all of its tiles are there, sound, and of their sizes.
    """
    verdict = judge(reference, target, promised)
    return [] if verdict.is_ranked else list(verdict.marks)


def differences_of_passthrough(source: Path, target: Path, reference: Path) -> list[str]:
    """Return what is wrong with a pyramid whose base tiles are those of the slide ``source``.

    The base has to show what the slide reads. The levels below are to be those of a run without pass-through on the
    same grid, which this makes in the folder of ``reference`` if it is not there.
    """
    made, plain = tileframe.open_pyramid(target), reference.with_name("plain.dzi")
    if not plain.exists():
        side = made.pyramid.tile_size
        tileframe.run(source, plain, quality=QUALITY, tile_size=side, overlap=OVERLAP, limit_bounds=False, color="keep")
    found = tileframe.compare(tileframe.open_pyramid(plain), made)
    lower = [f"level {level.level} has other pixels" for level in found.levels[:-1] if level.differing]
    return [*found.layout, *lower, *map(str, check_against(made, source, load(), lambda tiles, pixels: None))]
