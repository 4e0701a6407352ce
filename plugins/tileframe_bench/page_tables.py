"""The tables of the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

from tileframe_bench.bars import in_order
from tileframe_bench.records import Entry, Run, Spread, Trial, Verdict
from tileframe_bench.wording import MB, count, figure, listed, plain, spread_text

NONE = "\N{EN DASH}"
UNKNOWN = f'<span title="the system does not say">{NONE}</span>'
NO_REASON = "what it wrote is not what was asked for, or less like the reference than it promises"


def text(words: str) -> str:
    """Return ``words`` as HTML that shows them."""
    return escape(plain(words))


def table(label: str, heads: Sequence[str], rows: Iterable[str], *, numbers: Sequence[int]) -> str:
    """Return a table that scrolls in a box of its own where the page is narrow; ``numbers`` are columns of figures."""
    named = [f'<th scope="col"{_right(place in numbers)}>{text(head)}</th>' for place, head in enumerate(heads)]
    lines = [
        f'<div class="scroll" role="region" tabindex="0" aria-label="{text(label)}">',
        "<table>",
        f"<thead><tr>{''.join(named)}</tr></thead>",
        "<tbody>",
        *rows,
        "</tbody>",
        "</table>",
        "</div>",
    ]
    return "\n".join(lines)


def summary_table(trials: Sequence[Trial]) -> str:
    """Return the table of the fastest, with a row for each trial."""
    baselines = {trial.baseline for trial in trials if trial.baseline}
    than = baselines.pop() if len(baselines) == 1 else "the baseline"
    heads = ("Input", "Tiles of", "Fastest", "Seconds", f"Times as fast as {than}")
    rows = [_summary_row(number, trial) for number, trial in enumerate(trials, 1)]
    return table("The fastest of each trial", heads, rows, numbers=(3, 4))


def firsts(trial: Trial) -> list[Entry]:
    """Return who has the first place: several, if they share it."""
    return [entry for place, entry in trial.ranking() if place == 1]


def trial_table(trial: Trial, colours: Mapping[str, str]) -> str:
    """Return the table of everyone in ``trial``: the ranked by place, then the others with the reason."""
    places = {entry.name: place for place, entry in trial.ranking()}
    taken = list(places.values())
    rows = []
    for entry in in_order(trial):
        place = places.get(entry.name)
        shown = NONE if place is None else f"{place}=" if taken.count(place) > 1 else str(place)
        rows.append(_row(trial, entry, shown, colours[entry.name]))
    than = f"Times as fast as {trial.baseline or 'the baseline'}"
    heads = ("Place", "Entrant", "Seconds", than, "CPU seconds", "Cores busy", "Peak MB", "MB read", "MB written")
    label = f"{trial.input}, tiles of {trial.tile_size} px"
    return table(label, (*heads, "Output"), rows, numbers=range(2, 9))


def verdict_words(verdict: Verdict) -> str:
    """Return ``pixels: identical, 13,583 of 13,583``, or what else was found."""
    name = verdict.strength.name.lower() if verdict.strength is not None else "not the same layout"
    if verdict.identical == verdict.tiles:
        return f"{name}: identical, {verdict.identical:,} of {verdict.tiles:,}"
    return f"{name}: {verdict.identical:,} of {verdict.tiles:,} identical"


def _summary_row(number: int, trial: Trial) -> str:
    link = f'<th scope="row"><a href="#trial-{number}">{text(trial.input)}</a></th><td>{trial.tile_size} px</td>'
    winners = firsts(trial)
    if not winners:
        return f'<tr>{link}<td colspan="3">nobody: none could be ranked</td></tr>'
    first, *others = winners
    shared = f"<small>and, sharing the place, {text(listed([entry.name for entry in others]))}</small>"
    names = f"<strong>{text(first.name)}</strong>{shared if others else ''}"
    return f"<tr>{link}<td>{names}</td>{_spread_cell(_seconds(first), len(first.runs))}{_ratio_cell(trial, first)}</tr>"


def _ratio_cell(trial: Trial, entry: Entry) -> str:
    if entry.name == trial.baseline:
        return _cell("1<small>the baseline</small>")
    return _spread_cell(trial.times_as_fast(entry))


def _row(trial: Trial, entry: Entry, place: str, colour: str) -> str:
    name = f'<th scope="row"><i class="swatch" style="--own: {colour}"></i>{text(entry.name)}'
    name += f"<small>{text(entry.way)}</small></th>" if entry.way else "</th>"
    if not entry.runs:
        trouble = f'<td colspan="8" class="trouble">Did not run: {text(entry.trouble or "no reason is known")}</td>'
        return f'<tr class="absent"><td>{place}</td>{name}{trouble}</tr>'
    kind = "first" if place.rstrip("=") == "1" else "ranked" if entry.is_ranked else "unranked"
    cells = [
        _spread_cell(_seconds(entry), len(entry.runs)),
        _ratio_cell(trial, entry),
        _cell(figure(entry.spread(lambda run: run.busy).median)),
        _cell(f"{entry.spread(_cores).median:.2f}"),
        _cell(f"{entry.spread(lambda run: run.peak).median / MB:,.0f}"),
        _cell(_bytes([run.read for run in entry.runs])),
        _cell(_bytes([run.written for run in entry.runs])),
        f'<td class="output">{_output(entry)}</td>',
    ]
    return f'<tr class="{kind}"><td>{place}</td>{name}{"".join(cells)}</tr>'


def _output(entry: Entry) -> str:
    """Return what was found of what it wrote, and why it is not ranked."""
    verdict = entry.verdict
    said = [f"<div>{text(verdict_words(verdict))}</div>" if verdict else "<div>not compared</div>"]
    marks = list(verdict.marks) if verdict else []
    if not entry.is_ranked:
        said.append("<div><strong>Not ranked:</strong></div>")
        marks = marks or [NO_REASON if verdict else "it was not compared with the reference"]
    said += [f'<div class="mark">{text(mark)}</div>' for mark in (*marks, entry.trouble) if mark]
    return "".join(said)


def _spread_cell(spread: Spread | None, runs: int = 0) -> str:
    if spread is None:
        return _cell(NONE)
    median, _, rest = spread_text(spread).partition(" ")
    rest = count(1, "run") if runs == 1 else rest
    return _cell(f"{median}<small>{rest}</small>" if rest else median)


def _bytes(amounts: Sequence[int | None]) -> str:
    known = [amount for amount in amounts if amount is not None]
    return f"{Spread.of(known).median / MB:,.0f}" if known and len(known) == len(amounts) else UNKNOWN


def _cell(html: str) -> str:
    return f'<td class="number">{html}</td>'


def _right(is_number: bool) -> str:
    return ' class="number"' if is_number else ""


def _seconds(entry: Entry) -> Spread:
    return entry.spread(lambda run: run.seconds)


def _cores(run: Run) -> float:
    return run.cores if run.seconds else 0
