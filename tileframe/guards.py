"""Look, before the work, at what a run would write: never the slide itself."""

from __future__ import annotations

import os
from pathlib import Path

from tileframe.errors import OutputError
from tileframe.locations import Location
from tileframe.protocols import Layout


def is_written(path: Path, location: Location, layout: Layout) -> bool:
    """Say whether ``path`` is one of the files of a pyramid at ``location``, or among its tiles; links are followed."""
    if location.scheme != "file":
        return False
    real, folder = _real(path), Path(location.folder)
    if location.container:
        return real == _real(location.path)
    keys = (*layout.descriptor(), location.manifest_key, location.digests_key)
    return real in [_real(folder / key) for key in keys] or real.is_relative_to(_real(folder / layout.folder))


def refuse_own_slide(slide: Path, location: Location, layout: Layout) -> None:
    """Refuse with an `OutputError` to write a pyramid over the slide that it is made from."""
    if is_written(slide, location, layout):
        raise OutputError(f"{location}: the pyramid would be written over the slide itself; give another output")


def _real(path: Path) -> Path:
    # realpath, for Path.resolve() raises where links go in a circle.
    return Path(os.path.realpath(path))
