"""The page of a benchmark: one file, which needs nothing but itself.

It needs matplotlib, and importing this loads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from string import Template

from tileframe import __version__
from tileframe_bench.bars import in_order, memory_bars, time_bars
from tileframe_bench.page_tables import firsts, summary_table, text, trial_table
from tileframe_bench.records import Bench, Entry, Trial
from tileframe_bench.sheet import INK, LINE, PALE, PALETTE, QUIET, SURFACE, colours
from tileframe_bench.svg import recoloured
from tileframe_bench.timeline import timeline
from tileframe_bench.wording import count, figure, listed, weight

HERE = Path(__file__).parent / "page"
# In a page the charts follow it into the dark, where its style sheet has lighter colours for the series.
IN_PAGE = {
    **{colour: f"var(--series-{number}, {colour})" for number, colour in enumerate(PALETTE, 1)},
    INK: "var(--text)",
    QUIET: "var(--quiet)",
    LINE: "var(--line)",
    PALE: "var(--band)",
    SURFACE: "var(--surface)",
}
NOTES = (
    "Figures are the medians of the runs, and in brackets the least and the greatest. How many times as fast someone "
    "was is taken pair by pair, of the runs of one round. Two share a place (1=) if now the one and now the other was "
    "faster.",
    "CPU seconds and cores busy count all threads and child processes. What is read and written goes through files, "
    "from the disk or its cache; what is mapped into memory is not counted.",
    "Every output was compared with the reference, tile by tile. Pixels: all tiles decode to the same pixels; base: "
    "those of the full resolution do; layout: names and sizes are the same.",
)


def page(bench: Bench) -> str:
    """Return the page as HTML: the same records give the same bytes."""
    own = colours(entry.name for trial in bench.trials for entry in trial.entries)
    template = Template((HERE / "page.html").read_text(encoding="utf-8"))
    return template.substitute(
        title=f"Benchmark, {text(bench.date[:10])}",
        generator=f"tileframe {__version__}",
        style=(HERE / "page.css").read_text(encoding="utf-8").strip(),
        heading="Benchmark of Deep Zoom backends",
        lead=text(_lead(bench.trials)),
        when=_when(bench),
        fastest=summary_table(bench.trials),
        tables="\n".join(_tables(bench.trials, own)),
        notes=_paragraphs(NOTES),
        bars="\n".join(_bars(bench.trials, own)),
        timelines="\n".join(_timelines(bench, own)),
        options=_list({**bench.options, "rounds": str(bench.rounds)}),
        machine=_list(_machine(bench)),
        versions=_list(bench.versions),
        commands=_commands(bench),
    )


def _lead(trials: Sequence[Trial]) -> str:
    """Return the answer in one sentence."""
    wins: dict[str, int] = {}
    for trial in trials:
        for entry in firsts(trial):
            wins[entry.name] = wins.get(entry.name, 0) + 1
    if not wins:
        return "Nobody could be ranked."
    most = sorted(wins.items(), key=lambda win: -win[1])
    shared = any(len(firsts(trial)) > 1 for trial in trials)
    if len(most) == 1 and most[0][1] == len(trials):
        return f"{most[0][0]} was the fastest{' in every trial' if len(trials) > 1 else ''}."
    said = [f"{name} in {number} of {count(len(trials), 'trial')}" for name, number in most]
    return f"The fastest: {listed(said)}{'; shared places are counted for each' if shared else ''}."


def _when(bench: Bench) -> str:
    try:
        date = f"{datetime.fromisoformat(bench.date).astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    except ValueError:
        date = bench.date
    inputs = count(len({trial.input for trial in bench.trials}), "input")
    machine = f"{bench.machine.processor}, {count(bench.machine.cores, 'core')}"
    said = f"{inputs}, {count(len(bench.trials), 'trial')}, {count(bench.rounds, 'round')}, on {machine}"
    return f'<time datetime="{text(bench.date)}">{text(date)}</time>: {text(said)}'


def _by_input(trials: Sequence[Trial]) -> dict[str, list[tuple[int, Trial]]]:
    """Return the trials of each input with their numbers, in the order in which inputs first appear."""
    grouped: dict[str, list[tuple[int, Trial]]] = {}
    for number, trial in enumerate(trials, 1):
        grouped.setdefault(trial.input, []).append((number, trial))
    return grouped


def _tables(trials: Sequence[Trial], own: Mapping[str, str]) -> Iterable[str]:
    for name, numbered in _by_input(trials).items():
        first = numbered[0][1]
        facts = f"{first.size.width:,} × {first.size.height:,} px, {figure(first.megapixels)} megapixels"
        yield f'<h3>{text(name)}</h3>\n<p class="facts">{facts}, {weight(first.input_bytes)}</p>'
        for number, trial in numbered:
            more = f"{count(trial.tiles, 'tile')} on {count(trial.levels, 'level')}, {count(trial.workers, 'worker')}"
            yield f'<h4 id="trial-{number}">Tiles of {trial.tile_size} px <span>{more}</span></h4>'
            yield trial_table(trial, {name: IN_PAGE[colour] for name, colour in own.items()})


def _bars(trials: Sequence[Trial], own: Mapping[str, str]) -> Iterable[str]:
    for name, numbered in _by_input(trials).items():
        some = [trial for _, trial in numbered]
        charts = [("Time", time_bars(some, colours=own)), ("Peak memory", memory_bars(some, colours=own))]
        yield f"<h3>{text(name)}</h3>"
        yield _charts(_figure(f"{what} with {name}", svg) for what, svg in charts)


def _timelines(bench: Bench, own: Mapping[str, str]) -> Iterable[str]:
    for number, trial in enumerate(bench.trials):
        ran = [entry for entry in in_order(trial) if entry.runs]
        runs = [(entry, place) for entry in ran for place in range(len(entry.runs))]
        figures = [_timeline(trial, entry, place, bench.machine.cores, own) for entry, place in runs]
        yield f"<details{'' if number else ' open'}>"
        yield f"<summary>{text(trial.input)}, tiles of {trial.tile_size} px</summary>"
        yield _charts(figures) if figures else "<p>Nobody ran.</p>"
        yield "</details>"


def _timeline(trial: Trial, entry: Entry, place: int, core_count: int, own: Mapping[str, str]) -> str:
    run = entry.runs[place]
    which = f", run {place + 1} of {len(entry.runs)}" if len(entry.runs) > 1 else ""
    title = f"{entry.name}: {figure(run.seconds)} s{which}"
    svg = timeline(entry, run, core_count, title=title, colours=own)
    return _figure(f"{entry.name}{which} over time with {trial.input}, tiles of {trial.tile_size} px", svg)


def _figure(label: str, svg: str) -> str:
    chart = recoloured(svg, IN_PAGE)
    return f'<figure class="scroll" tabindex="0" aria-label="{text(label)}">\n{chart}</figure>'


def _charts(figures: Iterable[str]) -> str:
    inside = "\n".join(figures)
    return f'<div class="charts">\n{inside}\n</div>'


def _machine(bench: Bench) -> dict[str, str]:
    machine = bench.machine
    return {
        "system": machine.system,
        "processor": machine.processor,
        "cores": str(machine.cores),
        "memory": weight(machine.memory),
        "outputs on": machine.disk or "a file system whose kind is not known",
    }


def _commands(bench: Bench) -> str:
    """Return the command of the whole, and in a part that opens those of every entrant."""
    said = [f"<pre>{text(bench.command)}</pre>", "<details>", "<summary>The command of each entrant</summary>"]
    for trial in bench.trials:
        said.append(f"<h4>{text(trial.input)}, tiles of {trial.tile_size} px</h4>")
        rows = [f"<dt>{text(entry.name)}</dt><dd><pre>{text(entry.command)}</pre></dd>" for entry in trial.entries]
        said += ["<dl>", *rows, "</dl>"]
    return "\n".join([*said, "</details>"])


def _list(facts: Mapping[str, str]) -> str:
    rows = [f"<dt>{text(name)}</dt><dd>{text(value)}</dd>" for name, value in facts.items()]
    return "\n".join(["<dl>", *rows, "</dl>"])


def _paragraphs(sentences: Iterable[str]) -> str:
    inside = "".join(f"<p>{text(words)}</p>\n" for words in sentences)
    return f'<div class="notes">\n{inside}</div>'
