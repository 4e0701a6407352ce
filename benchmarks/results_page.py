"""`RESULTS.md` and its plots, from what `results.py` has kept: the template `RESULTS.md.j2` has all the words.

Importing this loads matplotlib.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from statistics import correlation, linear_regression
from typing import Any

from matplotlib.figure import Figure

from benchmarks.results import OVER_TIME, SECTIONS, Kept, like
from benchmarks.stages import Stages
from tileframe_bench import charts
from tileframe_bench.page import template
from tileframe_bench.records import Entry, Spread, Trial
from tileframe_bench.text import plain

# What would end a cell, begin a tag, or make letters slanted.
ESCAPED = str.maketrans({"\\": "\\\\", "|": "\\|", "<": "&lt;", "*": "\\*", "`": "\\`"})
# Somebody else's figures: picture, the input of the same size, its size, tile size, levels, tiles, seconds, memory.
BABEL = "The Tower of Babel, JPEG, 202.8 MB", "babel", "30000x21952"
PUBLISHED = (
    (*BABEL, 256, 16, 13_583, 244, "9.42 GB"),
    (*BABEL, 512, 16, 3_436, 188, ""),
    (*BABEL, 1024, 16, 900, 191, ""),
    ("Summer Evening at Skagen Beach, JPEG, 145.8 MB", "skagen", "16403x11698", 256, 16, 4_039, 49, ""),
    ("JP2K-33003-2.svs, JPEG 2000, 275.9 MB", "jp2k", "32671x47076", 256, 17, 31_417, 397, ""),
)
# The trials with the entries of one entrant, by how much there is of what changes.
Took = dict[float, tuple[Trial, Entry]]


def series(trials: Sequence[Trial], changing: str) -> dict[str, dict[str, Took]]:
    """Return what each entrant took with each input, by input, name, and the attribute of the trial that changes."""
    found: dict[str, dict[str, Took]] = {}
    for trial in trials:
        for entry in trial.entries:
            took = found.setdefault(trial.input, {}).setdefault(entry.name, {})
            took[getattr(trial, changing)] = trial, entry
    return found


def entrants(trials: Sequence[Trial]) -> list[str]:
    """Return all names, in the order in which they first appear."""
    return list(dict.fromkeys(entry.name for trial in trials for entry in trial.entries))


def reference_table(kept: Kept) -> list[Trial]:
    """Return its rows: in the order of what was published, then the others."""
    trials = kept.trials("table")
    names = list(dict.fromkeys([one[1] for one in PUBLISHED] + [trial.input for trial in trials]))
    return sorted(trials, key=lambda trial: (names.index(trial.input), trial.tile_size))


def spreads(entries: Took) -> dict[float, Spread]:
    """Return the seconds of those that ran."""
    return {at: entry.seconds for at, (_, entry) in entries.items() if entry.runs}


def line(entries: Took) -> tuple[float, float, float] | None:
    """Return the straight line through megapixels and seconds: megapixels a second, seconds at first, and R².

    None if there are fewer than three points, or the line does not rise.
    """
    megapixels, seconds = [*spreads(entries)], [seconds.median for seconds in spreads(entries).values()]
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


def stages(kept: Kept) -> Iterator[tuple[str, int, Stages, float | None, int | None]]:
    """Yield input, rounds, medians of the work alone, median seconds of stream in the reference table, and tiles."""
    work, table = kept.work, kept.trials("table")
    rows = {trial.input: trial for trial in table if work and trial.tile_size == work.tile_size}
    for name, alone in work.rounds.items() if work else ():
        stream = row.entry("stream") if (row := rows.get(name)) else None
        median = stream.seconds.median if stream and stream.runs else None
        yield name, len(alone), Stages.medians(alone), median, row.tiles if row else None


def page(kept: Kept) -> tuple[str, dict[str, Callable[[], Figure]]]:
    """Return the page as Markdown, and what draws its plots, by file."""
    plots: dict[str, Callable[[], Figure]] = {}

    def plot(file: str, shows: str, chart: Callable[..., Figure], *arguments: Any, **options: Any) -> str:
        plots[file] = partial(chart, *arguments, **options)
        return f"![{text(shows)}](results/{file})"

    def text(words: str) -> str:
        return plain(words).translate(ESCAPED)

    filters: dict[str, Callable[..., object]] = {
        "text": text,
        "spread": lambda spread: f"{spread}" if spread else "\N{EN DASH}",
        "points": lambda series: {name: spreads(entries) for name, entries in series.items()},
        "megabytes": lambda size: f"{size / 1e6:,.0f} MB",
    }
    ours = (entrants, line, pairs, remarks, series, slower, spreads)
    filters |= {one.__name__: one for one in ours}
    whole = template(Path(__file__).with_name("RESULTS.md.j2"), filters, keep_trailing_newline=True)
    timed = kept.benches[OVER_TIME[0]].trials if OVER_TIME[0] in kept.benches else ()
    words = whole.render(
        kept=kept,
        table=reference_table(kept),
        published={one[1:4]: one for one in PUBLISHED},
        repeats=list(repeats(kept)),
        others=[trial for section in SECTIONS[1:] for trial in kept.trials(section)],
        stages=list(stages(kept)),
        charts=charts,
        # An entrant has one colour in all plots.
        colours=charts.colours(chain.from_iterable(entrants(kept.trials(section)) for section in SECTIONS)),
        over_time=[trial for trial in timed if (trial.input, trial.tile_size) == OVER_TIME[1:]],
        plot=plot,
    )
    return words, plots


def write(kept: Kept, folder: Path, target: Path) -> None:
    """Write the page ``target`` and its plots into ``folder``, and remove plots that it does not have."""
    words, plots = page(kept)
    for old in folder.glob("*.svg"):
        if old.name not in plots:
            old.unlink()
    for file, draw in plots.items():
        (folder / file).write_text(charts.svg(draw()), encoding="utf-8")
    target.write_text(words, encoding="utf-8")
