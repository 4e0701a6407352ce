"""`RESULTS.md` and its plots, from what `results.py` has kept: the same records give the same bytes.

Importing this loads matplotlib: who measures does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.markdown import bullets, paragraphs, table, text
from benchmarks.results_kept import TIMELINE_OF, WORK, Kept, load
from benchmarks.results_plots import all_plots, bar_plots, line_plots, links, timeline_plots
from benchmarks.results_scaling import SCALINGS, Scaling, by_picture, scaling_tables
from benchmarks.results_sentences import again_page, summary
from benchmarks.results_slower import slower_page
from benchmarks.results_tables import DZSAVE, fastest_table, in_order, notes, published_table, side_by_side, work_table
from tileframe_bench.records import Bench, Machine, Trial
from tileframe_bench.wording import count, listed, weight

COMMAND = "python benchmarks/results.py"
REMADE = f"Made by `{COMMAND}`; do not edit it."


def write(kept: Path, target: Path) -> None:
    """Write the page ``target``, and its plots beside the records in the folder ``kept``; remove plots of old."""
    records = load(kept)
    drawn = {f"{plot.name}.svg": plot.draw() for plot in all_plots(records)}
    for old in kept.glob("*.svg"):
        if old.name not in drawn:
            old.unlink()
    for name, svg in drawn.items():
        (kept / name).write_text(svg, encoding="utf-8")
    target.write_text(page(records), encoding="utf-8")


def page(kept: Kept) -> str:
    """Return the page as Markdown."""
    parts = [
        "# Results",
        summary(kept),
        *_measured(kept),
        "## The reference table, side by side",
        _table(kept),
        "## Where the time goes",
        _work(kept),
        "## Over time",
        _timelines(kept),
        "## How it scales",
        *(_scaling(kept, scaling) for scaling in SCALINGS),
        "## A second run",
        _of(kept, "again", lambda bench: again_page(kept)),
        "## Where a backend is slower",
        slower_page(kept) if kept.benches else missing("table"),
        "## How to repeat it",
        _repeat(),
    ]
    return paragraphs(*parts) + "\n"


def missing(section: str) -> str:
    """Return what stands where a section is not there."""
    return f"Left out: `{section}` has not been measured (`{COMMAND} --only {section}`)."


def _of(kept: Kept, section: str, shown: Callable[[Bench], str]) -> str:
    bench = kept.section(section)
    return missing(section) if bench is None or not bench.trials else shown(bench)


def _measured(kept: Kept) -> Iterator[str]:
    """Yield when, on what, with what."""
    dated: dict[str, tuple[str, str, str]] = {
        name: (bench.date, _rounds(bench), bench.command) for name, bench in kept.benches.items()
    }
    if kept.work:
        dated[WORK] = kept.work.date, "", kept.work.command
    if not dated:
        return
    days = sorted({date[:10] for date, _, _ in dated.values()})
    yield f"Measured {days[0]}{f' to {days[-1]}' if len(days) > 1 else ''}. {REMADE}"
    rows = [(name, date[:16].replace("T", " "), rounds, f"`{typed}`") for name, (date, rounds, typed) in dated.items()]
    yield table(("section", "when, UTC", "rounds", "command"), rows, left=4)
    first = kept.benches.get("table") or next(iter(kept.benches.values()), None)
    if first is not None:
        yield bullets(_facts(kept, first))


def _facts(kept: Kept, first: Bench) -> Iterator[str]:
    yield f"Machine: {_machine(first.machine)}."
    yield f"Versions: {', '.join(f'{text(name)} {text(version)}' for name, version in first.versions.items())}."
    yield f"Held equal: {'; '.join(f'*{text(name)}*: {text(words)}' for name, words in first.options.items())}."
    here = {name: (bench.machine, bench.versions) for name, bench in kept.benches.items()}
    if kept.work:
        here[WORK] = kept.work.machine, kept.work.versions
    others = [f"`{name}`" for name, found in here.items() if found != (first.machine, first.versions)]
    if others:
        yield f"**On another machine or with other versions: {listed(others)}.**"
    yield "Proved: before its time counts, every pyramid is compared, tile by tile, with one of no backend's making."


def _machine(machine: Machine) -> str:
    where = f"outputs on {machine.disk}" if machine.disk else "outputs on a file system whose kind is not known"
    cores = count(machine.cores, "core")
    return f"{text(machine.processor)}, {cores}, {weight(machine.memory)} of memory, {text(machine.system)}, {where}"


def _rounds(bench: Bench) -> str:
    """Return the most runs that anyone had, of each trial: parts of a section may differ."""
    most = sorted({max((len(entry.runs) for entry in trial.entries), default=0) for trial in bench.trials})
    return listed([f"{number}" for number in most])


def _table(kept: Kept) -> str:
    def shown(bench: Bench) -> str:
        trials = in_order(bench.trials)
        return paragraphs(
            "Somebody else's figures, of one process of Python with OpenSlide's Deep Zoom generator and Pillow on a "
            "laptop, and the inputs that stand for those pictures here: drawn ones of the same size in pixels.",
            published_table(trials),
            "In each cell: the median of the seconds (the least to the greatest); how many times "
            f"(×) as fast as {DZSAVE}, pair by pair of one round; and the greatest peak of the memory, with the "
            "pages of mapped files. The fastest are bold; two are, if now the one and now the other was faster. "
            "Measured in as many sittings as are listed above, not one after the other, for what else the machine does "
            "changes by the hour. Who was far slower than the fastest ran once in a sitting, and the slowest in the "
            "first alone.",
            side_by_side(trials),
            bullets(notes(trials)),
            "The fastest of each row. The generator loop is the way of the published figures, on this machine; where "
            "several share the place, the figures are of the one named first.",
            fastest_table(trials),
            links(bar_plots(kept)),
        )

    return _of(kept, "table", shown)


def _work(kept: Kept) -> str:
    if kept.work is None:
        return missing(WORK)
    rounds = {name: len(some) for name, some in kept.work.rounds.items()}
    return paragraphs(
        "What cannot be left out, alone in one thread: CPU seconds of each stage over all of the data, and its share. "
        "The limit is what all cores need for the sum, or decoding alone, where a picture gives its rows in order. It "
        "is low rather than high, for cores share caches and memory.",
        work_table(kept.work, kept.trials("table")),
        f"Medians of rounds: {', '.join(f'{text(name)} {number}' for name, number in rounds.items())}. "
        f"`stream` is the median of the reference table, with the start of Python.",
    )


def _timelines(kept: Kept) -> str:
    name, tile_size = TIMELINE_OF
    shown = links(timeline_plots(kept))
    return paragraphs(f"The median runs with {name} at {tile_size}.", shown) if shown else missing("table")


def _scaling(kept: Kept, scaling: Scaling) -> str:
    def shown(bench: Bench) -> str:
        said = [_pictures(name, some) for name, some in by_picture(bench.trials).items()]
        return paragraphs(
            f"Seconds, medians (least to greatest), of {listed(said)}.",
            scaling_tables(scaling, bench.trials),
            bullets(notes(bench.trials, scaling.place)),
            links(line_plots(kept, scaling)),
        )

    return paragraphs(f"### {scaling.title}", _of(kept, scaling.section, shown))


def _pictures(name: str, trials: list[Trial]) -> str:
    sizes = list(dict.fromkeys(f"{trial.size}" for trial in trials))
    return f"{text(name)} ({sizes[0] if len(sizes) == 1 else f'{sizes[0]} to {sizes[-1]}'})"


def _repeat() -> str:
    return paragraphs(
        "With the development install, `pip install -e '.[dev]'`, from the project's folder:",
        f"```\n{COMMAND}\n```",
        "This draws the inputs, measures every section and sitting, for some hours on two cores, keeps each as JSON "
        "in `benchmarks/results`, and writes this page and its plots. One alone: `--only workers`. The page "
        "alone: `--render`. Other places for the outputs: `--scratch DIR`; for the inputs: the variable "
        "`TILEFRAME_WORKLOADS`. Your own files: `tileframe bench FILE --html bench.html`.",
    )
