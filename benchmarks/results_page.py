"""`RESULTS.md`: the template `RESULTS.md.j2`, filled with the figures that `results.py` has kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from benchmarks.growth import Line
from benchmarks.limits import Stages
from benchmarks.results_kept import OVER_TIME, SITTINGS, Kept, like
from tileframe_bench.records import Bench, Entry, Spread, Trial
from tileframe_bench.table import equality
from tileframe_bench.text import count, figure, listed, plain, spread_text, weight

# What would end a cell, begin a tag, or make letters slanted.
ESCAPED = str.maketrans({"\\": "\\\\", "|": "\\|", "<": "&lt;", "*": "\\*", "`": "\\`"})
TIMELINES = ("stream", "bare dzsave")
# Somebody else's figures: picture, the input of the same size, its size, tile size, levels, tiles, seconds, memory.
BABEL = "The Tower of Babel, JPEG, 202.8 MB", "babel", "30000x21952"
PUBLISHED = (
    (*BABEL, 256, 16, 13_583, 244, "9.42 GB"),
    (*BABEL, 512, 16, 3_436, 188, ""),
    (*BABEL, 1024, 16, 900, 191, ""),
    ("Summer Evening at Skagen Beach, JPEG, 145.8 MB", "skagen", "16403x11698", 256, 16, 4_039, 49, ""),
    ("JP2K-33003-2.svs, JPEG 2000, 275.9 MB", "jp2k", "32671x47076", 256, 17, 31_417, 397, ""),
)


@dataclass(frozen=True, slots=True)
class Scaling:
    """A section in which one thing changes, and its trials."""

    section: str
    title: str
    unit: str
    of: Callable[[Trial], float]
    is_log: bool
    trials: Sequence[Trial]

    @property
    def steps(self) -> list[float]:
        """What there is of the thing that changes."""
        return sorted({self.of(trial) for trial in self.trials})

    @property
    def pictures(self) -> list[str]:
        """The pictures with their sizes, like ``babel (15000x10976)``."""
        return list(dict.fromkeys(f"{picture(trial)} ({trial.size})" for trial in self.trials))

    @property
    def series(self) -> Iterator[tuple[str, str, dict[float, tuple[Trial, Entry]]]]:
        """What each entrant took with each picture, by what changes: picture, name, and trials with entries."""
        for name in dict.fromkeys(picture(trial) for trial in self.trials):
            some = [trial for trial in self.trials if picture(trial) == name]
            for who in entrants(some):
                yield name, who, {self.of(trial): (trial, entry) for trial in some if (entry := trial.entry(who))}


def scalings(kept: Kept) -> list[Scaling]:
    """Return the sections in which one thing changes."""
    return [
        Scaling("workers", "Workers", "workers", lambda one: one.workers, False, kept.trials("workers")),
        Scaling("megapixels", "Megapixels", "MP", lambda one: one.megapixels, True, kept.trials("megapixels")),
        Scaling("tile_sizes", "Tile size", "px", lambda one: one.tile_size, True, kept.trials("tile_sizes")),
    ]


def picture(trial: Trial) -> str:
    """Return the input's name; of the pictures that grow, with their kind, for they have one name."""
    found = re.search(r"\bgrowth-\S+\.(\w+)", " ".join(entry.command for entry in trial.entries))
    return f"{trial.input} {found[1]}" if trial.input == "growth" and found else trial.input


def entrants(trials: Sequence[Trial]) -> list[str]:
    """Return all names, in the order in which they first appear."""
    return list(dict.fromkeys(entry.name for trial in trials for entry in trial.entries))


def firsts(trial: Trial) -> list[Entry]:
    """Return who has the first place: several, if they share it."""
    return [entry for place, entry in trial.ranking() if place == 1]


def seconds_of(trial: Trial, name: str) -> Spread | None:
    """Return what ``name`` took; None if it did not run."""
    entry = trial.entry(name)
    return entry.seconds if entry and entry.runs else None


def medians(entries: dict[float, tuple[Trial, Entry]]) -> dict[float, float]:
    """Return the median seconds of those that ran."""
    return {at: entry.seconds.median for at, (_, entry) in entries.items() if entry.runs}


