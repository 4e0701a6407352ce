"""Is every tile there, and no other file?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from tileframe import Finding, Progress, Severity, StoredPyramid

# What other tools leave among the tiles, and what desktops do; no viewer asks for any of it.
KNOWN_EXTRAS = frozenset({"vips-properties.xml", ".DS_Store", "Thumbs.db", "desktop.ini"})


def check_files(pyramid: StoredPyramid, progress: Progress) -> Iterator[Finding]:
    """Compare the files with the tiles that there should be."""
    geometry = pyramid.pyramid
    found = set(pyramid.files.keys())
    expected = pixels = 0
    for level in range(geometry.level_count):
        keys = {pyramid.layout.key(tile) for tile in geometry.tiles(level)}
        missing = keys - found
        if missing == keys:
            folder = f"{PurePosixPath(min(keys)).parent}/"
            message = f"the whole level is missing; {len(keys):,} tiles were expected"
            yield Finding(folder, "files", Severity.ERROR, message)
        else:
            for key in missing:
                yield Finding(key, "files", Severity.ERROR, "the tile is missing")
        found -= keys
        expected += len(keys)
        pixels += geometry.level_size(level).area
        progress(expected, pixels)
    for key in found:
        if PurePosixPath(key).name in KNOWN_EXTRAS:
            yield Finding(key, "files", Severity.NOTE, "no tile, but a file that other tools are known to leave")
        else:
            yield Finding(key, "files", Severity.ERROR, "no tile of this pyramid has that name")
