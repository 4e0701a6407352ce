"""The backend `openslide`: the Deep Zoom generator's way, tile by tile, but on tileframe's own geometry."""

from __future__ import annotations

import threading
from contextlib import closing
from dataclasses import dataclass
from functools import partial

from tileframe import Access, Box, Equality, InputError, Job, Progress, TileAddress
from tileframe.pixels import Pixels
from tileframe.work import in_order
from tileframe_openslide.levels import Overview, Plane, planes


class DeepZoomBackend:
    """Works for any source; what a reader gives by rows alone is held in memory."""

    def refuses(self, job: Job) -> str | None:
        """Refuse nothing."""
        return None

    def promises(self, job: Job) -> Equality:
        """Without stored levels every level is made from the base, by the contract; with them, they are the slide's."""
        return Equality.PIXELS if len(job.source.facts.native_levels) < 2 else Equality.BASE

    def method(self, job: Job) -> str:
        """Say where the levels come from."""
        stored = len(job.source.facts.native_levels)
        held = ", held in memory" if job.source.facts.access is Access.ROWS else ""
        return "tile by tile from the " + (f"nearest of {stored} stored levels" if stored > 1 else f"base{held}")

    def run(self, job: Job, progress: Progress) -> None:
        """Make the tiles, the base first, with ``workers`` threads."""
        Run(job, progress).all_levels()


@dataclass
class Run:
    """One run: its counters, and whether it is to stop."""

    job: Job
    progress: Progress
    tiles: int = 0
    pixels: int = 0

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        # The first in time: once a slide has failed, OpenSlide says the same of every other place.
        self._first_error: InputError | None = None

    def all_levels(self) -> None:
        """Make every level from the base down to the single pixel."""
        for plane in planes(self.job, self._stop):
            make, tiles = partial(self._tile, plane), self.job.pyramid.tiles(plane.level)
            with closing(in_order(make, tiles, workers=self.job.workers, stop=self._stop)) as made:
                for pixels in made:
                    self.pixels += pixels
                    self.tiles += 1
                    self.progress(self.tiles, self.pixels)

    def _tile(self, plane: Plane, tile: TileAddress) -> int:
        box, unit = self.job.pyramid.tile_box(tile), self.job.unit(f"tile {tile.level},{tile.col},{tile.row}")
        if unit.is_done and plane.overview is None:
            return self.job.pyramid.cell(tile).size.area
        try:
            pixels = plane.read(box)
        except InputError as error:
            self._first_error = self._first_error or InputError(
                f"{error} (tile {tile.col}, {tile.row} of level {tile.level})"
            )
            raise self._first_error from error
        if not unit.is_done:
            unit.job.put(tile, pixels)
            unit.finish()
        return self._keep(plane.overview, tile, box, pixels)

    def _keep(self, overview: Overview | None, tile: TileAddress, box: Box, pixels: Pixels) -> int:
        """Lay the tile, without its overlap, into the overview if there is one; return its number of pixels."""
        cell = self.job.pyramid.cell(tile)
        if overview is not None:
            inner = cell.shifted(-box.x, -box.y)
            overview.pixels[cell.y : cell.bottom, cell.x : cell.right] = pixels[
                inner.y : inner.bottom, inner.x : inner.right
            ]
        return cell.size.area
