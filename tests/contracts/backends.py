"""A plain backend that keeps the pixel contract, and what can be wrong with one."""

from __future__ import annotations

import io
import itertools
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image

from tests.contracts.calling import breaker
from tileframe import Access, BackendPlugin, Box, Equality, InputError, Job, Plan, Progress, Size, TileAddress, open_job
from tileframe.pixels import Pixels, halve
from tileframe.testing import CASES as ALL
from tileframe.testing import BackendContract, Case
from tileframe.testing.cases import WIDE

CASES = [
    Case(Size(1, 300), 64, 2),
    Case(Size(130, 97), 32, 1),
    Case(Size(128, 96), stored=(1, 2)),
    *(case for case in ALL if case.size.width == WIDE),
]


class Plain:
    """Reads the base row by row of tiles, holds it, halves it."""

    promise = Equality.PIXELS
    what = "the whole of it in memory"

    def refuses(self, job: Job) -> str | None:
        return None

    def promises(self, job: Job) -> Equality:
        return self.promise

    def method(self, job: Job) -> str:
        return self.what

    def run(self, job: Job, progress: Progress) -> None:
        plane, tiles, pixels = self.base(job), 0, 0
        for level in reversed(range(job.pyramid.level_count)):
            for tile in job.pyramid.tiles(level):
                self.put(job, tile, self.cut(job, plane, tile))
                tiles += 1
                pixels += cell(job, tile).area
                self.tell(progress, tiles, pixels)
            plane = self.halve(plane)

    def base(self, job: Job) -> Pixels:
        size = job.pyramid.base
        return np.concatenate([self.read(job, Box(0, y, size.width, min(64, size.height - y))) for y in self.ys(job)])

    def ys(self, job: Job) -> list[int]:
        return list(range(0, job.pyramid.base.height, 64))

    def read(self, job: Job, box: Box) -> Pixels:
        try:
            return job.source.read(box)
        except InputError as error:
            raise InputError(f"{error} (row {box.y})") from error

    def cut(self, job: Job, plane: Pixels, tile: TileAddress) -> Pixels:
        box = job.pyramid.tile_box(tile)
        return plane[box.y : box.bottom, box.x : box.right]

    def put(self, job: Job, tile: TileAddress, pixels: Pixels) -> None:
        job.put(tile, pixels)

    def halve(self, plane: Pixels) -> Pixels:
        return halve(plane)

    def tell(self, progress: Progress, tiles: int, pixels: int) -> None:
        progress(tiles, pixels)


def cell(job: Job, tile: TileAddress) -> Size:
    side, size = job.pyramid.tile_size, job.pyramid.level_size(tile.level)
    return Size(min(side, size.width - tile.col * side), min(side, size.height - tile.row * side))


class GoodBackend(BackendContract):
    plugin = BackendPlugin("plain", "holds all", Plain, speed=1)
    cases: Sequence[Case] = CASES

    def decode(self, data: bytes) -> Pixels:
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(image)


class GoodResumingBackend(GoodBackend):
    plugin = BackendPlugin("plain", "tile by tile", lambda: ByUnits(), speed=1, resumes=True)


class GoodBackendOnPaddedTiles(GoodBackend):
    layout = "google"
    cases = (Case(Size(1, 300), 64, 0), Case(Size(130, 97), 32, 0))


class InAnotherProcess(Plain):
    """Reads the slide and puts its tiles in a worker process, where nothing but the plan is known."""

    def read(self, job: Job, box: Box) -> Pixels:
        if job.source.facts.access is Access.ROWS:
            return super().read(job, box)
        return worker().submit(read_there, job.plan, box).result()

    def put(self, job: Job, tile: TileAddress, pixels: Pixels) -> None:
        worker().submit(put_there, job.plan, tile, pixels).result()


@cache
def worker() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"))


OPEN: list[tuple[Plan, Job]] = []
"""The job that the worker has open."""


def job_there(plan: Plan) -> Job:
    if not OPEN or OPEN[0][0] != plan:
        for _, job in OPEN:
            job.source.close()
        OPEN[:] = [(plan, open_job(plan))]
    return OPEN[0][1]


def read_there(plan: Plan, box: Box) -> Pixels:
    return Plain().read(job_there(plan), box)


def put_there(plan: Plan, tile: TileAddress, pixels: Pixels) -> None:
    job_there(plan).put(tile, pixels)


class GoodBackendInAnotherProcess(GoodBackend):
    plugin = BackendPlugin("plain", "holds all", InAnotherProcess, speed=1)
    cases = CASES[1:2]


