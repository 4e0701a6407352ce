"""Run a backend on a slide in memory, and keep what it made."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tileframe import Access, BackendPlugin, Equality, Job, JobSpec, Progress, Report, TileAddress, TileframeError
from tileframe.pipeline import execute
from tileframe.pixels import Pixels
from tileframe.planning import plan
from tileframe.testing.cases import Case, cut, levels
from tileframe.testing.slides import READER, MadeSlide, registry_with

NAME = "made"
WORKERS = 2


@dataclass(frozen=True)
class Made:
    """What a backend put into a directory store, seen without the store."""

    job: Job
    promises: Equality
    way: str
    files: Mapping[str, bytes]
    """Every file at the target, by its key."""
    told: tuple[tuple[int, int, bool], ...]
    """The tiles and pixels that it told the progress, and whether in the thread that started the run."""
    misuses: tuple[str, ...]
    """How it read the slide where it must not."""
    seen: Mapping[TileAddress, Pixels]
    """Every tile that there is, decoded."""
    wanted: Mapping[TileAddress, Pixels]
    """Every tile by the pixel contract; in a lossy format, encoded by its writer and decoded as those that are seen."""

    def key(self, tile: TileAddress) -> str:
        """Return the key of ``tile``."""
        return self.job.layout.key(tile)

    def promised(self, level: int) -> bool:
        """Say whether the tiles of ``level`` were promised to be exactly the contract's."""
        is_base = level == self.job.pyramid.base_level
        return self.promises >= (Equality.BASE if is_base else Equality.PIXELS)

    def pairs(self, level: int) -> Iterator[tuple[TileAddress, Pixels, Pixels]]:
        """Yield the tiles of ``level`` that there are, as seen and as wanted."""
        for tile in self.job.pyramid.tiles(level):
            if tile in self.seen:
                yield tile, self.seen[tile], self.wanted[tile]


class Workbench:
    """A backend, the slide of a case, and a folder to work in."""

    def __init__(
        self,
        plugin: BackendPlugin,
        case: Case,
        folder: Path,
        *,
        format: str,
        quality: int | None,
        access: Access = Access.REGIONS,
        unreadable: tuple[int, int] | None = None,
    ) -> None:
        self.case, self.folder = case, folder / "out"
        self.slide = MadeSlide(case, access=access, unreadable=unreadable)
        self._registry = registry_with(self.slide.offer, plugin)
        path = folder / "slide.made"
        path.write_text("This slide lives in memory.")
        self._spec = JobSpec(
            path,
            self.folder / f"{NAME}.dzi",
            reader=READER,
            backend=plugin.name,
            format=format,
            quality=quality,
            tile_size=case.tile_size,
            overlap=case.overlap,
            workers=WORKERS,
        )

    def execute(self, progress: Progress | None = None) -> Report:
        """Do the whole run, with all of tileframe's own checks."""
        return execute(self._spec, self._registry, progress)

    def refusal(self) -> str | None:
        """Say why the backend does not take the job; None if it does."""
        try:
            plan(self._spec, self._registry).job.source.close()
        except TileframeError as error:
            return str(error)
        return None

    def make(self, decode: Callable[[bytes], Pixels]) -> Made:
        """Run the backend alone, without the checks that would stop a wrong pyramid, and look at what it made."""
        told: list[tuple[int, int, bool]] = []
        own = threading.current_thread()
        try:
            planned = plan(self._spec, self._registry)
            job, backend = planned.job, planned.backend
            with job.source:
                promises, way = backend.promises(job), backend.way(job)
                job.store.prepare()
                try:
                    backend.run(job, lambda *done: told.append((*done, threading.current_thread() is own)))
                    job.store.commit({})
                finally:
                    job.store.discard()
        except TileframeError as error:
            raise AssertionError(f"{self.case}: the run failed: {error}") from error
        files, misuses = files_in(self.folder), tuple(self.slide.misuses)
        tiles = {
            tile: job.layout.key(tile) for level in range(job.pyramid.level_count) for tile in job.pyramid.tiles(level)
        }
        seen = {tile: decode(files[key]) for tile, key in tiles.items() if key in files}
        wanted = dict(self._tiles(tiles))
        if not job.writer.encoding.lossless:
            wanted = {tile: decode(job.writer.encode(pixels)) for tile, pixels in wanted.items()}
        return Made(job, promises, way, files, tuple(told), misuses, seen, wanted)

    def _tiles(self, tiles: Iterable[TileAddress]) -> Iterator[tuple[TileAddress, Pixels]]:
        """Yield ``tiles`` with the pixels that the contract says."""
        planes = levels(cut(self.slide.base, self.case.region))
        for tile in tiles:
            yield tile, cut(planes[tile.level], self.case.pyramid.tile_box(tile))


def files_in(folder: Path) -> dict[str, bytes]:
    """Return every file below ``folder``, by its key."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
