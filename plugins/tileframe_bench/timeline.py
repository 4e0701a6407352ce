"""What one run did over time: the processor, its memory, and what it read and wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

from matplotlib.axes import Axes

from tileframe_bench.records import Entry, Run, Sample
from tileframe_bench.scales import Scale
from tileframe_bench.sheet import INK, PALE, QUIET, SURFACE, Sheet, chosen, drawing
from tileframe_bench.wording import count, figure, plain, unit_for, weight

WIDTH, HEIGHT = 560, 360
LEFT, RIGHT, TOP, PANEL, HEADING, GAP = 62, 18, 32, 66, 21, 12
# Finer than this nothing could be seen, and a page holds many of these charts.
LOOKS, BANDS = 160, 16
OVER = "over before it was looked at"


@drawing()
def timeline(
    entry: Entry, run: Run, core_count: int, *, title: str = "", colours: Mapping[str, str] | None = None
) -> str:
    """Return the chart of one ``run`` of ``entry`` on a machine where it might use ``core_count`` cores.

    Three panels above each other: the cores that it kept busy, over the load of all cores of the machine whoever
    caused it; its memory; and the bytes that it has read and written so far. ``title`` is written above, the
    entrant's name and the seconds by default.
    """
    colour = chosen([entry.name], colours)[entry.name]
    title = plain(title) or f"{plain(entry.name)}: {figure(run.seconds)} s"
    sheet = Sheet(WIDTH, HEIGHT)
    sheet.write(LEFT, 18, title, size=13, bold=True)
    samples = thinned(run.samples)
    panels = [
        _processor(samples, core_count, colour),
        _memory(run, samples, colour),
        _files(run, samples, colour),
    ]
    for number, panel in enumerate(panels):
        _draw(sheet, panel, number, run.seconds)
    sheet.write(LEFT, HEIGHT - 8, "seconds since its process was started", size=10.5, colour=QUIET)
    return sheet.svg(f"Over time: {title}", _description(run))


def thinned(samples: Sequence[Sample], most: int = LOOKS) -> list[Sample]:
    """Return ``samples``, or means of neighbours if there are more than ``most``.

    Of their memory it is the greatest, of the bytes so far the last.
    """
    size = -(-len(samples) // most)
    starts = [0.0, *(sample.seconds for sample in samples)]
    merged = []
    for first in range(0, len(samples), size or 1):
        some = samples[first : first + size]
        times = [max(one.seconds - starts[first + place], 1e-9) for place, one in enumerate(some)]
        whole = sum(times)
        cores = [
            sum(load * time for load, time in zip(loads, times, strict=True)) / whole
            for loads in zip(*(one.cores for one in some), strict=False)
        ]
        busy = sum(one.busy * time for one, time in zip(some, times, strict=True)) / whole
        last = some[-1]
        peak = max(one.resident for one in some)
        merged.append(Sample(last.seconds, busy, tuple(cores), peak, last.read, last.written))
    return merged


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a panel."""

    seconds: Sequence[float]
    figures: Sequence[float]
    colour: str
    dashed: bool = False
    steps: bool = False
    """Whether each figure is that of the whole time since the one before."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One of the three."""

    heading: str
    curves: Sequence[Curve]
    bands: Sequence[Curve] = ()
    """The upper edges of areas that lie on each other, the highest last."""
    top: float = 0
    """What its scale reaches at least."""
    instead: str = ""
    """What is written there if there is nothing to draw."""


def _processor(samples: Sequence[Sample], core_count: int, colour: str) -> Panel:
    times = [0.0, *(one.seconds for one in samples)]
    edges = list(zip(*(list(accumulate(_bands(one.cores))) for one in samples), strict=False))
    bands = [Curve(times, [edge[0], *edge], PALE, steps=True) for edge in edges]
    busy = [one.busy for one in samples]
    heading = "Cores busy: by this process (line) and, core on core, by all (grey)"
    curves = [Curve(times, [busy[0], *busy], colour, steps=True)] if busy else []
    return Panel(heading, curves, bands, core_count, OVER)


