"""What a benchmark has found: the records that tables, charts and JSON are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal, Self

from tileframe import Equality, Size

# Whose times the others' are divided by: the first of these that made a right pyramid, else anyone who did.
BASELINE_TIMES = ("bare dzsave", "vips")


@dataclass(frozen=True, slots=True)
class Sample:
    """One look at a running process and its children."""

    seconds: float
    """Since it was started."""
    busy: float
    """Cores that it kept busy since the look before, on average."""
    cores: tuple[float, ...]
    """How busy each core of the machine was since then, 0 to 1, whoever kept it so."""
    resident: int
    """Bytes of memory."""
    read: int | None
    """Bytes read from files so far, mapped ones excepted; None if the system does not say."""
    written: int | None
    """Bytes written to files so far; None if the system does not say."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run took, from the start of its process to the end."""

    seconds: float
    busy: float
    """Processor time, all threads and children, in seconds."""
    peak: int
    """The largest resident size, in bytes; of several processes, the largest sum that was seen."""
    read: int | None
    """Bytes, as in `Sample`."""
    written: int | None
    samples: tuple[Sample, ...]
    """In the order of time; at least one, if the run was not over at once."""

    @property
    def cores(self) -> float:
        """How many cores it kept busy, on average."""
        return self.busy / self.seconds


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found when a pyramid was compared with the reference, tile by tile."""

    strength: Equality | None
    """The strongest equality that holds; None if not even the layouts are the same."""
    identical: int
    """Tiles that decode to the pixels of the reference's."""
    tiles: int
    """Tiles there should be."""
    marks: tuple[str, ...]
    """What is not as it should be or as the reference has it, as sentences."""
    is_ranked: bool
    """Whether its time may be compared with the others': layout and base are right, and what was promised is kept."""


def worst_of(verdicts: Iterable[Verdict]) -> Verdict | None:
    """Return the one that counts; None if there is none."""
    return min(verdicts, key=lambda verdict: (verdict.is_ranked, verdict.identical), default=None)


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some figures, the least and the greatest."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> Self:
        """Return that of ``figures``, of which there is at least one."""
        return cls(median(figures), min(figures), max(figures))

    def __str__(self) -> str:
        """Return ``1.22 (1.16 to 1.42)``."""
        return f"{self.median:.2f} ({self.least:.2f} to {self.most:.2f})"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entrant with one input at one tile size."""

    name: str
    """``stream``, ``bare dzsave``, ..."""
    kind: Literal["backend", "baseline"]
    command: str
    """What was run, as one would type it."""
    runs: tuple[Run, ...]
    """Those that count, by round; none if it could not run. One alone if it is far slower than the fastest."""
    verdict: Verdict | None
    """Of the worst of its outputs; None if it could not run."""
    way: str = ""
    """How it went about it, in its own words."""
    trouble: str = ""
    """Why it did not run, or failed; empty if it did."""
    is_wrong: bool = False
    """Whether its pyramid was not what it should be, as far as it came."""

    @property
    def is_ranked(self) -> bool:
        """Whether its time may be compared."""
        return bool(self.runs) and self.verdict is not None and self.verdict.is_ranked

    @property
    def seconds(self) -> Spread:
        """The spread of the seconds of its runs, of which there is at least one."""
        return self.spread(lambda run: run.seconds)

    def spread(self, figure: Callable[[Run], float]) -> Spread:
        """Return the spread of ``figure`` over its runs, of which there is at least one."""
        return Spread.of([figure(run) for run in self.runs])


def baseline_of(entries: Iterable[Entry]) -> str:
    """Return the name of the one whose times the others' are divided by; empty if nobody is ranked."""
    ranked = [entry.name for entry in entries if entry.is_ranked]
    return next((name for name in (*BASELINE_TIMES, *ranked) if name in ranked), "")


@dataclass(frozen=True, slots=True)
class Trial:
    """Everyone with one input, at one tile size, with one number of workers."""

    input: str
    """The workload's name, or the file's."""
    size: Size
    input_bytes: int
    tile_size: int
    levels: int
    tiles: int
    workers: int
    baseline: str
    """Whose time the ratios are taken of: bare dzsave, or, where it made no right pyramid, the backend ``vips``, or
    whoever made one; empty if nobody did."""
    entries: tuple[Entry, ...]

    @property
    def megapixels(self) -> float:
        """Of the base."""
        return self.size.area / 1e6

    def entry(self, name: str) -> Entry | None:
        """Return the entry of ``name``."""
        return next((entry for entry in self.entries if entry.name == name), None)

    def times_as_fast(self, entry: Entry, than: str | None = None) -> Spread | None:
        """Return how many times as fast as ``than``, the baseline by default, ``entry`` was: pair by pair of one round.

        None where one of the two did not run. The only run of a slow one is paired with each of the other's.
        """
        other = self.entry(than or self.baseline)
        if other is None or not other.runs or not entry.runs:
            return None
        one, two = entry.runs, other.runs
        if len(one) != len(two):
            one, two = (one * len(two), two) if len(one) == 1 else (one, two * len(one))
        return Spread.of([theirs.seconds / ours.seconds for ours, theirs in zip(one, two, strict=True)])

    def ranking(self) -> list[tuple[int, Entry]]:
        """Return the ranked entries with their places, the fastest first.

        Two share a place if, pair by pair, now the one and now the first of that place was faster.
        """
        ranked = sorted((one for one in self.entries if one.is_ranked), key=lambda one: one.seconds.median)
        places: list[tuple[int, Entry]] = []
        for number, entry in enumerate(ranked, 1):
            first = next((one.name for place, one in places if place == places[-1][0]), "")
            ratio = self.times_as_fast(entry, first) if first else None
            shared = ratio is not None and ratio.least < 1 < ratio.most
            places.append((places[-1][0] if shared else number, entry))
        return places


@dataclass(frozen=True, slots=True)
class Machine:
    """What it was measured on."""

    system: str
    processor: str
    cores: int
    """That the process might use."""
    memory: int
    """Bytes."""
    disk: str
    """The kind of file system that the outputs were written to; empty if it is not known."""


@dataclass(frozen=True, slots=True)
class Bench:
    """All that one ``tileframe bench`` found."""

    date: str
    """ISO 8601, in UTC."""
    command: str
    """As it was typed."""
    machine: Machine
    versions: dict[str, str]
    """Of tileframe, Python, the libraries, and each plugin that offers a backend, by name."""
    options: dict[str, str]
    """What was held equal, by name, in words."""
    rounds: int
    trials: tuple[Trial, ...]
