"""The sheet that every chart is drawn on: its settings, the room that text takes, and how it becomes SVG."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from typing import Any, Literal

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, get_font
from matplotlib.lines import Line2D

from tileframe_bench.svg import finished
from tileframe_bench.wording import plain

INK, QUIET, LINE, PALE, SURFACE = "#1a1f26", "#58616d", "#d6dae0", "#e3e7ec", "#ffffff"
# Told apart by those who see no red or no green, and far enough from both a white page and a dark one that a series
# can have one colour everywhere.
PALETTE = (
    "#0f766e",
    "#6c8fff",
    "#b94119",
    "#72a11c",
    "#9a4ca9",
    "#38a0c2",
    "#e3699c",
    "#0b77d6",
    "#7a8968",
)
# The font that comes with matplotlib, so that a chart is laid out the same everywhere. It is wider than those in which
# charts are shown.
MEASURED = "DejaVu Sans"

_SETTINGS: dict[Any, Any] = {
    "figure.dpi": 72,  # a point is a pixel
    "font.family": MEASURED,
    "font.size": 11,
    "text.color": INK,
    "text.parse_math": False,  # a file's name may hold dollars
    "axes.edgecolor": LINE,
    "axes.facecolor": SURFACE,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.7,
    "xtick.color": LINE,
    "xtick.labelcolor": QUIET,
    "ytick.color": LINE,
    "ytick.labelcolor": QUIET,
    "hatch.linewidth": 1.2,
    "svg.fonttype": "none",
    "svg.hashsalt": "tileframe",
}


@contextmanager
def drawing() -> Iterator[None]:
    """Set what charts need of matplotlib, whatever is set here, and set it back afterwards."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        # The reader's fonts have what the measured one lacks, and `breadth` makes room for it.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def colours(names: Iterable[str]) -> dict[str, str]:
    """Return a colour for each name, in the order in which they first appear; beyond nine they come again."""
    return {name: PALETTE[place % len(PALETTE)] for place, name in enumerate(dict.fromkeys(names))}


def chosen(names: Iterable[str], others: Mapping[str, str] | None) -> dict[str, str]:
    """Return the colours of ``others`` where it has them for ``names``, and else those that their order gives."""
    return {**colours(names), **(others or {})}


@cache
def _advance(character: str) -> float:
    """Return how far a character moves on, in ems."""
    font = get_font(findfont(MEASURED))
    if not font.get_char_index(ord(character)):
        return 1.0  # of another script; few are wider
    font.set_size(1000, 72)
    return float(font.load_char(ord(character)).linearHoriAdvance) / 65536 / 1000


def breadth(words: str, size: float = 11, *, bold: bool = False) -> float:
    """Return the pixels that ``words`` take at most, in a font of so many pixels."""
    return sum(_advance(character) for character in words) * size * (1.15 if bold else 1)


def fitted(words: str, room: float, size: float = 11, *, bold: bool = False) -> str:
    """Return ``words`` as they are if they fit into ``room`` pixels, else with an ellipsis in their middle."""
    words = shown = plain(words)
    kept = len(words)
    while breadth(shown, size, bold=bold) > room and kept > 2:
        kept -= 1
        shown = f"{words[: (kept + 1) // 2].rstrip()}…{words[len(words) - kept // 2 :].lstrip()}"
    return shown


class Sheet:
    """A white sheet of so many pixels, on which things are placed from its top left corner."""

    def __init__(self, width: float, height: float) -> None:
        self.width, self.height = width, height
        self._figure = Figure(figsize=(width / 72, height / 72), dpi=72, facecolor=SURFACE)

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Return axes whose plot box is there."""
        bottom = self.height - top - height
        axes = self._figure.add_axes(
            (left / self.width, bottom / self.height, width / self.width, height / self.height)
        )
        axes.tick_params(length=3, labelsize=10.5)
        return axes

    def write(
        self,
        x: float,
        baseline: float,
        words: str,
        *,
        size: float = 11,
        colour: str = INK,
        bold: bool = False,
        italic: bool = False,
        align: Literal["left", "right"] = "left",
    ) -> None:
        """Write ``words`` from ``x`` on or up to it, shortened to what the sheet has room for."""
        words = fitted(words, (self.width - x if align == "left" else x) - 6, size, bold=bold)
        weight, style = "bold" if bold else "normal", "italic" if italic else "normal"
        place = x / self.width, 1 - baseline / self.height
        self._figure.text(*place, words, size=size, color=colour, weight=weight, style=style, ha=align, va="baseline")

    def line(self, points: Sequence[tuple[float, float]], colour: str) -> None:
        """Draw a thin line through ``points``, over whatever is there."""
        across, down = [x / self.width for x, _ in points], [1 - y / self.height for _, y in points]
        self._figure.add_artist(Line2D(across, down, color=colour, linewidth=0.8))

    def svg(self, title: str, description: str) -> str:
        """Return it as an ``<svg>`` element that needs nothing but itself, with these words for who cannot see it."""
        file = BytesIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        self._figure.savefig(file, format="svg", facecolor=SURFACE, metadata=nothing)
        return finished(file.getvalue(), plain(title), plain(description))
