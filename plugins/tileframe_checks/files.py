"""Is every tile there, and no other file?"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import islice
from pathlib import PurePosixPath

from tileframe import Finding, Progress, Severity, StoredPyramid
from tileframe.ledger import Presence

# What other tools leave among the tiles, and what desktops do; no viewer asks for any of it.
MOST = 1000
"""Missing tiles of a level that are named one by one."""
KNOWN_EXTRAS = frozenset({"vips-properties.xml", "blank.png", ".DS_Store", "Thumbs.db", "desktop.ini"})


def check_files(pyramid: StoredPyramid, progress: Progress) -> Iterator[Finding]:
    """Compare the files with the tiles that there should be: all but those that the manifest says are absent."""
    geometry, layout, absent = pyramid.pyramid, pyramid.layout, pyramid.absent
    present = Presence(layout, geometry)
    own = {pyramid.descriptor_key, *layout.descriptor()}
    for key in pyramid.files.keys(layout.folder):
        if present.mark(key) or key in own:
            if absent.count and (tile := layout.address(key)) is not None and tile in absent:
                yield Finding(
                    key, "files", Severity.ERROR, "the manifest says that this tile is absent, and it is there"
                )
            continue
        if PurePosixPath(key).name in KNOWN_EXTRAS:
            yield Finding(key, "files", Severity.NOTE, "no tile, but a file that other tools are known to leave")
        else:
            yield Finding(key, "files", Severity.ERROR, "no tile of this pyramid has that name")
    expected = pixels = 0
    for level in layout.levels:
        count = geometry.grid(level).area
        missing = (tile for tile in geometry.tiles(level) if not present.has(tile) and tile not in absent)
        first = next(missing, None)
        if first is not None and not any(present.has(tile) for tile in geometry.tiles(level)):
            folder = f"{PurePosixPath(layout.key(first)).parent}/"
            wanted = sum(tile not in absent for tile in geometry.tiles(level))
            message = f"the whole level {level} is missing; {wanted:,} tiles were expected"
            yield Finding(folder, "files", Severity.ERROR, message)
        elif first is not None:
            for tile in (first, *islice(missing, MOST - 1)):
                yield Finding(layout.key(tile), "files", Severity.ERROR, "the tile is missing")
            if more := sum(1 for _ in missing):
                message = f"{more:,} more tiles of level {level} are missing"
                yield Finding(f"{PurePosixPath(layout.key(first)).parent}/", "files", Severity.ERROR, message)
        expected += count
        pixels += geometry.level_size(level).area
        progress(expected, pixels)
    yield from _associated(pyramid)


def _associated(pyramid: StoredPyramid) -> Iterator[Finding]:
    """Compare the associated images with the manifest's list of them."""
    folder = pyramid.associated_folder
    listed = {f"{folder}/{one.file}": one for one in (pyramid.manifest.associated if pyramid.manifest else ())}
    there = set(pyramid.files.keys(folder))
    for key, one in listed.items():
        if key not in there:
            yield Finding(key, "files", Severity.ERROR, f"the associated image '{one.name}' is missing")
        elif hashlib.sha256(pyramid.files.get(key)).hexdigest() != one.sha256:
            yield Finding(key, "files", Severity.ERROR, f"the associated image '{one.name}' is not the one of the run")
    for key in sorted(there - listed.keys()):
        yield Finding(key, "files", Severity.WARNING, "no associated image of this pyramid has that name")
