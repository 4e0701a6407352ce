"""The page of a benchmark: one HTML file with its tables and charts, which needs nothing else."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from statistics import median

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.figure import Figure

from tileframe import __version__
from tileframe_bench import charts, text
from tileframe_bench.records import Bench, Entry, Trial
from tileframe_bench.table import equality


def page(bench: Bench) -> str:
    """Return the page as HTML: the same records give the same bytes."""
    environment = Environment(
        autoescape=True,
        finalize=lambda value: text.plain(value) if type(value) is str else value,
        loader=FileSystemLoader(Path(__file__).parent),
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {
        name: getattr(text, name) for name in ("count", "figure", "listed", "spread_text", "weight")
    }
    environment.filters |= {"chart": _data_uri, "equality": equality, "median_of": _median_of}
    own = charts.colours(entry.name for trial in bench.trials for entry in trial.entries)
    return environment.get_template("page.html").render(
        bench=bench,
        charts=charts,
        colours=own,
        # By input, in the order in which they were given.
        inputs=[list(trials) for _, trials in groupby(bench.trials, lambda trial: trial.input)],
        places=_places,
        timelines=lambda trial: _timelines(trial, bench.machine.cores, own),
        version=__version__,
    )


def _places(trial: Trial) -> dict[str, str]:
    """Return the places by name: ``2``, or ``1=`` if it is shared."""
    ranking = trial.ranking()
    taken = [place for place, _ in ranking]
    return {entry.name: f"{place}{'=' if taken.count(place) > 1 else ''}" for place, entry in ranking}


def _timelines(trial: Trial, cores: int, own: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the title and the chart of every run."""
    for entry in trial.in_order():
        for number, run in enumerate(entry.runs, 1):
            which = f", run {number} of {len(entry.runs)}" if len(entry.runs) > 1 else ""
            title = f"{entry.name}: {text.figure(run.seconds)} s{which}"
            yield title, _data_uri(charts.timeline(run, cores, title, own[entry.name]))


def _median_of(entry: Entry, figure: str) -> float | None:
    """Return the median of a figure of its runs; None if one of them has none."""
    figures = [getattr(run, figure) for run in entry.runs]
    return None if None in figures else median(figures)


def _data_uri(chart: Figure) -> str:
    # As images, charts share neither ids nor styles with the page.
    return f"data:image/svg+xml;base64,{base64.b64encode(charts.svg(chart).encode()).decode()}"
