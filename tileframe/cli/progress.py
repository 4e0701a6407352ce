"""How far a run has come: a live bar on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Self

import click

from tileframe.geometry import Pyramid
from tileframe.protocols import Progress

if TYPE_CHECKING:
    from rich import progress

# Between two lines of a log; short runs write none.
SECONDS = 30.0


class ProgressBar:
    """Shows tiles, MP/s and the time left on stderr; to be used in a ``with``."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._bar: progress.Progress | None = None
        self._started = self._last_line = 0.0
        self._tiles = self._pixels = 1
        self._title = ""

    def start(self, pyramid: Pyramid) -> None:
        """Begin with ``pyramid``, of which nothing is done yet."""
        self._started = self._last_line = time.perf_counter()
        self._tiles, self._pixels = pyramid.tile_count, pyramid.pixel_count
        if self._quiet or not sys.stderr.isatty():
            return
        # Imported here: slower than all else that a start needs, and seen on terminals alone.
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        columns = BarColumn(), TextColumn("{task.description}"), TimeRemainingColumn()
        self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
        self._bar.add_task(self._text(0, 0), total=self._pixels)
        self._bar.start()

    def __call__(self, tiles: int, pixels: int) -> None:
        """Move the bar, or write a line if it is time for one; a `tileframe.Progress`."""
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=pixels, description=self._text(tiles, pixels))
        elif not self._quiet and time.perf_counter() > self._last_line + SECONDS:
            self._last_line = time.perf_counter()
            click.echo(f"tileframe: {self._text(tiles, pixels)}", err=True)

    def titled(self, title: str) -> Progress:
        """Begin again from nothing, under ``title``, and return what moves the bar."""
        self._title = f"{title}  "
        self._started = time.perf_counter()
        self(0, 0)
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def _text(self, tiles: int, pixels: int) -> str:
        rate = pixels / 1e6 / max(time.perf_counter() - self._started, 1e-3)
        return f"{self._title}{100 * pixels / self._pixels:3.0f} %  {tiles:,}/{self._tiles:,} tiles  {rate:.0f} MP/s"