class Dropping(Plain):
    def put(self, job: Job, tile: TileAddress, pixels: Pixels) -> None:
        if tile.level:
            super().put(job, tile, pixels)


class Adding(Plain):
    def put(self, job: Job, tile: TileAddress, pixels: Pixels) -> None:
        super().put(job, tile, pixels)
        job.store.put(f"{job.layout.folder}/vips-properties.xml", b"<image/>")


class Short(Plain):
    def cut(self, job: Job, plane: Pixels, tile: TileAddress) -> Pixels:
        pixels = super().cut(job, plane, tile)
        return pixels[:-1] if len(pixels) > 1 else pixels

    def put(self, job: Job, tile: TileAddress, pixels: Pixels) -> None:
        # Past `Job.put`, which would see it.
        job.store.put(job.layout.key(tile), job.writer.encode(pixels))


class Unpadded(Short):
    """Right, but for layouts that pad."""

    def cut(self, job: Job, plane: Pixels, tile: TileAddress) -> Pixels:
        return Plain.cut(self, job, plane, tile)


class ShiftedBase(Plain):
    def cut(self, job: Job, plane: Pixels, tile: TileAddress) -> Pixels:
        return super().cut(job, np.roll(plane, 1, axis=0) if tile.level == job.pyramid.base_level else plane, tile)


class ShiftedWhereWide(Plain):
    def cut(self, job: Job, plane: Pixels, tile: TileAddress) -> Pixels:
        if tile.level == job.pyramid.base_level:
            plane = plane.copy()
            plane[:, 4097:] = plane[:, 4096:-1].copy()
        return super().cut(job, plane, tile)


class Brighter(Plain):
    def halve(self, plane: Pixels) -> Pixels:
        return halve(plane) | np.uint8(1)


class BlackLevels(Plain):
    promise = Equality.BASE

    def halve(self, plane: Pixels) -> Pixels:
        return halve(plane) // 2


class Undeclared(Plain):
    promise = Equality.BASE


class DarkEdges(Plain):
    """The overlap is there and is not the neighbour's. Promising little hides it from the other tests."""

    promise = Equality.LAYOUT

    def cut(self, job: Job, plane: Pixels, tile: TileAddress) -> Pixels:
        pixels = super().cut(job, plane, tile).copy()
        if tile.col:
            pixels[:, : 2 * job.pyramid.overlap] //= 2
        if tile.row:
            pixels[: 2 * job.pyramid.overlap] //= 2
        return pixels


class Overreaching(Plain):
    def read(self, job: Job, box: Box) -> Pixels:
        with suppress(InputError):
            job.source.read(Box(box.x, box.y, box.width + 1, box.height))
        return super().read(job, box)


class Silent(Plain):
    def tell(self, progress: Progress, tiles: int, pixels: int) -> None:
        pass


class Backwards(Plain):
    def tell(self, progress: Progress, tiles: int, pixels: int) -> None:
        progress(tiles + 1, pixels)
        progress(tiles, pixels)


class CountingOverlap(Plain):
    def tell(self, progress: Progress, tiles: int, pixels: int) -> None:
        progress(tiles, pixels + 10)


class TellingFromElsewhere(Plain):
    def tell(self, progress: Progress, tiles: int, pixels: int) -> None:
        thread = threading.Thread(target=progress, args=(tiles, pixels))
        thread.start()
        thread.join()


class Wordless(Plain):
    what = " "


class Wordy(Plain):
    what = "first this\nthen that"


class Disorderly(Plain):
    def ys(self, job: Job) -> list[int]:
        ys = super().ys(job)
        return ys[-1:] + ys[:-1]

    def base(self, job: Job) -> Pixels:
        if job.source.facts.access is Access.REGIONS:
            return super().base(job)
        size = job.pyramid.base
        parts = {}
        for y in self.ys(job):
            try:
                parts[y] = self.read(job, Box(0, y, size.width, min(64, size.height - y)))
            except InputError:
                parts[y] = np.zeros((min(64, size.height - y), size.width, 3), np.uint8)
        return np.concatenate([parts[y] for y in sorted(parts)])


class Swallowing(Plain):
    def read(self, job: Job, box: Box) -> Pixels:
        try:
            return job.source.read(box)
        except InputError:
            return np.zeros((box.height, box.width, 3), np.uint8)


class Raw(Plain):
    def read(self, job: Job, box: Box) -> Pixels:
        try:
            return job.source.read(box)
        except InputError as error:
            raise ValueError("no pixels") from error


