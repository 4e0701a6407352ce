"""The reference table: figures that somebody published, and everyone's on this machine beside them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.markdown import NONE, megabytes, table, text
from benchmarks.results_kept import Work
from tileframe import Size
from tileframe_bench.records import Entry, Spread, Trial
from tileframe_bench.table import equality
from tileframe_bench.wording import figure, listed, spread_text

DZSAVE, LOOP = "bare dzsave", "generator loop"


@dataclass(frozen=True, slots=True)
class Published:
    """A row of the figures that were published: one process of Python, OpenSlide's generator and Pillow, a laptop."""

    picture: str
    megabytes: float
    size: Size
    tile_size: int
    levels: int
    tiles: int
    seconds: int
    memory: str
    """As it was written; empty if it was not."""
    stand_in: str
    """The built-in input of the same size."""


BABEL = "The Tower of Babel, JPEG", 202.8, Size(30000, 21952)
SKAGEN = "Summer Evening at Skagen Beach, JPEG", 145.8, Size(16403, 11698)
JP2K = "JP2K-33003-2.svs, JPEG 2000", 275.9, Size(32671, 47076)
PUBLISHED = (
    Published(*BABEL, 256, 16, 13_583, 244, "9.42 GB", "babel"),
    Published(*BABEL, 512, 16, 3_436, 188, "", "babel"),
    Published(*BABEL, 1024, 16, 900, 191, "", "babel"),
    Published(*SKAGEN, 256, 16, 4_039, 49, "", "skagen"),
    Published(*JP2K, 256, 17, 31_417, 397, "", "jp2k"),
)


def published_of(trial: Trial) -> Published | None:
    """Return the row that ``trial`` stands beside; None for an input of another size."""
    like = trial.input, trial.size, trial.tile_size
    return next((row for row in PUBLISHED if (row.stand_in, row.size, row.tile_size) == like), None)


def in_order(trials: Sequence[Trial]) -> list[Trial]:
    """Return ``trials`` as the rows of the table: in the order of what was published, then the others."""
    names = list(dict.fromkeys([row.stand_in for row in PUBLISHED] + [trial.input for trial in trials]))
    return sorted(trials, key=lambda trial: (names.index(trial.input), trial.tile_size))


def where(trial: Trial) -> str:
    """Return ``babel at 256``."""
    return f"{text(trial.input)} at {trial.tile_size}"


def firsts(trial: Trial) -> list[Entry]:
    """Return who has the first place: several, if they share it."""
    return [entry for place, entry in trial.ranking() if place == 1]


def published_table(trials: Sequence[Trial]) -> str:
    """Return what was published, with the inputs that stand for it here."""
    heads = ("published picture", "size", "tile", "levels", "tiles", "time", "memory", "here")
    measured = {published_of(trial): trial for trial in trials}
    rows = []
    for row in PUBLISHED:
        picture = f"{row.picture}, {row.megabytes} MB"
        here = measured.get(row)
        facts = [f"{row.tile_size}", f"{row.levels}", f"{row.tiles:,}", f"{row.seconds} s", row.memory or NONE]
        rows.append((picture, f"{row.size}", *facts, NONE if here is None else _facts(here)))
    return table(heads, rows)


def _facts(trial: Trial) -> str:
    many = f"{trial.levels} levels, {trial.tiles:,} tiles"
    return f"{text(trial.input)}: {trial.size}, {megabytes(trial.input_bytes)}, {many}"


def side_by_side(trials: Sequence[Trial]) -> str:
    """Return a row for each trial, with a column for what was published and one for each entrant."""
    names = list(dict.fromkeys(entry.name for trial in trials for entry in trial.entries))
    rows = []
    for trial in trials:
        published = published_of(trial)
        said = "<br>".join(filter(None, [f"{published.seconds} s", published.memory])) if published else NONE
        fastest = {entry.name for entry in firsts(trial)}
        cells = [_cell(trial, entry, entry.name in fastest) if (entry := trial.entry(name)) else NONE for name in names]
        other = "" if trial.baseline == DZSAVE else f"<br>×: of {text(trial.baseline) or 'nobody'}"
        rows.append([f"{where(trial)}{other}", said, *cells])
    return table(["picture, tile", "published", *map(text, names)], rows)


