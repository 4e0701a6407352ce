"""The page of a benchmark: one HTML file with its tables and charts, which needs nothing else."""

from __future__ import annotations

import base64
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from matplotlib.figure import Figure

from tileframe import __version__
from tileframe_bench import charts, text
from tileframe_bench.records import Bench


def template(path: Path, filters: dict[str, Callable[..., Any]], **options: Any) -> Template:
    """Return a template for pages of figures, with ``filters`` besides those of `tileframe_bench.text`."""
    loader = FileSystemLoader(path.parent)
    environment = Environment(loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, **options)
    environment.filters |= {"count": text.count, "figure": text.figure, "weight": text.weight, **filters}
    return environment.get_template(path.name)


def page(bench: Bench) -> str:
    """Return the page as HTML: the same records give the same bytes."""
    whole = template(
        Path(__file__).with_name("page.html"),
        {"chart": _data_uri},
        autoescape=True,
        finalize=lambda value: text.plain(value) if type(value) is str else value,
    )
    return whole.render(
        bench=bench,
        charts=charts,
        colours=charts.colours(entry.name for trial in bench.trials for entry in trial.entries),
        # By input, in the order in which they were given.
        inputs=[list(trials) for _, trials in groupby(bench.trials, lambda trial: trial.input)],
        version=__version__,
    )


def _data_uri(chart: Figure) -> str:
    # As images, charts share neither ids nor styles with the page.
    return f"data:image/svg+xml;base64,{base64.b64encode(charts.svg(chart).encode()).decode()}"
