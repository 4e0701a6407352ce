"""Everyone in turn, A B C, A B C ..., and nobody's time before their pyramid is proved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

from tileframe import CheckError, Equality, Pyramid
from tileframe_bench.entrants import NAME, Entrant
from tileframe_bench.judging import fingerprint, judge
from tileframe_bench.looking import Input
from tileframe_bench.processes import CommandError, Side, cost
from tileframe_bench.records import Entry, Run, Trial, Verdict, baseline_of, worst_of
from tileframe_bench.reference import make_reference
from tileframe_bench.scratch import give_back

# Who takes so many times as long as the fastest is run once: the ratio is no close call.
FAR_SLOWER = 2
# Cores beyond its workers that a backend may keep busy without being named.
SPARE = 0.5
Say = Callable[[str], None]


@dataclass
class _Score:
    """What is known of one entrant so far."""

    runs: list[Run] = field(default_factory=list)
    """All of them, the one to warm up among them."""
    verdicts: list[Verdict] = field(default_factory=list)
    promised: Equality | None = None
    way: str = ""
    trouble: str = ""
    is_wrong: bool = False
    """Whether it was trouble with its pyramid."""
    is_over: bool = False
    """Whether it is run no more."""


class Contest:
    """Entrants with one input, at one tile size, with one number of workers."""

    def __init__(
        self,
        source: Input,
        entrants: Sequence[Entrant],
        side: Side,
        *,
        tile_size: int,
        workers: int,
        scratch: Path,
        say: Say,
    ) -> None:
        """Make ready to run; all is written below ``scratch``, an empty folder. ``say`` is told what happens."""
        self._side = side
        self._source = source
        self._tile_size = tile_size
        self._workers = workers
        self._scratch = scratch
        self._say = say
        self._scores = {entrant: _Score(trouble=entrant.trouble(source, workers)) for entrant in entrants}
        self._known: dict[tuple[str, Equality | None], Verdict] = {}

    def run(self, rounds: int, *, warm_up: bool) -> Trial:
        """Return what ``rounds`` rounds gave, after one to warm up if so asked; give the disk back."""
        self._say("making the reference")
        right = self._scratch / "reference" / f"{NAME}.dzi"
        right.parent.mkdir(parents=True)
        pyramid = self._side.do(make_reference, self._source.path, right, self._tile_size, self._workers)
        # What has the reference's bytes need not be decoded, nor what has those of the round before.
        same = Verdict(Equality.PIXELS, pyramid.tile_count, pyramid.tile_count, (), is_ranked=True)
        self._known = {(fingerprint(right), promised): same for promised in (None, *Equality)}
        numbers = range(0 if warm_up else 1, rounds + 1)
        for number in numbers:
            self._round(number, right)
            if number == numbers[0]:
                self._leave_out_the_slow()
        give_back(self._scratch)
        return self._trial(pyramid, rounds)

    def _round(self, number: int, right: Path) -> None:
        """Run everyone, then look at what they made."""
        able = [one for one, score in self._scores.items() if not (score.trouble or score.is_over)]
        # The first one follows checks, which are not what the others follow: it is another in each round.
        first = number % len(able) if able else 0
        ran = [one for one in able[first:] + able[:first] if self._run(one, number)]
        for entrant in ran:
            self._judge(entrant, self._folder(entrant, number) / f"{NAME}.dzi", right)

    def _run(self, entrant: Entrant, number: int) -> bool:
        """Run it, and say whether there is something to look at."""
        score = self._scores[entrant]
        folder = self._folder(entrant, number)
        folder.mkdir(parents=True)
        command = entrant.process(self._source.path, folder, tile_size=self._tile_size, workers=self._workers)
        try:
            took = cost(command, source=self._source.path)
            score.promised, score.way = entrant.said(folder)
        except (CommandError, OSError, ValueError, KeyError) as error:
            score.is_wrong = isinstance(error, CommandError) and error.code == CheckError.exit_code
            score.trouble = str(error).replace(str(self._source.path), self._source.shown)
            self._say(f"{entrant.name} failed: {score.trouble}")
            return False
        score.runs.append(Run(took.seconds, took.busy, took.peak, took.read, took.written, took.samples))
        self._say(f"{f'round {number}' if number else 'to warm up'}: {entrant.name} {took.seconds:.2f} s")
        return True

    def _judge(self, entrant: Entrant, target: Path, right: Path) -> None:
        score = self._scores[entrant]
        key = fingerprint(target), score.promised
        if key not in self._known:
            self._known[key] = self._side.do(judge, right, target, score.promised)
        score.verdicts.append(self._known[key])

    def _leave_out_the_slow(self) -> None:
        ran = [score for score in self._scores.values() if score.runs]
        # Who makes a wrong pyramid in no time is no measure.
        right = [score.runs[0].seconds for score in ran if score.verdicts[0].is_ranked]
        for score in ran if right else []:
            score.is_over = score.runs[0].seconds > FAR_SLOWER * min(right)

    def _folder(self, entrant: Entrant, number: int) -> Path:
        return self._scratch / f"{number}" / f"{list(self._scores).index(entrant)}"

    def _trial(self, pyramid: Pyramid, rounds: int) -> Trial:
        entries = tuple(self._entry(entrant, score, rounds) for entrant, score in self._scores.items())
        return Trial(
            input=self._source.name,
            size=self._source.size,
            input_bytes=self._source.length,
            tile_size=self._tile_size,
            levels=pyramid.level_count,
            tiles=pyramid.tile_count,
            workers=self._workers,
            baseline=baseline_of(entries),
            entries=entries,
        )

    def _entry(self, entrant: Entrant, score: _Score, rounds: int) -> Entry:
        runs = () if score.trouble else tuple(score.runs[-rounds:])
        worst = worst_of(score.verdicts)
        if worst is not None and (busy := median([run.cores for run in score.runs])) > self._workers + SPARE:
            worst = replace(worst, marks=(*worst.marks, f"kept {busy:.1f} cores busy with {self._workers} workers"))
        return Entry(
            name=entrant.name,
            kind=entrant.kind,
            command=entrant.line(self._source.shown, tile_size=self._tile_size, workers=self._workers),
            runs=runs,
            verdict=None if score.trouble else worst,
            is_wrong=score.is_wrong or (not score.trouble and worst is not None and not worst.is_ranked),
            way=score.way,
            trouble=score.trouble,
        )
