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
            data = pyramid.files.get(key)
            size = pyramid.writer.size(data)
            if size == expected:  # else not decoded: a small file can hold a picture that no memory holds
                height, width = pyramid.writer.decode(data).shape[:2]
                size = Size(width, height)
        except KeyError:
            return
        except (CheckError, InputError) as error:
            yield Finding(key, "tiles", Severity.ERROR, str(error))
            return
        if size != expected:
            yield Finding(key, "tiles", Severity.ERROR, f"the tile is {size}, not {expected}")

    return every_tile(pyramid, progress, look)
