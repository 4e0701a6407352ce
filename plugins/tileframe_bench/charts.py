"""The charts of a benchmark, as figures of matplotlib, and their SVG."""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from io import BytesIO
from itertools import accumulate
from typing import Any, Literal

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from tileframe_bench.records import Run, Spread, Trial
from tileframe_bench.text import figure, plain, shortened

# Colours that are told apart without seeing red or green, on a white page and, inverted, on a dark one.
PALETTE = ("#0f766e", "#6c8fff", "#b94119", "#72a11c", "#9a4ca9", "#38a0c2", "#e3699c", "#0b77d6", "#7a8968")
INK, QUIET, GRID, BAND = "#1a1f26", "#58616d", "#d6dae0", "#dde2e8"
MARKERS = "os^DvPX<>ph"
WIDTH, ROW = 560, 21  # pixels of a figure, and of one bar
# With medians further apart than this, the bars of the fast ones could not be told apart on a linear scale.
LINEAR_RATIO = 8
# Of a machine with more cores, the load of all is one area.
MAX_CORE_BANDS = 8
NO_SAMPLES = "over before the first sample"

STYLE: dict[Any, Any] = {
    "figure.dpi": 72,  # a point is a pixel
    "font.size": 11,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "figure.titlesize": 13,
    "figure.titleweight": "bold",
    "text.color": INK,
    "text.parse_math": False,  # a file's name may hold dollars
    "axes.labelcolor": QUIET,
    "axes.edgecolor": GRID,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "xtick.color": GRID,
    "xtick.labelcolor": QUIET,
    "ytick.color": GRID,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "tileframe",  # the same figure gives the same bytes
}
Points = Mapping[float, Spread]
# A decorator: all that is done inside uses `STYLE` alone, not the user's settings.
styled = style.context(STYLE, after_reset=True)


@styled
def svg(chart: Figure) -> str:
    """Return a figure of this module as an SVG file, with the figure's title as its title."""
    file = BytesIO()
    with warnings.catch_warnings():
        # A reader's fonts may have what the one that text is measured with has not.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        chart.savefig(file, format="svg", metadata={"Title": chart.get_suptitle(), "Date": None, "Creator": None})
    return file.getvalue().decode()


def colours(names: Iterable[str]) -> dict[str, str]:
    """Return a colour for each name, in the order in which they first appear; beyond nine they come again."""
    return {name: PALETTE[number % len(PALETTE)] for number, name in enumerate(dict.fromkeys(names))}


@styled
def bars(trials: Sequence[Trial], what: Literal["time", "memory"], colours: Mapping[str, str]) -> Figure:
    """Return bars of the seconds or the peak memory with one input, a group for each of its ``trials``.

    Entrants that are not ranked are hatched, and those that did not run are named.
    """
    runs = [run for trial in trials for entry in trial.entries for run in entry.runs]
    title, (unit, size), name = "Time", ("s", 1.0), "seconds"
    if what == "memory":
        title, (unit, size), name = "Peak memory", _unit([run.peak_resident for run in runs]), "peak_resident"
    medians = [entry.median(name) or 0 for trial in trials for entry in trial.entries if entry.runs]
    log = bool(medians) and 0 < LINEAR_RATIO * min(medians) < max(medians)
    rows = [len(trial.entries) for trial in trials]
    chart = Figure(figsize=(WIDTH / 72, (80 + sum(ROW * count + 30 for count in rows)) / 72), layout="constrained")
    chart.suptitle(shortened(f"{title}: {trials[0].input}", 64), x=0.01, ha="left")
    groups = chart.subplots(len(trials), 1, sharex=True, squeeze=False, height_ratios=rows)[:, 0]
    for axes, trial in zip(groups, trials, strict=True):
        entries = [entry for _, entry in trial.places]
        ran = [entry for entry in entries if entry.runs]
        spreads = [Spread.of([getattr(run, name) / size for run in entry.runs]) for entry in ran]
        axes.set_title(f"Tiles of {trial.tile_size} px")
        axes.grid(axis="y", visible=False)
        _set_ticks(axes.xaxis, log=log)
        axes.barh(
            range(len(ran)),
            [spread.median for spread in spreads],
            height=0.65,
            xerr=_error_bars(spreads),
            error_kw={"ecolor": INK, "elinewidth": 1.2, "capsize": 3},
            facecolor=[colours[entry.name] if entry.is_ranked else "white" for entry in ran],
            edgecolor=[colours[entry.name] for entry in ran],
            hatch=["" if entry.is_ranked else "////" for entry in ran],
        )
        for row, entry in enumerate(entries):
            if entry.runs:
                label = f"{figure(spreads[row].median)} {unit}{'' if entry.is_ranked else ', not ranked'}"
                axes.annotate(label, (spreads[row].most, row), (7, 0), textcoords="offset points", va="center")
            else:
                left = {"transform": axes.get_yaxis_transform(), "va": "center", "color": QUIET, "style": "italic"}
                axes.text(0.01, row, "did not run", **left)
        axes.set_yticks(range(len(entries)), [shortened(entry.name, 30) for entry in entries])
        axes.set_ylim(len(entries) - 0.4, -0.6)
    if log:
        groups[-1].set_xlim(left=min(medians) / size / 2)
    scale = ", logarithmic scale" if log else ""
    label = f"{unit}{scale}; median, and from the least to the greatest; less is better"
    chart.supxlabel(label, size=11, color=QUIET)
    return chart


