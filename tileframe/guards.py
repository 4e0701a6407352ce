"""Look, before the work, at what a run would write: never the slide itself."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tileframe import machine
from tileframe.errors import OutputError
from tileframe.locations import Location
from tileframe.protocols import Layout
from tileframe.records import Plan
from tileframe.slides import Slide

LEAST = 100
"""Bytes that no tile of any format and size is below, its name and its place in a list included."""


def is_written(path: Path, location: Location, layout: Layout) -> bool:
    """Say whether ``path`` is one of the files of a pyramid at ``location``, or among its tiles; links are followed."""
    if location.scheme != "file":
        return False
    real, folder = real_path(path), Path(location.folder)
    if location.container:
        return real == real_path(location.path)
    keys = (*layout.descriptor(), location.manifest_key, location.digests_key)
    return real in [real_path(folder / key) for key in keys] or real.is_relative_to(real_path(folder / layout.folder))


def refuse_own_slide(slide: Slide, location: Location, layout: Layout) -> None:
    """Refuse with an `OutputError` to write a pyramid over the slide that it is made from."""
    if isinstance(slide, Path) and is_written(slide, location, layout):
        raise OutputError(f"{location}: the pyramid would be written over the slide itself; give another output")


def refuse_more_than_the_disk_holds(plan: Plan, tiles: int) -> None:
    """Refuse with an `OutputError` what cannot end well, however small the tiles turn out to be."""
    location = plan.location
    if location.scheme != "file" or plan.skip_blank is not None:
        return  # how many tiles are blank, nobody knows before
    folder = Path(location.folder)
    files = None if location.container else machine.free_inodes(folder)
    room = min(machine.free_disk(folder) // LEAST, tiles if files is None else files)
    if tiles > room:
        raise OutputError(f"{location}: has {tiles:,} tiles, and there is room for {room:,} at most; free some")


def real_path(path: Path) -> Path:
    """Return ``path`` from the root on, links followed, to be compared; `OutputError` if the current folder is gone."""
    try:
        real = os.path.realpath(path)  # for Path.resolve() raises where links go in a circle
        return Path(real.casefold() if sys.platform == "darwin" else real)  # which, unlike Windows, Path does not know
    except FileNotFoundError as error:
        raise OutputError(f"{path}: is in the current folder, which is gone; give the whole path") from error
