"""`RESULTS.md` and its plots, from what `results.py` has kept: the template `RESULTS.md.j2` has all the words.

Importing this loads matplotlib.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.figure import Figure

from benchmarks.growth import Line
from benchmarks.limits import Stages
from benchmarks.results_kept import OVER_TIME, SITTINGS, Kept, like, median_run
from tileframe_bench.charts import colours, lines, memory_bars, svg, time_bars, timeline
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
    """A section in which one thing changes."""

    section: str
    title: str
    unit: str
    of: Callable[[Trial], float]
    trials: Sequence[Trial]

    @property
    def steps(self) -> list[float]:
        """What there is of the thing that changes."""
        return sorted({self.of(trial) for trial in self.trials})

    @property
    def series(self) -> Iterator[tuple[str, str, dict[float, tuple[Trial, Entry]]]]:
        """What each entrant took with each input, by what changes: input, name, and trials with entries."""
        for name in dict.fromkeys(trial.input for trial in self.trials):
            some = [trial for trial in self.trials if trial.input == name]
            for who in entrants(some):
                yield name, who, {self.of(trial): (trial, entry) for trial in some if (entry := trial.entry(who))}


def scalings(kept: Kept) -> list[Scaling]:
    """Return the sections in which one thing changes."""
    return [
        Scaling("workers", "Workers", "workers", lambda trial: trial.workers, kept.trials("workers")),
        Scaling("megapixels", "Megapixels", "MP", lambda trial: trial.megapixels, kept.trials("megapixels")),
        Scaling("tile_sizes", "Tile size", "px", lambda trial: trial.tile_size, kept.trials("tile_sizes")),
    ]


def entrants(trials: Sequence[Trial]) -> list[str]:
    """Return all names, in the order in which they first appear."""
    return list(dict.fromkeys(entry.name for trial in trials for entry in trial.entries))


def reference_table(kept: Kept) -> list[Trial]:
    """Return its rows: in the order of what was published, then the others."""
    trials = kept.trials("table")
    names = list(dict.fromkeys([one[1] for one in PUBLISHED] + [trial.input for trial in trials]))
    return sorted(trials, key=lambda trial: (names.index(trial.input), trial.tile_size))


def firsts(trial: Trial) -> list[Entry]:
    """Return who has the first place: several, if they share it."""
    return [entry for place, entry in trial.ranking() if place == 1]


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


def pairs(trials: Sequence[Trial]) -> list[tuple[str, str, dict[Trial, Spread]]]:
    """Return each backend, each other entrant, and how many times as long the one took as the other, by trial.

    Who is not ranked is left out, but for the programs without tileframe. Bare dzsave comes first.
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
    return [(ours, theirs, found[theirs, ours]) for theirs, ours in keys]


def slower(times: dict[Trial, Spread]) -> list[tuple[Trial, Spread]]:
    """Return those that took longer in every pair of runs, the most first."""
    return sorted((one for one in times.items() if one[1].least > 1), key=lambda one: -one[1].median)


def repeats(kept: Kept) -> Iterator[tuple[Trial, str, Spread, Spread]]:
    """Yield trial, name, and the ratios of the first and the second run, where both have them to one baseline."""
    first = {(like(trial), trial.baseline): trial for trial in kept.trials("table")}
    for trial in kept.trials("again"):
        before = first.get((like(trial), trial.baseline), trial)
        for name in [name for name in entrants([before]) if name != trial.baseline and before is not trial]:
            ratios = [one.times_as_fast(entry) for one in (before, trial) if (entry := one.entry(name))]
            if len(ratios) == 2 and ratios[0] and ratios[1]:
                yield trial, name, ratios[0], ratios[1]


def stages(kept: Kept) -> Iterator[tuple[str, int, Stages, float | None]]:
    """Yield input, rounds, and medians of the work alone, and the median seconds of stream in the reference table."""
    work = kept.work
    took = {
        trial.input: trial.entry("stream")
        for trial in kept.trials("table")
        if work and trial.tile_size == work.tile_size
    }
    for name, alone in work.rounds.items() if work else ():
        stream = took.get(name)
        yield name, len(alone), Stages.medians(alone), stream.seconds.median if stream and stream.runs else None


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
    ours = (entrants, firsts, medians, pairs, remarks, rounds, slower)
    environment.filters.update({one.__name__: one for one in (*ours, count, equality, figure, listed, weight)})
    environment.filters["text"] = lambda words: plain(words).translate(ESCAPED)
    environment.filters["spread"] = lambda spread: spread_text(spread) if spread else "\N{EN DASH}"
    environment.filters["megabytes"] = lambda size: f"{size / 1e6:,.0f} MB"
    return environment.get_template("RESULTS.md.j2").render(
        kept=kept,
        table=reference_table(kept),
        published={one[1:4]: one for one in PUBLISHED},
        scalings=scalings(kept),
        repeats=list(repeats(kept)),
        others=[trial for section in SITTINGS if section != "table" for trial in kept.trials(section)],
        stages=list(stages(kept)),
        line=lambda entries: Line.through(list(medians(entries).items())),
        plots=list(plots(kept)),
    )


def plots(kept: Kept) -> Iterator[tuple[str, str, str, Callable[[], Figure]]]:
    """Yield section, title, file and maker of every plot; an entrant has one colour in all of them."""
    own = colours(chain.from_iterable(entrants(kept.trials(section)) for section in SITTINGS))
    table = reference_table(kept)
    for name in dict.fromkeys(trial.input for trial in table):
        some = [trial for trial in table if trial.input == name]
        yield "table", f"Time: {name}", f"time-{name}.svg", partial(time_bars, some, own)
        yield "table", f"Peak memory: {name}", f"memory-{name}.svg", partial(memory_bars, some, own)
    file, name, tile_size = OVER_TIME
    for trial in kept.benches[file].trials if file in kept.benches else ():
        for entry in (entry for entry in trial.entries if entry.name in TIMELINES and entry.runs):
            if (trial.input, trial.tile_size) == (name, tile_size):
                run, cores = median_run(entry), kept.benches[file].machine.cores
                chart = partial(timeline, run, cores, f"{entry.name}: {figure(run.seconds)} s", own[entry.name])
                shows = f"{entry.name} with {name} at {tile_size}, over time"
                yield "over time", shows, f"timeline-{name}-{entry.name.replace(' ', '-')}.svg", chart
    for scaling in scalings(kept):
        found: dict[str, dict[str, list[tuple[float, Spread]]]] = {}
        for name, who, entries in scaling.series:
            points = [(at, entry.seconds) for at, (_, entry) in entries.items() if entry.runs]
            found.setdefault(name, {})[who] = points
        for name, series in found.items():
            shows, log = f"{name}: seconds by {scaling.title.lower()}", scaling.section != "workers"
            axes = {"x": f"{scaling.title.lower()} ({scaling.unit})", "y": "seconds"}
            chart = partial(lines, series, own, **axes, log=log, title=shows)
            yield scaling.section, shows, f"{scaling.section}-{name}.svg".replace("_", "-"), chart


def write(kept: Kept, folder: Path, target: Path) -> None:
    """Write the page ``target`` and its plots into ``folder``, and remove plots that it does not have."""
    drawn = {folder / file: svg(draw()) for _, _, file, draw in plots(kept)}
    for old in set(folder.glob("*.svg")) - drawn.keys():
        old.unlink()
    for path, text in drawn.items():
        path.write_text(text, encoding="utf-8")
    target.write_text(page(kept), encoding="utf-8")
