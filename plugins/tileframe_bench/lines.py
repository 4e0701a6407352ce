"""Lines of how a figure grows with another: workers, megapixels, tile sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from tileframe_bench.records import Spread
from tileframe_bench.scales import Scale
from tileframe_bench.sheet import QUIET, SURFACE, Sheet, breadth, chosen, drawing, fitted
from tileframe_bench.wording import figure, plain, spread_text

Points = Sequence[tuple[float, Spread]]

WIDTH, PLOT, TOP, BOTTOM, LEFT, RIGHT = 640, 280, 58, 48, 62, 30
NAMES, ROW = 170, 16
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h")


@drawing()
def lines(
    series: Mapping[str, Points],
    *,
    x: str,
    y: str,
    log: bool = False,
    title: str = "",
    colours: Mapping[str, str] | None = None,
) -> str:
    """Return a chart with a line for each of ``series``, through the medians at its points, from least to most.

    ``x`` and ``y`` say what the axes show, with the unit: ``seconds``. With ``log`` both are logarithmic; what is not
    more than 0 is then left out. Names are written at the ends of lines; one without points is named as missing.
    """
    own = chosen(series, colours)
    shown = {name: _sorted(points, log) for name, points in series.items()}
    names = [name for name, points in shown.items() if points]
    missing = [plain(name) for name, points in shown.items() if not points]
    spreads = [point for name in names for point in shown[name]]
    across, up = _across([at for at, _ in spreads], log), _up([spread for _, spread in spreads], log)

    plot = max(PLOT, ROW * len(names))
    sheet = Sheet(WIDTH, TOP + plot + BOTTOM + (ROW if missing else 0))
    title = plain(title) or f"{plain(y)} by {plain(x)}"
    sheet.write(8, 20, title, size=13, bold=True)
    sheet.write(8, 42, f"{plain(y)}{up.note}", size=10.5, colour=QUIET)
    room = WIDTH - LEFT - RIGHT - min(NAMES, max((breadth(plain(name)) for name in names), default=0))
    axes = sheet.axes(LEFT, TOP, room, plot)
    across.set_across(axes, room, most=10)
    up.set_up(axes, plot, most=8)
    for number, name in enumerate(names):
        _draw(axes, shown[name], own[name], MARKERS[list(series).index(name) % len(MARKERS)], number)
    _write_names(sheet, axes, {name: shown[name][-1] for name in names}, (across, up), (room, plot), own)
    sheet.write(LEFT, TOP + plot + 36, f"{plain(x)}{across.note}", size=10.5, colour=QUIET)
    if missing:
        sheet.write(8, sheet.height - 8, f"Nothing to show of {', '.join(missing)}.", colour=QUIET, italic=True)
    return sheet.svg(title, _description(shown))


def _sorted(points: Points, log: bool) -> list[tuple[float, Spread]]:
    return sorted((at, spread) for at, spread in points if not log or (at > 0 and spread.least > 0))


def _across(at: Sequence[float], log: bool) -> Scale:
    if not at:
        return Scale(0.1, 1, is_log=True) if log else Scale(0, 1)
    if log:
        return Scale(min(at) / 1.15, max(at) * 1.15, is_log=True)
    margin = 0.04 * (max(at) - min(at)) or max(abs(max(at)), 1) / 2
    start = 0 if 0 <= min(at) < max(at) / 2 else min(at) - margin
    return Scale(start, max(at) + margin)


def _up(spreads: Sequence[Spread], log: bool) -> Scale:
    most = max((spread.most for spread in spreads), default=0) or 1
    least = min((spread.least for spread in spreads), default=0)
    if log:
        return Scale((least or 0.1) / 1.3, most * 1.3, is_log=True)
    return Scale(min(0, 1.08 * least), 1.08 * max(most, 0) or 1)


def _draw(axes: Axes, points: Points, colour: str, marker: str, number: int) -> None:
    medians = [spread.median for _, spread in points]
    below = [spread.median - spread.least for _, spread in points]
    above = [spread.most - spread.median for _, spread in points]
    axes.errorbar(
        [at for at, _ in points],
        medians,
        yerr=[below, above],
        color=colour,
        linewidth=1.8,
        elinewidth=1.2,
        capsize=3,
        marker=marker,
        markersize=8,
        markeredgecolor=SURFACE,
        markeredgewidth=0.6,
        zorder=3 + number / 100,
        clip_on=False,
    )


def _write_names(
    sheet: Sheet,
    axes: Axes,
    ends: Mapping[str, tuple[float, Spread]],
    scales: tuple[Scale, Scale],
    box: tuple[float, float],
    colours: Mapping[str, str],
) -> None:
    """Write each name beside the end of its line, apart from the others, and join the two where they are not level."""
    (across, up), (room, plot) = scales, box
    wanted = {name: TOP + plot * (1 - up.place(spread.median)) for name, (_, spread) in ends.items()}
    for name, middle in apart(wanted, ROW, TOP, TOP + plot).items():
        end = LEFT + room * across.place(ends[name][0]), wanted[name]
        sheet.line([(end[0] + 6, end[1]), (LEFT + room + 8, middle)], colours[name])
        sheet.write(LEFT + room + 12, middle + 4, fitted(name, NAMES))


def apart(wanted: Mapping[str, float], row: float, top: float, bottom: float) -> dict[str, float]:
    """Return heights near the ``wanted`` ones, ``row`` apart at least and between ``top`` and ``bottom``."""
    names = sorted(wanted, key=lambda name: wanted[name])
    heights = [wanted[name] for name in names]
    # Down from the top until each is clear of the one above, then up again from the bottom.
    for place in range(len(heights)):
        heights[place] = max(heights[place], heights[place - 1] + row if place else top + row / 2)
    for place in reversed(range(len(heights))):
        lowest = heights[place + 1] - row if place + 1 < len(heights) else bottom - row / 2
        heights[place] = min(heights[place], lowest)
    return dict(zip(names, heights, strict=True))


def _description(series: Mapping[str, Points]) -> str:
    said = []
    for name, points in series.items():
        figures = ", ".join(f"{spread_text(spread)} at {figure(at)}" for at, spread in points)
        said.append(f"{plain(name)}: {figures or 'nothing'}.")
    return " ".join(said)
