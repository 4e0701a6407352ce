"""Numbers and names as tables, charts and pages show them, and the results of a trial as a table of text."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tileframe_bench.records import Entry, Trial

COLUMNS = ("", "", "seconds", "times as fast", "CPU s", "cores", "peak MB", "written MB", "pixels")


def plain(words: str) -> str:
    """Return ``words`` in one line, with a replacement character for each that XML cannot hold or nobody can see."""
    return "".join(one if one.isprintable() else " " if one.isspace() else "\N{REPLACEMENT CHARACTER}" for one in words)


def shortened(words: str, most: int) -> str:
    """Return `plain` ``words`` of at most ``most`` characters, with an ellipsis in the middle of longer ones."""
    words = plain(words)
    half = (most - 1) // 2
    return words if len(words) <= most else f"{words[:half].rstrip()}…{words[-half:].lstrip()}"


def figure(value: float, like: float | None = None) -> str:
    """Return ``1.22``, ``85.1`` or ``1,220``: with the decimals, 3 at most, that ``like`` needs for three figures."""
    size = abs(value if like is None else like)
    return f"{value:,.{min(3, max(0, 2 - math.floor(math.log10(size)))) if size else 0}f}"


def weight(size: float) -> str:
    """Return bytes as ``5.00 kB``, ``492 MB`` or ``12.3 GB``."""
    unit, name = (1e9, "GB") if size >= 2e9 else (1e6, "MB") if size >= 1e5 else (1e3, "kB")
    return f"{figure(size / unit)} {name}"


def count(number: int, noun: str) -> str:
    """Return ``1 run`` or ``5 runs``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def aligned(rows: Sequence[tuple[str, ...]], *, names: Collection[int] = (0,)) -> list[str]:
    """Return ``rows`` as lines with figures to the right, and the columns ``names`` to the left."""
    columns = [
        [f"{cell:{'<' if number in names else '>'}{max(map(len, column))}}" for cell in column]
        for number, column in enumerate(zip(*rows, strict=True))
    ]
    return [f"  {'  '.join(line)}".rstrip() for line in zip(*columns, strict=True)]


def table(trial: Trial) -> str:
    """Return a heading, a line for each entrant that ran, the ranked first, and the marks and failures."""
    heading = (
        f"{trial.input}: {trial.size}, {trial.megapixels:.1f} MP, {trial.input_bytes / 1e6:.1f} MB, "
        f"{trial.input_bytes / trial.size.area:.2f} bytes a pixel; tiles of {trial.tile_size}: {trial.tiles:,} on "
        f"{trial.levels} levels; {trial.workers} workers; "
        f"times as fast as {trial.baseline or 'nobody, for nobody made a right pyramid'}"
    )
    rows = [_row(trial, place, entry) for place, entry in trial.places if entry.runs]
    lines = [heading, "", *aligned([COLUMNS, *rows], names=(1, 8))] if rows else [heading]
    for entry in trial.entries:
        unranked = "" if entry.is_ranked else "not ranked: "
        lines += [f"  {entry.name}: {unranked}{mark}" for mark in (entry.verdict.marks if entry.verdict else ())]
    lines += [f"  {entry.name} did not run: {entry.failure}" for entry in trial.entries if entry.failure]
    return "\n".join(lines) + "\n"


def _row(trial: Trial, place: str, entry: Entry) -> tuple[str, ...]:
    ratio, written = trial.times_as_fast(entry), entry.median("written")
    return (
        place,
        entry.name,
        f"{entry.seconds} (one run)" if len(entry.runs) == 1 else f"{entry.seconds}",
        f"{ratio.median:.2f} ({ratio.least:.2f} to {ratio.most:.2f})" if ratio and entry.name != trial.baseline else "",
        f"{entry.median('cpu_seconds'):.2f}",
        f"{entry.median('cores_busy'):.2f}",
        f"{max(run.peak_resident for run in entry.runs) / 1e6:,.0f}",
        "" if written is None else f"{written / 1e6:,.0f}",
        entry.equality,
    )
