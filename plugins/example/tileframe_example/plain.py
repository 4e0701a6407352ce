from __future__ import annotations

from collections.abc import Sequence

from tileframe import BackendPlugin, Box, Equality, InputError, Job, Progress, hookimpl
from tileframe.machine import available_memory


class PlainBackend:
    def refuses(self, job: Job) -> str | None:
        needed = 5 * job.pyramid.base.area  # the base, three bytes a pixel, and room to halve it
        return "the picture does not fit into memory" if needed > available_memory() else None

    def promises(self, job: Job) -> Equality:
        return Equality.PIXELS

    def method(self, job: Job) -> str:
        return "the whole picture is held in memory"

    def run(self, job: Job, progress: Progress) -> None:
        from tileframe.pixels import halve

        tiles, area, size = 0, 0, job.pyramid.base
        try:
            pixels = job.source.read(Box(0, 0, size.width, size.height))
        except InputError as error:
            raise InputError(f"{error} (rows 0 to {size.height - 1} of the base)") from error
        for level in reversed(range(job.pyramid.level_count)):
            for tile in job.pyramid.tiles(level):
                box = job.pyramid.tile_box(tile)
                part = pixels[box.y : box.bottom, box.x : box.right]
                job.put(tile, part)
                tiles += 1
                progress(tiles, area)
            area += job.pyramid.level_size(level).area
            pixels = halve(pixels)
        progress(tiles, area)


@hookimpl
def tileframe_backends() -> Sequence[BackendPlugin]:
    return [BackendPlugin("plain", "level by level, in memory", PlainBackend, speed=1)]
