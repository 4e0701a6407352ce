"""The runs of a benchmark: all entrants in turn, A B C, A B C, ..., and no time before the pyramid is proved."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from statistics import median
from typing import Any

from tileframe import CheckError, Equality
from tileframe_bench.entrants import NAME, Entrant, held_equal
from tileframe_bench.environment import give_back, refuse_too_little_room, this_machine, versions
from tileframe_bench.judging import fingerprint, judge
from tileframe_bench.processes import CommandError, Helper, cost
from tileframe_bench.records import Bench, Entry, Trial, Verdict, baseline_of, worst_of
from tileframe_bench.reference import make_reference
from tileframe_bench.workloads import Input, Workload, open_input

# An entrant this many times slower than the fastest is run once: the ratio is no close call.
FAR_SLOWER = 2
# Cores beyond its workers that an entrant may keep busy without a mark.
SPARE_CORES = 0.5
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run."""

    inputs: Sequence[Workload | Path]
    entrants: Sequence[Entrant]
    tile_sizes: Sequence[int]
    workers: int
    rounds: int
    command: str  # as it was typed


def benchmark(plan: Plan, registry: Any, scratch: Path, say: Say) -> Iterator[Bench]:
    """Run ``plan``; yield all that was found so far after each trial.

    Every input is opened before the first run. Outputs are made in ``scratch``: nothing of it is deleted here. Progress
    goes to ``say``. `OutputError` if there is too little room for them.
    """
    with Helper() as helper:
        date, options = datetime.now(UTC).isoformat(timespec="seconds"), held_equal(plan.workers)
        bench = Bench(date, plan.command, this_machine(scratch), versions(registry), options, plan.rounds, ())
        inputs = [_opened(one, plan, helper, say) for one in plan.inputs]
        for source, tile_size in product(inputs, plan.tile_sizes):
            folder = Path(tempfile.mkdtemp(dir=scratch))
            contest = _Contest(plan, source, tile_size, folder, helper, say)
            # Once is enough to bring the libraries into the page cache.
            trial = contest.run(warm_up=not bench.trials)
            bench = replace(bench, trials=(*bench.trials, trial))
            yield bench


def turns(able: Sequence[Any], number: int) -> list[Any]:
    """Return who runs after whom in a round: the first follows comparisons, so each round begins with another one."""
    first = number % len(able) if able else 0
    return [*able[first:], *able[:first]]


def _opened(source: Workload | Path, plan: Plan, helper: Helper, say: Say) -> Input:
    """Return the facts of an input, which is drawn if it is built in and does not exist."""
    if isinstance(source, Path):
        same_name = [one for one in plan.inputs if one.name == source.name]
        return helper.do(open_input, source, source.name if len(same_name) == 1 else f"{source}", f"{source}")
    if not source.path.exists():
        say(f"drawing {source.name}, {source.size}, {source.size.area / 1e6:.1f} MP")
    path = helper.do(source.make)
    return helper.do(open_input, path, source.name, path.name)


