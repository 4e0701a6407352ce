"""`RESULTS.md` and its plots, from what `results.py` has kept: the template `RESULTS.md.j2` has all the words.

Importing this loads matplotlib.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from statistics import correlation, linear_regression
from typing import NamedTuple

from matplotlib.figure import Figure

from benchmarks.results import OVER_TIME, SITTINGS, Kept, like, median_run
from benchmarks.stages import Stages
from tileframe_bench.charts import colours, lines, memory_bars, svg, time_bars, timeline
from tileframe_bench.page import template
from tileframe_bench.records import Bench, Entry, Spread, Trial
from tileframe_bench.text import figure, plain

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
# The sections in which one thing changes: title, unit, and how much of it there is in a trial.
SCALINGS: Mapping[str, tuple[str, str, Callable[[Trial], float]]] = {
    "workers": ("Workers", "workers", lambda trial: trial.workers),
    "megapixels": ("Megapixels", "MP", lambda trial: trial.megapixels),
    "tile_sizes": ("Tile size", "px", lambda trial: trial.tile_size),
}


class Scaling(NamedTuple):
    """A section in which one thing changes."""

    section: str
    title: str
    unit: str
    steps: list[float]
    """What there is of the thing that changes."""
    trials: list[Trial]
    series: list[tuple[str, str, dict[float, tuple[Trial, Entry]]]]
    """What each entrant took with each input, by what changes: input, name, and trials with entries."""


class Plot(NamedTuple):
    """A plot of the page, which is drawn when its file is written."""

    section: str
    title: str
    file: str
    draw: Callable[[], Figure]


def scalings(kept: Kept) -> Iterator[Scaling]:
    """Yield the sections in which one thing changes."""
    for section, (title, unit, of) in SCALINGS.items():
        trials, series = kept.trials(section), []
        for name in dict.fromkeys(trial.input for trial in trials):
            some = [trial for trial in trials if trial.input == name]
            for who in entrants(some):
                took = {of(trial): (trial, entry) for trial in some if (entry := trial.entry(who))}
                series.append((name, who, took))
        yield Scaling(section, title, unit, sorted({of(trial) for trial in trials}), trials, series)


def entrants(trials: Sequence[Trial]) -> list[str]:
    """Return all names, in the order in which they first appear."""
    return list(dict.fromkeys(entry.name for trial in trials for entry in trial.entries))


def reference_table(kept: Kept) -> list[Trial]:
    """Return its rows: in the order of what was published, then the others."""
    trials = kept.trials("table")
    names = list(dict.fromkeys([one[1] for one in PUBLISHED] + [trial.input for trial in trials]))
    return sorted(trials, key=lambda trial: (names.index(trial.input), trial.tile_size))


def medians(entries: dict[float, tuple[Trial, Entry]]) -> dict[float, float]:
    """Return the median seconds of those that ran."""
    return {at: entry.seconds.median for at, (_, entry) in entries.items() if entry.runs}


def line(entries: dict[float, tuple[Trial, Entry]]) -> tuple[float, float, float] | None:
    """Return the straight line through megapixels and seconds: megapixels a second, seconds at first, and R².

    None if there are fewer than three points, or the line does not rise.
    """
    megapixels, seconds = list(medians(entries)), list(medians(entries).values())
    if len(megapixels) < 3:
        return None
    slope, start = linear_regression(megapixels, seconds)
    return (1 / slope, start, correlation(megapixels, seconds) ** 2) if slope > 0 else None


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
        before = first.get((like(trial), trial.baseline))
        for name in entrants([before] if before else []):
            ratios = [one.times_as_fast(entry) for one in (before, trial) if one and (entry := one.entry(name))]
            if name != trial.baseline and len(ratios) == 2 and ratios[0] and ratios[1]:
                yield trial, name, ratios[0], ratios[1]


def stages(kept: Kept) -> Iterator[tuple[str, int, Stages, float | None]]:
    """Yield input, rounds, and medians of the work alone, and the median seconds of stream in the reference table."""
    work, table = kept.work, kept.trials("table")
    took = {trial.input: trial.entry("stream") for trial in table if work and trial.tile_size == work.tile_size}
    for name, alone in work.rounds.items() if work else ():
        stream = took.get(name)
        yield name, len(alone), Stages.medians(alone), stream.seconds.median if stream and stream.runs else None


def rounds(bench: Bench) -> list[int]:
    """Return the most runs that anyone had, of each trial: parts of a section may differ."""
    return sorted({max((len(entry.runs) for entry in trial.entries), default=0) for trial in bench.trials})


def page(kept: Kept) -> str:
    """Return the page as Markdown."""
    filters: dict[str, Callable[..., object]] = {
        "text": lambda words: plain(words).translate(ESCAPED),
        "spread": lambda spread: f"{spread}" if spread else "\N{EN DASH}",
        "megabytes": lambda size: f"{size / 1e6:,.0f} MB",
    }
    filters |= {one.__name__: one for one in (entrants, line, medians, pairs, remarks, rounds, slower)}
    whole = template(Path(__file__).with_name("RESULTS.md.j2"), filters, keep_trailing_newline=True)
    return whole.render(
        kept=kept,
        table=reference_table(kept),
        published={one[1:4]: one for one in PUBLISHED},
        scalings=list(scalings(kept)),
        repeats=list(repeats(kept)),
        others=[trial for section in SITTINGS if section != "table" for trial in kept.trials(section)],
        stages=list(stages(kept)),
        plots=list(plots(kept)),
    )


def plots(kept: Kept) -> Iterator[Plot]:
    """Yield every plot; an entrant has one colour in all of them."""
    own = colours(chain.from_iterable(entrants(kept.trials(section)) for section in SITTINGS))
    table = reference_table(kept)
    for name in dict.fromkeys(trial.input for trial in table):
        some = [trial for trial in table if trial.input == name]
        yield Plot("table", f"Time: {name}", f"time-{name}.svg", partial(time_bars, some, own))
        yield Plot("table", f"Peak memory: {name}", f"memory-{name}.svg", partial(memory_bars, some, own))
    file, name, tile_size = OVER_TIME
    for trial in kept.benches[file].trials if file in kept.benches else ():
        for entry in (entry for entry in trial.entries if entry.name in TIMELINES and entry.runs):
            if (trial.input, trial.tile_size) == (name, tile_size):
                run, cores = median_run(entry), kept.benches[file].machine.cores
                chart = partial(timeline, run, cores, f"{entry.name}: {figure(run.seconds)} s", own[entry.name])
                shows = f"{entry.name} with {name} at {tile_size}, over time"
                yield Plot("over time", shows, f"timeline-{name}-{entry.name.replace(' ', '-')}.svg", chart)
    for scaling in scalings(kept):
        what = scaling.title.lower()
        for name in dict.fromkeys(name for name, _, _ in scaling.series):
            series = {
                who: [(at, entry.seconds) for at, (_, entry) in entries.items() if entry.runs]
                for other, who, entries in scaling.series
                if other == name
            }
            axes = {"x": f"{what} ({scaling.unit})", "y": "seconds", "title": f"{name}: seconds by {what}"}
            chart = partial(lines, series, own, **axes, log=scaling.section != "workers")
            yield Plot(scaling.section, axes["title"], f"{scaling.section}-{name}.svg".replace("_", "-"), chart)


def write(kept: Kept, folder: Path, target: Path) -> None:
    """Write the page ``target`` and its plots into ``folder``, and remove plots that it does not have."""
    drawn = {folder / plot.file: svg(plot.draw()) for plot in plots(kept)}
    for old in set(folder.glob("*.svg")) - drawn.keys():
        old.unlink()
    for path, text in drawn.items():
        path.write_text(text, encoding="utf-8")
    target.write_text(page(kept), encoding="utf-8")
