"""The figures of a trial as a table of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tileframe_bench.records import Entry, Trial

COLUMNS = ("", "", "seconds", "times as fast", "CPU s", "cores", "peak MB", "written MB", "pixels")


def table(trial: Trial) -> str:
    """Return a heading, a line for each who ran, the ranked ones first, and what there is to say of each."""
    placed = [(f"{place}", entry) for place, entry in trial.ranking()]
    unranked = [("-", entry) for entry in trial.entries if entry.runs and not entry.is_ranked]
    rows = [_row(trial, place, entry) for place, entry in placed + unranked]
    lines = [heading(trial), "", *_aligned([COLUMNS, *rows])] if rows else [heading(trial)]
    return "\n".join([*lines, *notes(trial)]) + "\n"


def heading(trial: Trial) -> str:
    """Return what was tiled, and how."""
    density = trial.input_bytes / trial.size.area
    return (
        f"{trial.input}: {trial.size}, {trial.megapixels:.1f} MP, {trial.input_bytes / 1e6:.1f} MB, "
        f"{density:.2f} bytes a pixel; tiles of {trial.tile_size}: {trial.tiles:,} on {trial.levels} levels; "
        f"{trial.workers} workers; times as fast as {trial.baseline or 'nobody, for nobody made a right pyramid'}"
    )


def notes(trial: Trial) -> list[str]:
    """Return what is wrong or different, and who did not run, a line each."""
    marked = [f"  {entry.name}: {mark}" for entry in trial.entries for mark in _marks(entry)]
    return marked + [f"  {entry.name} did not run: {entry.trouble}" for entry in trial.entries if entry.trouble]


def equality(entry: Entry) -> str:
    """Return how equal its pyramid is to the reference, in a word or two."""
    if entry.verdict is None:
        return ""
    if entry.verdict.strength is None:
        return "other layout"
    return entry.verdict.strength.name.lower()


def _marks(entry: Entry) -> Iterator[str]:
    if entry.verdict is not None:
        unranked = "" if entry.verdict.is_ranked else "not ranked: "
        yield from (f"{unranked}{mark}" for mark in entry.verdict.marks)


def _row(trial: Trial, place: str, entry: Entry) -> tuple[str, ...]:
    ratio = trial.times_as_fast(entry)
    written = max((run.written for run in entry.runs if run.written is not None), default=None)
    return (
        place,
        entry.name,
        f"{entry.runs[0].seconds:.2f} (one run)" if len(entry.runs) == 1 else f"{entry.seconds}",
        "" if ratio is None or entry.name == trial.baseline else f"{ratio}",
        f"{entry.spread(lambda run: run.busy).median:.2f}",
        f"{entry.spread(lambda run: run.cores).median:.2f}",
        f"{entry.spread(lambda run: run.peak / 1e6).most:,.0f}",
        "" if written is None else f"{written / 1e6:,.0f}",
        equality(entry),
    )


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    # Words to the left, figures to the right.
    left = {1, len(widths) - 1}
    return [
        "  "
        + "  ".join(
            cell.ljust(width) if number in left else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
