"""Records of a benchmark, and the statistics of their figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Literal, Self

from tileframe import Equality, Size
from tileframe_bench.text import figure

SCHEMA = "tileframe-bench/1"
# The first of these that made a right pyramid is the baseline of the ratios; else the first entrant that did.
BASELINE_TIMES = ("bare dzsave", "vips")


@dataclass(frozen=True, slots=True)
class Spread:
    """The median, the least and the greatest of some figures."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> Self:
        """Return the spread of at least one figure."""
        return cls(median(figures), min(figures), max(figures))

    @classmethod
    def of_ratios(cls, ours: Sequence[float], theirs: Sequence[float]) -> Self:
        """Return the spread of theirs / ours, pair by pair of one round; a single figure is paired with all others."""
        if 1 in (len(ours), len(theirs)):
            return cls.of([their / our for our in ours for their in theirs])
        return cls.of([their / our for our, their in zip(ours, theirs, strict=True)])

    def __str__(self) -> str:
        """Return ``1.22 (1.16 to 1.42)``; the figure alone if there is no spread."""
        middle, least, most = (figure(one, like=self.median) for one in (self.median, self.least, self.most))
        return middle if self.least == self.most else f"{middle} ({least} to {most})"


@dataclass(frozen=True, slots=True)
class Sample:
    """What a process and its children were doing at one moment."""

    seconds: float  # since the process was started
    cores_busy: float  # since the sample before, on average
    core_loads: tuple[float, ...]  # of each core of the machine since the sample before, 0 to 1, by any process
    resident: int  # bytes of memory
    read: int | None  # bytes read from files so far, without mapped files; None if the system does not count them
    written: int | None  # bytes written to files so far; None if the system does not count them


@dataclass(frozen=True, slots=True)
class Run:
    """The cost of one run, from the start of its process to the end."""

    seconds: float
    cpu_seconds: float  # of all threads and children
    peak_resident: int  # the largest resident size, in bytes; of several processes, the largest sum in a sample
    read: int | None  # bytes, as in `Sample`
    written: int | None
    samples: tuple[Sample, ...]  # by time; empty if the run ended before the first

    @property
    def cores_busy(self) -> float:
        """Cores kept busy, on average."""
        return self.cpu_seconds / self.seconds


@dataclass(frozen=True, slots=True)
class Verdict:
    """The result of comparing a pyramid with the reference, tile by tile."""

    strength: Equality | None  # the strongest equality that holds; None if the layouts differ
    identical: int  # tiles with the pixels of the reference
    tiles: int  # tiles expected
    marks: tuple[str, ...]  # the differences found, a sentence each
    is_ranked: bool  # whether its time counts: layout and base are right, and what was promised is kept


@dataclass(frozen=True, slots=True)
class Entry:
    """One entrant's results for one input at one tile size."""

    name: str  # ``stream``, ``bare dzsave``, ...
    kind: Literal["backend", "baseline"]
    command: str  # as a user would type it
    runs: tuple[Run, ...]  # those that count, by round; one if it is far slower than the fastest, none if it failed
    verdict: Verdict | None  # of its worst output; None if it failed
    method: str = ""  # the reader and the method that it reported
    failure: str = ""  # why it was not run, or failed
    is_wrong: bool = False  # whether its pyramid was wrong

    @property
    def is_ranked(self) -> bool:
        """Whether its time counts."""
        return bool(self.runs) and self.verdict is not None and self.verdict.is_ranked

    @property
    def seconds(self) -> Spread:
        """The spread of the seconds of its runs, of which there is at least one."""
        return Spread.of([run.seconds for run in self.runs])

    @property
    def equality(self) -> str:
        """How equal its pyramid is to the reference, in a word or two."""
        return self.verdict.strength.value if self.verdict and self.verdict.strength else "other layout"

    def median(self, name: str) -> float | None:
        """Return the median of the figure ``name`` of its runs; None if the system did not tell one of them."""
        figures = [getattr(run, name) for run in self.runs]
        return None if None in figures else median(figures)


@dataclass(frozen=True, slots=True)
class Trial:
    """All entrants with one input, one tile size and one number of workers."""

    input: str  # the workload's name, or the file's
    size: Size
    input_bytes: int
    tile_size: int
    levels: int
    tiles: int
    workers: int
    baseline: str  # the entrant whose time the ratios are taken of; empty if none is ranked
    entries: tuple[Entry, ...]

    @property
    def megapixels(self) -> float:
        """Of the base."""
        return self.size.area / 1e6

    @property
    def rounds(self) -> int:
        """The most runs that anyone had."""
        return max(len(entry.runs) for entry in self.entries)

    def entry(self, name: str) -> Entry | None:
        """Return the entry of ``name``."""
        return next((entry for entry in self.entries if entry.name == name), None)

    def times_as_fast(self, entry: Entry, than: str | None = None) -> Spread | None:
        """Return how many times as fast as ``than``, or the baseline, ``entry`` was; None if one has no runs."""
        other = self.entry(than or self.baseline)
        if other is None or not other.runs or not entry.runs:
            return None
        return Spread.of_ratios([run.seconds for run in entry.runs], [run.seconds for run in other.runs])

    @property
    def places(self) -> list[tuple[str, Entry]]:
        """Every entry with its place, the fastest first: ``2``, or ``1=`` if it is shared.

        An entry shares a place if it was faster than the first of that place in one round and slower in another. Who is
        not ranked, and last who failed, has the place ``-``.
        """
        ran = [entry for entry in self.entries if entry.runs]
        ran.sort(key=lambda entry: (not entry.is_ranked, entry.seconds.median))
        numbers, first = [0], ""
        for number, entry in enumerate((entry for entry in ran if entry.is_ranked), 1):
            ratio = self.times_as_fast(entry, first) if first else None
            is_shared = ratio is not None and ratio.least < 1 < ratio.most
            numbers.append(numbers[-1] if is_shared else number)
            first = first if is_shared else entry.name
        places = [f"{number}{'=' if numbers.count(number) > 1 else ''}" for number in numbers[1:]]
        others = ["-"] * (len(self.entries) - len(places))
        failed = [entry for entry in self.entries if not entry.runs]
        return list(zip([*places, *others], [*ran, *failed], strict=True))

    @property
    def firsts(self) -> list[Entry]:
        """Who has the first place: several, if they share it."""
        return [entry for place, entry in self.places if place in ("1", "1=")]


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine of a benchmark."""

    system: str
    processor: str
    cores: int  # available to the process
    memory: int  # bytes
    disk: str  # the kind of file system of the outputs; empty if it is not known


@dataclass(frozen=True, slots=True)
class Bench:
    """Everything that one ``tileframe bench`` found."""

    schema: str = field(default=SCHEMA, kw_only=True)  # first: by it, a file is known to be such a report
    date: str  # ISO 8601, in UTC
    command: str  # as it was typed
    machine: Machine
    versions: dict[str, str]  # of tileframe, Python, the libraries, and each plugin that offers a backend, by name
    options: dict[str, str]  # what was the same for all entrants, by name
    rounds: int
    trials: tuple[Trial, ...]


def worst_of(verdicts: Iterable[Verdict]) -> Verdict | None:
    """Return the worst verdict; None if there is none."""
    return min(verdicts, key=lambda verdict: (verdict.is_ranked, verdict.identical), default=None)


def baseline_of(entries: Iterable[Entry]) -> str:
    """Return the name of the entrant that ratios are taken of; empty if none is ranked."""
    ranked = [entry.name for entry in entries if entry.is_ranked]
    return next((name for name in (*BASELINE_TIMES, *ranked) if name in ranked), "")
