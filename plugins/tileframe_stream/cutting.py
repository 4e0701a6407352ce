"""Cut pixels into tiles, and put them into the store."""

from __future__ import annotations

from dataclasses import dataclass

from tileframe import Box, Job, Size
from tileframe.pixels import Pixels


@dataclass(frozen=True, slots=True)
class Patch:
    """Pixels of a level, and where they lie in it."""

    level: int
    x: int
    y: int
    pixels: Pixels

    def view(self, box: Box) -> Pixels:
        """Return ``box``, given in the level's plane, without copying."""
        left, top = box.x - self.x, box.y - self.y
        return self.pixels[top : top + box.height, left : left + box.width]


def cut(job: Job, patch: Patch, cells: Box) -> None:
    """Encode and store the tiles in ``cells``, columns and rows of the level's grid; ``patch`` has all their pixels."""
    for row in range(cells.y, cells.bottom):
        job.put_row(patch.level, row, range(cells.x, cells.right), patch.view)


def cells_of(job: Job, box: Box) -> Box:
    """Return the columns and rows of the tiles that ``box`` consists of: it begins and ends with tiles."""
    side = job.pyramid.tile_size
    col, row = box.x // side, box.y // side
    return Box(col, row, -(-box.right // side) - col, -(-box.bottom // side) - row)


def grown(box: Box, margin: int, size: Size) -> Box:
    """Return ``box`` with ``margin`` on each side, as far as the level goes."""
    wide = Box(box.x - margin, box.y - margin, box.width + 2 * margin, box.height + 2 * margin)
    return wide.clipped(Box(0, 0, size.width, size.height))