def remarks(trials: Sequence[Trial]) -> list[tuple[str, str, list[Trial], str]]:
    """Return name, state, trials and reason of what did not run, was not ranked, or differs from the reference.

    The same reason with other figures is the same, and is given as in the first trial.
    """
    same: dict[tuple[str, str, str], tuple[list[Trial], str]] = {}
    for trial in trials:
        for entry in trial.entries:
            state = "ranked, with a remark" if entry.is_ranked else "not ranked" if entry.runs else "did not run"
            for mark in entry.verdict.marks if entry.verdict and entry.runs else (entry.failure,):
                key = entry.name, state, re.sub(r"\d[\d.,]*", "#", mark)
                same.setdefault(key, ([], mark))[0].append(trial)
    return [(name, state, *found) for (name, state, _), found in same.items()]


@dataclass(frozen=True, slots=True)
class Pair:
    """A backend beside another entrant: how many times as long it took, in each trial where they can be compared."""

    backend: str
    other: str
    times: dict[Trial, Spread]

    @property
    def slower(self) -> dict[Trial, Spread]:
        """Those in which it took longer in every pair of runs, the most first."""
        found = [(trial, times) for trial, times in self.times.items() if times.least > 1]
        return dict(sorted(found, key=lambda one: -one[1].median))


def pairs(trials: Sequence[Trial]) -> list[Pair]:
    """Return each backend beside each other entrant, bare dzsave first.

    Who is not ranked is left out, but for the programs without tileframe.
    """
    found: dict[tuple[str, str], dict[Trial, Spread]] = {}
    for trial in trials:
        for ours in (entry for entry in trial.entries if entry.kind == "backend" and entry.is_ranked):
            for theirs in (entry for entry in trial.entries if entry.is_ranked or entry.kind == "baseline"):
                fast = trial.times_as_fast(ours, theirs.name)
                if fast is not None and theirs is not ours:
                    times = Spread(1 / fast.median, 1 / fast.most, 1 / fast.least)
                    found.setdefault((theirs.name, ours.name), {})[trial] = times
    keys = sorted(found, key=lambda key: (key[0] != "bare dzsave", key))
    return [Pair(ours, theirs, found[theirs, ours]) for theirs, ours in keys]


def repeats(kept: Kept) -> Iterator[tuple[Trial, str, Spread, Spread]]:
    """Yield trial, name, and the ratios of the first and the second run, where both have them to one baseline."""
    first = {like(trial): trial for trial in kept.trials("table")}
    for trial in kept.trials("again"):
        before = first.get(like(trial))
        for entry in trial.entries if before and before.baseline == trial.baseline else ():
            old = before.entry(entry.name) if before else None
            ratios = before.times_as_fast(old) if before and old else None, trial.times_as_fast(entry)
            if entry.name != trial.baseline and ratios[0] and ratios[1]:
                yield trial, entry.name, ratios[0], ratios[1]


def rounds(bench: Bench) -> str:
    """Return the most runs that anyone had, of each trial: parts of a section may differ."""
    most = {max((len(entry.runs) for entry in trial.entries), default=0) for trial in bench.trials}
    return listed([f"{number}" for number in sorted(most)])


def page(kept: Kept) -> str:
    """Return the page as Markdown."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    ours = (entrants, firsts, medians, pairs, picture, remarks, rounds, seconds_of)
    environment.filters.update({one.__name__: one for one in (*ours, count, equality, figure, listed, weight)})
    environment.filters["text"] = lambda words: plain(words).translate(ESCAPED)
    environment.filters["spread"] = lambda spread: spread_text(spread) if spread else "\N{EN DASH}"
    environment.filters["megabytes"] = lambda size: f"{size / 1e6:,.0f} MB"
    table = kept.trials("table")
    names = list(dict.fromkeys([one[1] for one in PUBLISHED] + [trial.input for trial in table]))
    return environment.get_template("RESULTS.md.j2").render(
        kept=kept,
        table=sorted(table, key=lambda trial: (names.index(trial.input), trial.tile_size)),
        published={one[1:4]: one for one in PUBLISHED},
        scalings=scalings(kept),
        repeats=list(repeats(kept)),
        others=[trial for section in SITTINGS if section != "table" for trial in kept.trials(section)],
        stages={name: Stages.medians(some) for name, some in kept.work.rounds.items()} if kept.work else {},
        line=lambda entries: Line.through(list(medians(entries).items())),
        over_time=OVER_TIME[1:],
        timelines=TIMELINES,
    )
