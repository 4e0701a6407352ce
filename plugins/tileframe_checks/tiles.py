"""Does every tile decode strictly, and has it exactly its size?"""

from __future__ import annotations

from collections.abc import Iterator

from tileframe import CheckError, Finding, InputError, Progress, Severity, Size, StoredPyramid, TileAddress
from tileframe_checks.every_tile import every_tile


def check_tiles(pyramid: StoredPyramid, progress: Progress) -> Iterator[Finding]:
    """Decode every tile; those that are missing are another check's business."""

    def look(tile: TileAddress) -> Iterator[Finding]:
        key, expected = pyramid.layout.key(tile), pyramid.stored_size(tile)
        try:
            height, width = pyramid.writer.decode(pyramid.files.get(key)).shape[:2]
        except KeyError:
            return
        except (CheckError, InputError) as error:
            yield Finding(key, "tiles", Severity.ERROR, str(error))
            return
        if Size(width, height) != expected:
            yield Finding(key, "tiles", Severity.ERROR, f"the tile is {width}x{height}, not {expected}")

    return every_tile(pyramid, progress, look)
