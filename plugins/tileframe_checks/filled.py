"""Does every tile show the slide?"""

from __future__ import annotations

from collections.abc import Iterator

from tileframe import Finding, Progress, Severity, StoredPyramid

MESSAGE = "shows background where the slide could not be read"


def check_filled(pyramid: StoredPyramid, progress: Progress) -> Iterator[Finding]:
    """Name the tiles that do not, as the record of the run lists them."""
    if pyramid.manifest is None:
        return
    tiles = pyramid.manifest.tiles
    for key in tiles.filled_keys:
        yield Finding(key, "filled", Severity.WARNING, MESSAGE)
    if more := tiles.filled - len(tiles.filled_keys):
        message = f"{more:,} more tiles {MESSAGE.replace('shows', 'show')}"
        yield Finding(pyramid.location.manifest_key, "filled", Severity.WARNING, message)