class _Contest:
    """All entrants with one input and one tile size."""

    def __init__(self, plan: Plan, source: Input, tile_size: int, folder: Path, helper: Helper, say: Say) -> None:
        self._plan, self._source, self._folder, self._helper = plan, source, folder, helper
        self._sizes = {"tile_size": tile_size, "workers": plan.workers}
        self._say: Say = lambda what: say(f"{source.name}, tiles of {tile_size}: {what}")
        self._reference = folder / "reference" / f"{NAME}.dzi"
        self._entries: dict[str, Entry] = {}  # with the run to warm up, until all is done
        for one in plan.entrants:
            command = shlex.join(one.command(source.shown, "OUT", **self._sizes))
            failure = one.failure(source, plan.workers)
            self._entries[one.name] = Entry(one.name, one.kind, command, (), None, failure=failure)
        # By fingerprint and promise: the same bytes are compared once.
        self._verdicts: dict[tuple[str, Equality | None], Verdict] = {}

    def run(self, *, warm_up: bool) -> Trial:
        """Run all rounds, before them one to warm up if so asked; give the room back."""
        self._say("making the reference")
        self._reference.parent.mkdir(parents=True)
        pyramid = self._helper.do(make_reference, self._source.path, self._reference, **self._sizes)
        same = Verdict(Equality.PIXELS, pyramid.tile_count, pyramid.tile_count, (), is_ranked=True)
        self._verdicts = {(fingerprint(self._reference), promised): same for promised in (None, *Equality)}
        able = [one for one in self._plan.entrants if not self._entries[one.name].failure]
        numbers = range(0 if warm_up else 1, self._plan.rounds + 1)
        refuse_too_little_room(self._reference.parent, len(able) * len(numbers))
        for number in numbers:
            promises = {one.name: self._run(one, number) for one in turns(able, number)}
            able = [one for one in able if not self._entries[one.name].failure]
            for one in able:
                self._judge(one.name, number, promises[one.name])
            # The time of a wrong pyramid is no measure.
            right = [entry.runs[0].seconds for entry in self._entries.values() if entry.is_ranked]
            if number == numbers[0] and right:
                slow = FAR_SLOWER * min(right)
                able = [one for one in able if self._entries[one.name].runs[0].seconds <= slow]
        give_back(self._folder)
        entries = tuple(self._finished(entry) for entry in self._entries.values())
        return Trial(
            input=self._source.name,
            size=self._source.size,
            input_bytes=self._source.path.stat().st_size,
            levels=pyramid.level_count,
            tiles=pyramid.tile_count,
            baseline=baseline_of(entries),
            entries=entries,
            **self._sizes,
        )

    def _run(self, one: Entrant, number: int) -> Equality | None:
        """Run an entrant, and return what it promises of the pyramid."""
        folder, entry = self._target(one.name, number).parent, self._entries[one.name]
        folder.mkdir(parents=True)
        try:
            took = cost(one.process(self._source.path, folder, **self._sizes), source=self._source.path)
            promised, method = one.reported(took.output)
        except (CommandError, OSError, ValueError, KeyError) as error:
            failure = str(error).replace(str(self._source.path), self._source.shown)
            is_wrong = getattr(error, "code", 0) == CheckError.exit_code
            self._entries[one.name] = replace(entry, runs=(), verdict=None, failure=failure, is_wrong=is_wrong)
            self._say(f"{one.name} failed: {failure}")
            return None
        self._entries[one.name] = replace(entry, runs=(*entry.runs, took.run), method=method)
        self._say(f"{f'round {number}' if number else 'to warm up'}: {one.name} {took.run.seconds:.2f} s")
        return promised

    def _judge(self, name: str, number: int, promised: Equality | None) -> None:
        target, entry = self._target(name, number), self._entries[name]
        key = fingerprint(target), promised
        if key not in self._verdicts:
            self._verdicts[key] = self._helper.do(judge, self._reference, target, promised)
        verdict = worst_of([entry.verdict or self._verdicts[key], self._verdicts[key]])
        self._entries[name] = replace(entry, verdict=verdict, is_wrong=not (verdict and verdict.is_ranked))

    def _target(self, name: str, number: int) -> Path:
        return self._folder / name / f"{number}" / f"{NAME}.dzi"

    def _finished(self, entry: Entry) -> Entry:
        """Return an entry without the run to warm up, and with a mark for more cores than it was given."""
        workers, verdict = self._plan.workers, entry.verdict
        if verdict and (busy := median(run.cores_busy for run in entry.runs)) > workers + SPARE_CORES:
            mark = f"kept {busy:.1f} cores busy with {workers} workers"
            verdict = replace(verdict, marks=(*verdict.marks, mark))
        return replace(entry, runs=entry.runs[-self._plan.rounds :], verdict=verdict)
