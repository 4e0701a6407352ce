"""How far a run has come: a live bar on a terminal, nothing elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Self

from tileframe.geometry import Pyramid

if TYPE_CHECKING:
    from rich import progress


class ProgressBar:
    """Shows tiles, MP/s and the time left on stderr, where that is a terminal; to be used in a ``with``."""

    def __init__(self, *, quiet: bool) -> None:
        self._hidden = quiet or not sys.stderr.isatty()
        self._bar: progress.Progress | None = None
        self._started = 0.0

    def start(self, pyramid: Pyramid) -> None:
        """Show an empty bar for ``pyramid``."""
        if self._hidden:
            return
        # Imported here: slower than all else that a start needs, and seen on terminals alone.
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._bar = Progress(
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %  {task.fields[tiles]:,}/{task.fields[all_tiles]:,} tiles"),
            TextColumn("{task.fields[rate]:.0f} MP/s"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._bar.add_task("", total=pyramid.pixel_count, tiles=0, all_tiles=pyramid.tile_count, rate=0.0)
        self._started = time.perf_counter()
        self._bar.start()

    def __call__(self, tiles: int, pixels: int) -> None:
        """Move the bar; a `tileframe.Progress`."""
        if self._bar is not None:
            rate = pixels / 1e6 / max(time.perf_counter() - self._started, 1e-6)
            self._bar.update(self._bar.task_ids[0], completed=pixels, tiles=tiles, rate=rate)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._bar is not None:
            self._bar.stop()