@styled
def lines(series: Mapping[str, Points], colours: Mapping[str, str], *, x: str, y: str, title: str, log: bool) -> Figure:
    """Return a line for each of ``series``, through the medians, with bars from the least to the greatest.

    ``x`` and ``y`` say what the axes show, with the unit. With ``log`` both are logarithmic.
    """
    chart = Figure(figsize=(640 / 72, 380 / 72), layout="constrained")
    chart.suptitle(plain(title), x=0.01, ha="left")
    axes = chart.add_subplot(xlabel=plain(x), ylabel=plain(y))
    for number, (name, points) in enumerate(series.items()):
        axes.errorbar(
            [*points],
            [spread.median for spread in points.values()],
            yerr=_error_bars(points.values()),
            color=colours[name],
            marker=MARKERS[number % len(MARKERS)],
            markersize=7,
            capsize=3,
            label=shortened(name, 30) + ("" if points else " (no figures)"),
        )
    for axis in (axes.xaxis, axes.yaxis):
        _set_ticks(axis, log=log and any(series.values()))
    if not log:
        axes.set_ylim(bottom=min(0, axes.get_ylim()[0]))
    chart.legend(loc="outside right upper", ncols=1 + len(series) // 20)
    return chart


@styled
def timeline(run: Run, core_count: int, title: str, colour: str) -> Figure:
    """Return what one ``run`` did over time, on a machine where it might use ``core_count`` cores.

    Three panels: the cores that it kept busy over the load of all cores of the machine, its memory, and the bytes that
    it has read and written.
    """
    (unit, size), (file_unit, file_size) = _unit([run.peak_resident]), _unit([run.read or 0, run.written or 0])
    titles = (
        "Cores busy: by this process (line) and, core on core, by all (grey)",
        f"Resident memory, {unit}",
        f"Files, {file_unit}: read (dashed) and written (solid), where the system tells",
    )
    # A page has many of these: a fixed layout takes half the time.
    chart = Figure(figsize=(WIDTH / 72, 360 / 72))
    chart.subplots_adjust(left=0.1, right=0.97, bottom=0.12, top=0.87, hspace=0.5)
    chart.suptitle(shortened(title, 64), x=0.01, ha="left")
    cores, memory, files = panels = chart.subplots(3, 1, sharex=True)
    if run.samples:
        times = [sample.seconds for sample in run.samples]
        _draw_cores(cores, run, core_count, colour)
        resident = [sample.resident / size for sample in run.samples]
        memory.plot(times, resident, color=colour, marker="o" if len(times) == 1 else "")
        memory.set_ylim(top=1.06 * run.peak_resident / size or 1)
        for name, stroke in {"read": "dashed", "written": "solid"}.items():
            if (total := getattr(run, name)) is not None:
                amounts = [0, *(getattr(sample, name) or 0 for sample in run.samples), total]
                scaled = [amount / file_size for amount in amounts]
                files.plot([0, *times, run.seconds], scaled, color=colour, linestyle=stroke)
    for axes, words in zip(panels, titles, strict=True):
        axes.set_title(words, weight="normal", size=10.5)
        axes.set_xlim(0, run.seconds or 1)
        axes.set_ylim(bottom=0)
        _set_ticks(axes.xaxis)
        _set_ticks(axes.yaxis)
        if not run.samples:
            axes.set_yticks([])
            axes.text(0.02, 0.4, NO_SAMPLES, transform=axes.transAxes, color=QUIET, style="italic")
    files.set_xlabel("seconds since its process was started")
    return chart


def _draw_cores(axes: Axes, run: Run, core_count: int, colour: str) -> None:
    edges = [0.0, *(sample.seconds for sample in run.samples)]
    loads, busy = [sample.core_loads for sample in run.samples], [sample.cores_busy for sample in run.samples]
    sums = [list(accumulate(cores)) if len(cores) <= MAX_CORE_BANDS else [sum(cores)] for cores in loads]
    for heights in reversed(list(zip(*sums, strict=True))):
        axes.stairs(heights, edges, fill=True, facecolor=BAND, edgecolor="white", linewidth=0.6)
    axes.stairs(busy, edges, baseline=None, color=colour, linewidth=1.6)
    axes.set_ylim(top=1.06 * max(core_count, *busy, *map(sum, loads)))


def _set_ticks(axis: Any, *, log: bool = False) -> None:
    if log:
        axis.axes.set(**{f"{axis.axis_name}scale": "log"})
        axis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=9))
        axis.set_minor_locator(NullLocator())
    axis.set_major_formatter("{x:,.10g}")


def _error_bars(spreads: Collection[Spread]) -> list[list[float]]:
    """Return the distances from the medians down and up, as matplotlib takes them."""
    return [[one.median - one.least for one in spreads], [one.most - one.median for one in spreads]]


def _unit(sizes: Iterable[float]) -> tuple[str, float]:
    """Return the unit of bytes in which the largest size is written, and its bytes."""
    return ("GB", 1e9) if max(sizes, default=0) >= 2e9 else ("MB", 1e6)
