"""The plots of the page of results. Importing this loads matplotlib."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain

from benchmarks.results_kept import SECTIONS, TIMELINE_OF, Kept, median_run
from benchmarks.results_scaling import SCALINGS, Scaling, by_picture, entrants, of_entrant
from benchmarks.results_tables import DZSAVE, in_order
from tileframe_bench.charts import colours, lines, memory_bars, time_bars, timeline
from tileframe_bench.wording import plain

OVER_TIME = ("stream", DZSAVE)


@dataclass(frozen=True, slots=True)
class Plot:
    """A file of the page."""

    name: str
    shows: str
    draw: Callable[[], str]

    @property
    def link(self) -> str:
        """How the page shows it."""
        return f"![{self.shows}](results/{self.name}.svg)"


def bar_plots(kept: Kept) -> list[Plot]:
    """Return bars of time and of memory for each input of the reference table."""
    trials, own = in_order(kept.trials("table")), _colours(kept)
    plots = []
    for name in dict.fromkeys(trial.input for trial in trials):
        some = [trial for trial in trials if trial.input == name]
        plots += [
            Plot(f"time-{name}", f"Time with {plain(name)}", partial(time_bars, some, colours=own)),
            Plot(f"memory-{name}", f"Peak memory with {plain(name)}", partial(memory_bars, some, colours=own)),
        ]
    return plots


def timeline_plots(kept: Kept) -> list[Plot]:
    """Return what stream and bare dzsave did over time with one input; nothing of who did not run."""
    first = kept.benches.get("table")
    trial = next((one for one in first.trials if (one.input, one.tile_size) == TIMELINE_OF), None) if first else None
    if first is None or trial is None:
        return []
    cores, own, plots = first.machine.cores, _colours(kept), []
    for name in OVER_TIME:
        entry = trial.entry(name)
        if entry is None or not entry.runs:
            continue
        draw = partial(timeline, entry, median_run(entry), cores, colours=own)
        shows = f"{name} with {trial.input} at {trial.tile_size}, over time"
        plots.append(Plot(f"timeline-{trial.input}-{name.replace(' ', '-')}", shows, draw))
    return plots


def line_plots(kept: Kept, scaling: Scaling) -> list[Plot]:
    """Return the lines of seconds, a plot for each picture."""
    trials, own = kept.trials(scaling.section), _colours(kept)
    plots = []
    for name, some in by_picture(trials).items():
        series = {
            entrant: [(scaling.of(trial), entry.seconds) for trial, entry in of_entrant(some, entrant)]
            for entrant in entrants(some)
        }
        shows = f"{plain(name)}: seconds by {scaling.title.lower()}"
        draw = partial(lines, series, x=scaling.axis, y="seconds", log=scaling.is_log, title=shows, colours=own)
        file = f"{scaling.section.replace('_', '-')}-{name.replace(' ', '-')}"
        plots.append(Plot(file, shows, draw))
    return plots


def all_plots(kept: Kept) -> list[Plot]:
    """Return every plot of the page."""
    scaled = chain.from_iterable(line_plots(kept, scaling) for scaling in SCALINGS)
    return [*bar_plots(kept), *timeline_plots(kept), *scaled]


def links(plots: Sequence[Plot]) -> str:
    """Return the plots below each other."""
    return "\n\n".join(plot.link for plot in plots)


def _colours(kept: Kept) -> Mapping[str, str]:
    """Return one colour for each entrant, in all plots."""
    return colours(chain.from_iterable(entrants(kept.trials(section)) for section in SECTIONS))