def _cell(trial: Trial, entry: Entry, is_fastest: bool) -> str:
    """Return seconds, ratio, memory and what is wrong, below each other."""
    if not entry.runs:
        return "did not run"
    seconds, _, spread = spread_text(entry.seconds).partition(" ")
    spread = spread or ("(one run)" if len(entry.runs) == 1 else "")
    lines = [f"**{seconds} s** {spread}" if is_fastest else f"{seconds} s {spread}"]
    ratio = trial.times_as_fast(entry)
    if ratio is not None and entry.name != trial.baseline:
        times, _, spread = spread_text(ratio).partition(" ")
        lines.append(f"{times} × {spread}")
    lines.append(megabytes(entry.spread(lambda run: run.peak).most))
    if not entry.is_ranked:
        lines.append(f"not ranked: {equality(entry) or 'not compared'}")
    return "<br>".join(line.strip() for line in lines)


def notes(trials: Sequence[Trial], place: Callable[[Trial], str] = where) -> list[str]:
    """Return who did not run and why, and what is not as the reference has it: a sentence for each kind of thing."""
    same: dict[tuple[str, str, str], list[tuple[Trial, str]]] = {}
    for trial in trials:
        for entry in trial.entries:
            for state, words in _remarks(entry):
                # The same thing with other figures is the same thing.
                same.setdefault((entry.name, state, re.sub(r"\d[\d.,]*", "#", words)), []).append((trial, words))
    # And so is the same thing of several entrants.
    shared: dict[tuple[str, tuple[tuple[str, str], ...]], list[str]] = {}
    for (name, state, _), found in same.items():
        where_what = tuple((place(trial), words) for trial, words in found)
        shared.setdefault((state, where_what), []).append(f"**{text(name)}**")
    return [_note(names, state, where_what) for (state, where_what), names in shared.items()]


def _note(names: Sequence[str], state: str, found: Sequence[tuple[str, str]]) -> str:
    places = listed([place for place, _ in found])
    which = f" ({found[0][0]})" if len({words for _, words in found}) > 1 else ""
    return f"{listed(names)} {state} on {places}: {text(found[0][1])}{which}."


def _remarks(entry: Entry) -> Iterator[tuple[str, str]]:
    """Yield what is said of it, and the words."""
    if entry.trouble or not entry.runs:
        yield "did not run", entry.trouble or "no reason is known"
        return
    state = "ranked, with a remark," if entry.is_ranked else "not ranked"
    marks = entry.verdict.marks if entry.verdict else ()
    if not entry.is_ranked and not marks:
        marks = ("what it wrote is not what was asked for",)
    for mark in marks:
        yield state, mark


def fastest_table(trials: Sequence[Trial]) -> str:
    """Return who was the fastest of each trial, and how many times as fast as the ways that people know."""
    heads = ("picture, tile", "fastest", "seconds", f"times as fast as the {LOOP}", f"as {DZSAVE}", "published")
    rows = []
    for trial in trials:
        best = firsts(trial)
        if not best:
            rows.append((where(trial), "nobody could be ranked", *[NONE] * (len(heads) - 2)))
            continue
        published = published_of(trial)
        rows.append(
            (
                where(trial),
                text(listed([entry.name for entry in best])),
                spread_text(best[0].seconds),
                _ratio(trial.times_as_fast(best[0], LOOP)),
                "it is" if best[0].name == DZSAVE else _ratio(trial.times_as_fast(best[0], DZSAVE)),
                f"{published.seconds} s" if published else NONE,
            )
        )
    return table(heads, rows, left=2)


def _ratio(ratio: Spread | None) -> str:
    return NONE if ratio is None else spread_text(ratio)


def work_table(work: Work, trials: Sequence[Trial]) -> str:
    """Return what each stage takes alone, the limit that follows, and what `stream` took in ``trials``."""
    heads = ("input", "decode", "halve", "encode", "write", "limit", "stream", "times the limit")
    rows = []
    for name in work.rounds:
        stages = work.median(name)
        whole = sum(stages.seconds.values())
        shares = [f"{figure(seconds)} s<br>{seconds / whole:.0%}" for seconds in stages.seconds.values()]
        trial = next((one for one in trials if (one.input, one.tile_size) == (name, work.tile_size)), None)
        stream = trial.entry("stream") if trial else None
        took = stream.seconds.median if stream and stream.runs else None
        ends = [NONE, NONE] if took is None else [f"{figure(took)} s", figure(took / stages.limit)]
        alone = stages.in_order and stages.limit == stages.seconds["decode"]
        limit = f"{figure(stages.limit)} s<br>{'decoding' if alone else f'all on {stages.cores} cores'}"
        rows.append([text(name), *shares, limit, *ends])
    return table(heads, rows)
