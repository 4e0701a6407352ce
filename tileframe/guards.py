"""Look, before the work, at what a run would write: never the slide itself."""

from __future__ import annotations

import os
from pathlib import Path

from tileframe.errors import OutputError
from tileframe.locations import Location
from tileframe.protocols import Layout


def written_paths(location: Location, layout: Layout) -> tuple[set[Path], Path | None]:
    """Return the files that a pyramid at ``location`` consists of, and the folder of its tiles; without links.

    Nothing for a location that is no file.
    """
    if location.scheme != "file":
        return set(), None
    if location.container:
        return {_real(location.path)}, None
    keys = (*layout.descriptor(), location.manifest_key, location.digests_key)
    folder = Path(location.folder)
    return {_real(folder / key) for key in keys}, _real(folder / layout.folder)


def is_written(path: Path, location: Location, layout: Layout) -> bool:
    """Say whether ``path`` is one of the files of a pyramid at ``location``, or among its tiles."""
    files, tiles = written_paths(location, layout)
    real = _real(path)
    return real in files or (tiles is not None and (real == tiles or tiles in real.parents))


def refuse_own_slide(slide: Path, location: Location, layout: Layout) -> None:
    """Refuse with an `OutputError` to write a pyramid over the slide that it is made from."""
    if is_written(slide, location, layout):
        raise OutputError(f"{location}: the pyramid would be written over the slide itself; give another output")


def _real(path: Path) -> Path:
    # realpath, for Path.resolve() raises where links go in a circle.
    return Path(os.path.realpath(path))
