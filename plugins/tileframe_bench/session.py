"""Run the benchmark and gather what it finds."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

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
    scratch: Path | None
    """Where the outputs go; None for the system's temporary files."""
    command: str
    """As it was typed."""


def benchmark(plan: Plan, registry: Any, say: Say, each: Callable[[Bench, Trial], None]) -> Bench:
    """Run ``plan``; tell ``each`` of every trial when it is done, with all that was found so far."""
    with tempfile.TemporaryDirectory(prefix="tileframe-bench-", dir=plan.scratch) as name, Side() as side:
        scratch = Path(name)
        bench = Bench(
            date=datetime.now(UTC).isoformat(timespec="seconds"),
            command=plan.command,
            machine=this_machine(scratch),
            versions=versions(registry),
            options=held_equal(plan.workers),
            rounds=plan.rounds,
            trials=(),
        )
        for trial in _trials(plan, scratch, side, say):
            bench = replace(bench, trials=(*bench.trials, trial))
            each(bench, trial)
    return bench


def _trials(plan: Plan, scratch: Path, side: Side, say: Say) -> Iterator[Trial]:
    for source in (_ready(one, side, say) for one in plan.inputs):
        for tile_size in plan.tile_sizes:
            contest = Contest(
                source,
                plan.entrants,
                side,
                tile_size=tile_size,
                workers=plan.workers,
                scratch=scratch / "trial",
                say=partial(_say_of, f"{source.name}, tiles of {tile_size}", say),
            )
            yield contest.run(plan.rounds)


def _say_of(subject: str, say: Say, what: str) -> None:
    say(f"{subject}: {what}")


def _ready(source: Workload | Path, side: Side, say: Say) -> Input:
    """Return what is known of an input, having drawn it if need be."""
    if isinstance(source, Path):
        return side.do(look_at, source, source.name, f"{source}")
    if not source.path.exists():
        say(f"drawing {source.name}, {source.size}, {source.size.area / 1e6:.1f} MP")
    path = side.do(source.make)
    return side.do(look_at, path, source.name, path.name)
