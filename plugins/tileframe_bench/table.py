"""The results of a trial as a table of text."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tileframe_bench.records import Entry, Trial

COLUMNS = ("", "", "seconds", "times as fast", "CPU s", "cores", "peak MB", "written MB", "pixels")


def table(trial: Trial) -> str:
    """Return a heading, a line for each entrant that ran, the ranked first, and the marks and failures."""
    unranked = [("-", entry) for entry in trial.entries if entry.runs and not entry.is_ranked]
    rows = [_row(trial, f"{place}", entry) for place, entry in (*trial.ranking(), *unranked)]
    lines = [_heading(trial), "", *aligned([COLUMNS, *rows], names=(1, 8))] if rows else [_heading(trial)]
    return "\n".join([*lines, *_notes(trial)]) + "\n"


def aligned(rows: Sequence[tuple[str, ...]], *, names: Collection[int] = (0,)) -> list[str]:
    """Return ``rows`` as lines with figures to the right, and the columns ``names`` to the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    aligns = ["<" if number in names else ">" for number in range(len(widths))]
    return [
        "  "
        + "  ".join(f"{cell:{align}{width}}" for cell, align, width in zip(row, aligns, widths, strict=True)).rstrip()
        for row in rows
    ]


def equality(entry: Entry) -> str:
    """Return how equal its pyramid is to the reference, in a word or two."""
    if entry.verdict is None:
        return ""
    return "other layout" if entry.verdict.strength is None else entry.verdict.strength.value


def _heading(trial: Trial) -> str:
    density = trial.input_bytes / trial.size.area
    return (
        f"{trial.input}: {trial.size}, {trial.megapixels:.1f} MP, {trial.input_bytes / 1e6:.1f} MB, "
        f"{density:.2f} bytes a pixel; tiles of {trial.tile_size}: {trial.tiles:,} on {trial.levels} levels; "
        f"{trial.workers} workers; times as fast as {trial.baseline or 'nobody, for nobody made a right pyramid'}"
    )


def _row(trial: Trial, place: str, entry: Entry) -> tuple[str, ...]:
    ratio = trial.times_as_fast(entry)
    written = max((run.written for run in entry.runs if run.written is not None), default=None)
    return (
        place,
        entry.name,
        f"{entry.runs[0].seconds:.2f} (one run)" if len(entry.runs) == 1 else f"{entry.seconds}",
        "" if ratio is None or entry.name == trial.baseline else f"{ratio}",
        f"{entry.spread(lambda run: run.cpu_seconds).median:.2f}",
        f"{entry.spread(lambda run: run.cores_busy).median:.2f}",
        f"{entry.spread(lambda run: run.peak_resident / 1e6).most:,.0f}",
        "" if written is None else f"{written / 1e6:,.0f}",
        equality(entry),
    )


def _notes(trial: Trial) -> list[str]:
    notes = []
    for entry in trial.entries:
        if entry.verdict is not None:
            unranked = "" if entry.verdict.is_ranked else "not ranked: "
            notes += [f"  {entry.name}: {unranked}{mark}" for mark in entry.verdict.marks]
    return notes + [f"  {entry.name} did not run: {entry.failure}" for entry in trial.entries if entry.failure]
