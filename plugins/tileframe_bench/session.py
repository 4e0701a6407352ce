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

from tileframe import CheckError, Equality, OutputError, Pyramid
from tileframe_bench.entrants import NAME, Entrant, held_equal
from tileframe_bench.environment import give_back, this_machine, versions
from tileframe_bench.judging import fingerprint, judge
from tileframe_bench.processes import CommandError, Helper, cost
from tileframe_bench.records import Bench, Entry, Run, Trial, Verdict, baseline_of, worst_of
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

    Every input is opened before the first run. Outputs are made in ``scratch``, and their disk is given back. Progress
    goes to ``say``.
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
    try:
        path = helper.do(source.make)
    except OSError as error:
        place = error.filename or source.path.parent
        raise OutputError(
            f"{place}: cannot be written ({error.strerror}); give TILEFRAME_WORKLOADS a folder with room"
        ) from error
    return helper.do(open_input, path, source.name, path.name)


class _Score:
    """The results of one entrant so far."""

    def __init__(self, entrant: Entrant, folder: Path, failure: str) -> None:
        self.entrant, self.folder, self.failure = entrant, folder, failure
        self.runs: list[Run] = []  # with the one to warm up
        self.verdicts: list[Verdict] = []
        self.promised: Equality | None = None
        self.method = ""
        self.is_wrong = False
        self.is_over = bool(failure)  # not run again: it failed, or is far slower


class _Contest:
    """All entrants with one input and one tile size."""

    def __init__(self, plan: Plan, source: Input, tile_size: int, folder: Path, helper: Helper, say: Say) -> None:
        self._plan, self._source, self._folder, self._helper = plan, source, folder, helper
        self._sizes = {"tile_size": tile_size, "workers": plan.workers}
        self._say: Say = lambda what: say(f"{source.name}, tiles of {tile_size}: {what}")
        self._reference = folder / "reference" / f"{NAME}.dzi"
        self._scores = [
            _Score(entrant, folder / f"{number}", entrant.failure(source, plan.workers))
            for number, entrant in enumerate(plan.entrants)
        ]
        # By fingerprint and promise: the same bytes are compared once.
        self._verdicts: dict[tuple[str, Equality | None], Verdict] = {}

    def run(self, *, warm_up: bool) -> Trial:
        """Run all rounds, before them one to warm up if so asked; give the disk back."""
        self._say("making the reference")
        self._reference.parent.mkdir(parents=True)
        pyramid = self._helper.do(make_reference, self._source.path, self._reference, **self._sizes)
        same = Verdict(Equality.PIXELS, pyramid.tile_count, pyramid.tile_count, (), is_ranked=True)
        self._verdicts = {(fingerprint(self._reference), promised): same for promised in (None, *Equality)}
        numbers = range(0 if warm_up else 1, self._plan.rounds + 1)
        for number in numbers:
            able = [score for score in self._scores if not score.is_over]
            for score in [score for score in turns(able, number) if self._ran(score, number)]:
                target = score.folder / f"{number}" / f"{NAME}.dzi"
                key = fingerprint(target), score.promised
                if key not in self._verdicts:
                    self._verdicts[key] = self._helper.do(judge, self._reference, target, score.promised)
                score.verdicts.append(self._verdicts[key])
            if number == numbers[0]:
                # The time of a wrong pyramid is no measure.
                right = [one.runs[0].seconds for one in able if one.verdicts and one.verdicts[0].is_ranked]
                for score in able if right else ():
                    score.is_over |= bool(score.runs) and score.runs[0].seconds > FAR_SLOWER * min(right)
        give_back(self._folder)
        return self._trial(pyramid)

    def _ran(self, score: _Score, number: int) -> bool:
        """Run an entrant, and say whether it has made something."""
        folder, entrant = score.folder / f"{number}", score.entrant
        folder.mkdir(parents=True)
        try:
            took = cost(entrant.process(self._source.path, folder, **self._sizes), source=self._source.path)
            score.promised, score.method = entrant.reported(took.output)
        except (CommandError, OSError, ValueError, KeyError) as error:
            score.is_over, score.is_wrong = True, getattr(error, "code", 0) == CheckError.exit_code
            score.failure = str(error).replace(str(self._source.path), self._source.shown)
            self._say(f"{entrant.name} failed: {score.failure}")
            return False
        score.runs.append(took.run)
        self._say(f"{f'round {number}' if number else 'to warm up'}: {entrant.name} {took.run.seconds:.2f} s")
        return True

    def _trial(self, pyramid: Pyramid) -> Trial:
        entries = tuple(self._entry(score) for score in self._scores)
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

    def _entry(self, score: _Score) -> Entry:
        workers, worst = self._plan.workers, worst_of(score.verdicts)
        if worst and (busy := median(run.cores_busy for run in score.runs)) > workers + SPARE_CORES:
            worst = replace(worst, marks=(*worst.marks, f"kept {busy:.1f} cores busy with {workers} workers"))
        return Entry(
            name=score.entrant.name,
            kind=score.entrant.kind,
            command=shlex.join(score.entrant.command(self._source.shown, "OUT", **self._sizes)),
            runs=() if score.failure else tuple(score.runs[-self._plan.rounds :]),
            verdict=None if score.failure else worst,
            is_wrong=score.is_wrong or (not score.failure and worst is not None and not worst.is_ranked),
            method=score.method,
            failure=score.failure,
        )
