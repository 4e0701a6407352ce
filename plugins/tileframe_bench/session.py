"""Run the benchmark and gather what it finds."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from tileframe import OutputError
from tileframe_bench.entrants import Entrant
from tileframe_bench.looking import Input, look_at
from tileframe_bench.processes import Side
from tileframe_bench.records import Bench, Trial
from tileframe_bench.rounds import Contest, Say
from tileframe_bench.surroundings import held_equal, this_machine, versions
from tileframe_bench.workloads import Workload


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be run."""

    inputs: Sequence[Workload | Path]
    entrants: Sequence[Entrant]
    tile_sizes: Sequence[int]
    workers: int
    rounds: int
    command: str
    """As it was typed."""


def benchmark(plan: Plan, registry: Any, scratch: Path, say: Say, each: Callable[[Bench, Trial], None]) -> Bench:
    """Run ``plan``; tell ``each`` of every trial when it is done, with all that was found so far.

    Every input is opened before anyone runs. The outputs are made in ``scratch``, and their disk is given back.
    """
    with Side() as side:
        bench = Bench(
            date=datetime.now(UTC).isoformat(timespec="seconds"),
            command=plan.command,
            machine=this_machine(scratch),
            versions=versions(registry),
            options=held_equal(plan.workers),
            rounds=plan.rounds,
            trials=(),
        )
        inputs = [_ready(one, plan, side, say) for one in plan.inputs]
        for trial in _trials(plan, inputs, scratch, side, say):
            bench = replace(bench, trials=(*bench.trials, trial))
            each(bench, trial)
    return bench


def _trials(plan: Plan, inputs: Sequence[Input], scratch: Path, side: Side, say: Say) -> Iterator[Trial]:
    for source in inputs:
        for tile_size in plan.tile_sizes:
            # Libraries come from the disk but once, and the input is read before every run.
            is_first = (source, tile_size) == (inputs[0], plan.tile_sizes[0])
            contest = Contest(
                source,
                plan.entrants,
                side,
                tile_size=tile_size,
                workers=plan.workers,
                scratch=Path(tempfile.mkdtemp(dir=scratch)),
                say=partial(_say_of, f"{source.name}, tiles of {tile_size}", say),
            )
            yield contest.run(plan.rounds, warm_up=is_first)


def _say_of(subject: str, say: Say, what: str) -> None:
    say(f"{subject}: {what}")


def _ready(source: Workload | Path, plan: Plan, side: Side, say: Say) -> Input:
    """Return what is known of an input, having drawn it if need be."""
    if isinstance(source, Path):
        alike = [one for one in plan.inputs if one.name == source.name]
        return side.do(look_at, source, source.name if len(alike) == 1 else f"{source}", f"{source}")
    if not source.path.exists():
        say(f"drawing {source.name}, {source.size}, {source.size.area / 1e6:.1f} MP")
    try:
        path = side.do(source.make)
    except OSError as error:
        place = error.filename or source.path.parent
        raise OutputError(
            f"{place}: cannot be written ({error.strerror}); give TILEFRAME_WORKLOADS a folder with room"
        ) from error
    return side.do(look_at, path, source.name, path.name)