def _bands(cores: Sequence[float]) -> list[float]:
    """Return the loads of the cores, those of neighbours added up if there are too many to be seen."""
    size = -(-len(cores) // BANDS) or 1
    return [sum(cores[first : first + size]) for first in range(0, len(cores), size)]


def _memory(run: Run, samples: Sequence[Sample], colour: str) -> Panel:
    size, unit = unit_for(run.peak)
    curve = Curve([one.seconds for one in samples], [one.resident / size for one in samples], colour)
    heading = f"Resident memory, {unit}: {figure(run.peak / size)} at most"
    return Panel(heading, [curve] if samples else [], (), run.peak / size, OVER)


def _files(run: Run, samples: Sequence[Sample], colour: str) -> Panel:
    known = [amount for amount in (run.read, run.written) if amount is not None]
    size, unit = unit_for(max(known, default=0))
    curves, said = [], []
    for words, stroke, total, amounts in (
        ("read", "dashed", run.read, [one.read for one in samples]),
        ("written", "line", run.written, [one.written for one in samples]),
    ):
        if total is None:
            continue
        said.append(f"{words} {figure(total / size)} ({stroke})")
        if samples:
            pairs = [(one.seconds, amount) for one, amount in zip(samples, amounts, strict=True) if amount is not None]
            pairs = [(0.0, 0), *pairs, (run.seconds, total)]
            heights = [amount / size for _, amount in pairs]
            curves.append(Curve([time for time, _ in pairs], heights, colour, dashed=stroke == "dashed"))
    heading = f"Files, {unit}: {' and '.join(said)}" if said else "Files: read and written"
    if len(said) == 1:
        heading += f"; what it {'wrote' if run.written is None else 'read'}, the system does not say"
    return Panel(heading, curves, (), 0, OVER if said else "the system does not say")


def _draw(sheet: Sheet, panel: Panel, number: int, seconds: float) -> None:
    top = TOP + number * (HEADING + PANEL + GAP)
    sheet.write(LEFT, top + HEADING - 7, panel.heading, size=10.5, colour=INK)
    room = WIDTH - LEFT - RIGHT
    axes = sheet.axes(LEFT, top + HEADING, room, PANEL)
    highest = max((max(curve.figures) for curve in (*panel.curves, *panel.bands)), default=0)
    across, up = Scale(0, seconds or 1), Scale(0, 1.06 * max(highest, panel.top) or 1)
    across.set_across(axes, room, most=8)
    up.set_up(axes, PANEL, most=3)
    axes.tick_params(axis="x", labelbottom=number == 2)
    if not panel.curves:
        axes.set_yticks([])
        sheet.write(LEFT + 12, top + HEADING + PANEL / 2 + 4, panel.instead, colour=QUIET, italic=True)
    _draw_curves(axes, panel)


def _draw_curves(axes: Axes, panel: Panel) -> None:
    if panel.bands:
        highest = panel.bands[-1]
        axes.fill_between(highest.seconds, highest.figures, step="pre", color=PALE, linewidth=0, zorder=0.5)
    for band in panel.bands[:-1]:
        axes.step(
            band.seconds,
            band.figures,
            where="pre",
            color=SURFACE,
            linewidth=0.8 if len(panel.bands) <= 8 else 0.4,
            zorder=0.6,
        )
    for curve in panel.curves:
        axes.plot(
            curve.seconds,
            curve.figures,
            drawstyle="steps-pre" if curve.steps else "default",
            color=curve.colour,
            linewidth=1.6,
            linestyle=(0, (4, 2)) if curve.dashed else "-",
            marker="o" if len(curve.seconds) == 1 else "",
            markersize=5,
        )


def _description(run: Run) -> str:
    said = [
        f"{figure(run.seconds)} seconds, {figure(run.busy)} of the processor, {figure(run.cores)} cores on average",
        f"{weight(run.peak)} of memory at most",
        "read " + ("is not known" if run.read is None else weight(run.read)),
        "written " + ("is not known" if run.written is None else weight(run.written)),
        f"looked at {count(len(run.samples), 'time')}" if run.samples else OVER,
    ]
    return "; ".join(said) + "."
