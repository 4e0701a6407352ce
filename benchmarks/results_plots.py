"""The plots of the page of results. Importing this loads matplotlib."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from matplotlib.figure import Figure

from benchmarks.results_kept import OVER_TIME, SITTINGS, Kept, median_run
from benchmarks.results_page import TIMELINES, entrants, scalings
from tileframe_bench.charts import colours, lines, memory_bars, svg, time_bars, timeline
from tileframe_bench.records import Spread


def draw(kept: Kept, folder: Path) -> None:
    """Write every plot of the page into ``folder``, and remove those that it does not have."""
    drawn = {folder / f"{name}.svg": svg(figure) for name, figure in plots(kept)}
    for old in set(folder.glob("*.svg")) - drawn.keys():
        old.unlink()
    for path, text in drawn.items():
        path.write_text(text, encoding="utf-8")


def plots(kept: Kept) -> Iterator[tuple[str, Figure]]:
    """Yield the names of the files, without the suffix, and the figures; an entrant has one colour in all of them."""
    own = colours(chain.from_iterable(entrants(kept.trials(section)) for section in SITTINGS))
    table = sorted(kept.trials("table"), key=lambda trial: trial.tile_size)
    for name in dict.fromkeys(trial.input for trial in table):
        some = [trial for trial in table if trial.input == name]
        yield f"time-{name}", time_bars(some, colours=own)
        yield f"memory-{name}", memory_bars(some, colours=own)
    file, *measured = OVER_TIME
    for trial in kept.benches[file].trials if file in kept.benches else ():
        for entry in [one for one in trial.entries if one.name in TIMELINES and one.runs]:
            if [trial.input, trial.tile_size] == measured:
                chart = timeline(entry, median_run(entry), kept.benches[file].machine.cores, colours=own)
                yield f"timeline-{trial.input}-{entry.name.replace(' ', '-')}", chart
    for scaling in scalings(kept):
        series: dict[str, dict[str, list[tuple[float, Spread]]]] = {}
        for picture, name, entries in scaling.series:
            points = [(at, entry.seconds) for at, (_, entry) in entries.items() if entry.runs]
            series.setdefault(picture, {})[name] = points
        for picture, one in series.items():
            x = f"{scaling.title.lower()}, in pixels" if scaling.unit == "px" else scaling.title.lower()
            title = f"{picture}: seconds by {scaling.title.lower()}"
            chart = lines(one, x=x, y="seconds", log=scaling.is_log, title=title, colours=own)
            yield f"{scaling.section}-{picture}".replace("_", "-").replace(" ", "-"), chart
