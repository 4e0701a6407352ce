"""Run a backend on a made slide, and keep what it made."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path

from tileframe import (
    Access,
    BackendPlugin,
    Equality,
    Job,
    Location,
    Progress,
    Report,
    Spec,
    StoredPyramid,
    TileAddress,
    TileframeError,
    open_pyramid,
    tiles_of,
)
from tileframe.pipeline import execute
from tileframe.pixels import Pixels, padded
from tileframe.planning import prepare
from tileframe.records import Options
from tileframe.testing.cases import Case, cut, levels
from tileframe.testing.discovery import discoverable
from tileframe.testing.slides import READER, MadeSlide, misuses_of, registry_with, stored_levels, tileframe_readers

NAME, SLIDE = "made", "slide.made"
WORKERS = 2


@dataclass(frozen=True)
class Made:
    """What a backend put into a directory store, seen without the store."""

    case: Case
    job: Job
    promises: Equality
    method: str
    files: Mapping[str, bytes]
    """Every file at the target, by its key."""
    told: tuple[tuple[int, int, bool], ...]
    """The tiles and pixels that it told the progress, and whether in the thread that started the run."""
    misuses: tuple[str, ...]
    """How it read the slide where it must not."""
    decode: Callable[[bytes], Pixels]

    @cached_property
    def seen(self) -> Mapping[TileAddress, Pixels]:
        """Every tile that there is, decoded."""
        kept = ((tile, self.files.get(self.key(tile))) for tile in tiles_of(self.job.layout, self.job.pyramid))
        return {tile: self.decode(data) for tile, data in kept if data is not None}

    @cached_property
    def wanted(self) -> Mapping[TileAddress, Pixels]:
        """Every tile that the layout keeps, by the pixel contract and padded where the layout pads.

        In a lossy format, encoded by its writer and decoded as those that are seen.
        """
        job, planes = self.job, planes_of(self.case)
        wanted = {
            tile: cut(planes[tile.level], job.pyramid.tile_box(tile)) for tile in tiles_of(job.layout, job.pyramid)
        }
        if job.layout.pads:
            background = job.plan.source.background
            wanted = {tile: padded(pixels, self.case.tile_size, background) for tile, pixels in wanted.items()}
        if not job.writer.encoding.lossless:
            wanted = {tile: self.decode(job.writer.encode(pixels)) for tile, pixels in wanted.items()}
        return wanted

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
        format_options: Options,
        layout: str = "dzi",
        access: Access = Access.REGIONS,
        unreadable: tuple[int, int] | None = None,
        skip_blank: int | None = None,
    ) -> None:
        self.case, self.folder, self._slide = case, folder / "out", folder / SLIDE
        self._registry = registry_with(*tileframe_readers(), plugin)
        MadeSlide(case, access, unreadable).write(self._slide)
        self._spec = Spec(
            self._slide,
            Location("file", str(self.folder), NAME),
            reader=READER,
            backend=plugin.name,
            layout=layout,
            format=format,
            format_options=format_options,
            tile_size=case.tile_size,
            overlap=case.overlap,
            workers=WORKERS,
            skip_blank=skip_blank,
        )

    def execute(self, progress: Progress | None = None, *, resume: bool | None = None) -> Report:
        """Do the whole run, with all of tileframe's own checks."""
        with discoverable():
            return execute(replace(self._spec, resume=resume), self._registry, progress)

    def finished(self) -> StoredPyramid:
        """Open what `execute` has made."""
        return open_pyramid(self._spec.location, registry=self._registry)

    def left(self) -> list[str]:
        """Return the names of all files and folders but the slide's own."""
        return sorted(path.name for path in self.folder.parent.rglob("*") if not path.name.startswith(SLIDE))

    def refusal(self) -> str | None:
        """Say why the backend does not take the job; None if it does."""
        try:
            prepare(self._spec, self._registry).job.source.close()
        except TileframeError as error:
            return str(error)
        return None

    def make(self, decode: Callable[[bytes], Pixels]) -> Made:
        """Run the backend alone, without the checks that would stop a wrong pyramid, and look at what it made."""
        told: list[tuple[int, int, bool]] = []
        own = threading.current_thread()
        try:
            prepared = prepare(self._spec, self._registry)
            job, backend = prepared.job, prepared.backend
            with job.source, discoverable():
                promises, method = backend.promises(job), backend.method(job)
                job.store.prepare()
                try:
                    backend.run(job, lambda *done: told.append((*done, threading.current_thread() is own)))
                    job.store.commit({})
                finally:
                    job.store.discard()
        except TileframeError as error:
            raise AssertionError(f"{self.case}: the run failed: {error}") from error
        files, misuses = files_in(self.folder), misuses_of(self._slide)
        return Made(self.case, job, promises, method, files, tuple(told), misuses, decode)


@lru_cache(maxsize=64)
def planes_of(case: Case) -> Sequence[Pixels]:
    """Return every level of the pyramid of ``case`` by the pixel contract; nobody may change them."""
    return levels(cut(stored_levels(case)[0], case.region))


def files_in(folder: Path) -> dict[str, bytes]:
    """Return every file below ``folder``, by its key."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