class Placeless(Plain):
    def read(self, job: Job, box: Box) -> Pixels:
        return job.source.read(box)


class Reworded(Plain):
    def read(self, job: Job, box: Box) -> Pixels:
        try:
            return job.source.read(box)
        except InputError:
            raise InputError(f"{job.plan.live.slide}: something is wrong in row {box.y}") from None


class Littering(Plain):
    def run(self, job: Job, progress: Progress) -> None:
        Path(job.plan.location.folder, "tiles.log").write_text("started")
        super().run(job, progress)


class LitteringElsewhere(Plain):
    def run(self, job: Job, progress: Progress) -> None:
        Path(f"{job.plan.location.folder}.tmp").mkdir()
        super().run(job, progress)


class Undeterred(Plain):
    def tell(self, progress: Progress, tiles: int, pixels: int) -> None:
        with suppress(BaseException):
            progress(tiles, pixels)


class Converting(Plain):
    def tell(self, progress: Progress, tiles: int, pixels: int) -> None:
        try:
            progress(tiles, pixels)
        except BaseException as error:
            raise RuntimeError("stopped") from error


class Random(Plain):
    promise = Equality.LAYOUT
    count: Iterator[int] = itertools.count()

    def put(self, job: Job, tile: TileAddress, pixels: Pixels) -> None:
        super().put(job, tile, pixels ^ np.uint8(next(self.count) % 7))


class ByUnits(Plain):
    unit = "{0.level},{0.col},{0.row}"

    def put(self, job: Job, tile: TileAddress, pixels: Pixels) -> None:
        unit = job.unit(self.unit.format(tile))
        if not unit.is_done:
            unit.job.put(tile, pixels)
            unit.finish()


class OneNameForAll(ByUnits):
    unit = "tile"


WRONG: dict[str, list[type[Plain]]] = {
    "test_the_keys_are_exactly_those_of_the_layout": [Dropping, Adding],
    "test_every_tile_has_exactly_its_size": [Short],
    "test_base_tiles_are_the_contracts_if_promised": [ShiftedBase, ShiftedWhereWide],
    "test_tiles_of_lower_levels_are_the_contracts_if_promised": [Brighter],
    "test_unpromised_levels_keep_the_declared_floor": [BlackLevels, Undeclared],
    "test_neighbours_agree_over_their_overlap": [DarkEdges],
    "test_the_slide_is_read_inside_its_borders": [Overreaching],
    "test_progress_rises_to_the_whole_in_the_callers_thread": [
        Silent,
        Backwards,
        CountingOverlap,
        TellingFromElsewhere,
    ],
    "test_the_method_is_said_in_a_line": [Wordless, Wordy],
    "test_a_whole_run_passes_tileframes_own_check_and_keeps_the_geometry": [Dropping, Short],
    "test_a_source_of_rows_is_read_in_order_or_refused": [Disorderly],
    "test_a_tile_that_cannot_be_read_is_one_input_error_that_says_where": [Swallowing, Raw, Placeless, Reworded],
    "test_a_failed_run_leaves_nothing": [Littering, LitteringElsewhere, Swallowing],
    "test_a_cancelled_run_ends_with_what_the_progress_raised": [Silent, Undeterred, Converting],
    "test_a_cancelled_run_leaves_nothing": [Littering, LitteringElsewhere, Undeterred],
    "test_a_stopped_run_is_gone_on_with_if_it_is_said_to_be": [Plain, OneNameForAll],
    "test_blank_tiles_are_left_out_or_the_job_is_refused": [Short],
    "test_two_runs_make_the_same_bytes": [Random],
}
FLOORS: dict[type[Plain], float] = {BlackLevels: 30.0}
GOOD = [GoodBackend, GoodResumingBackend, GoodBackendOnPaddedTiles, GoodBackendInAnotherProcess]
BREAKERS = [
    breaker(
        test,
        GoodBackend,
        make.__name__,
        subtle=make is ShiftedWhereWide,
        plugin=BackendPlugin("plain", "holds all", make, speed=1, resumes=make in (Plain, OneNameForAll)),
        floor=FLOORS.get(make),
    )
    for test, makes in WRONG.items()
    for make in makes
] + [
    breaker(
        "test_every_tile_has_exactly_its_size",
        GoodBackendOnPaddedTiles,
        Unpadded.__name__,
        plugin=BackendPlugin("plain", "holds all", Unpadded, speed=1),
    )
]
