"""The results of a trial as a table of text."""

from __future__ import annotations

from tileframe_bench.records import Entry, Trial
from tileframe_bench.text import aligned

COLUMNS = ("", "", "seconds", "times as fast", "CPU s", "cores", "peak MB", "written MB", "pixels")


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
        "" if ratio is None or entry.name == trial.baseline else f"{ratio}",
        f"{entry.median('cpu_seconds'):.2f}",
        f"{entry.median('cores_busy'):.2f}",
        f"{entry.spread(lambda run: run.peak_resident / 1e6).most:,.0f}",
        "" if written is None else f"{written / 1e6:,.0f}",
        entry.equality,
    )
