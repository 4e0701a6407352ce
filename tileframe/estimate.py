"""What a run will make, before it is made."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tileframe import machine
from tileframe.geometry import Box, Size
from tileframe.interfaces import Job, Pixels
from tileframe.model import Access, JobSpec
from tileframe.planning import plan
from tileframe.registry import Registry

SAMPLE = 24


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a run will make, and whether there is room for it."""

    target: Path
    size: Size
    """Of the base level, in pixels."""
    levels: int
    tiles: int
    estimated_bytes: int
    """Of all tiles, from a sample of the base."""
    free_bytes: int
    free_inodes: int | None
    """How many more files the disk can hold; None where it has no such limit."""
    reader: str
    backend: str
    way: str
    passed_over: tuple[str, ...]
    """Why better-ranked readers and backends were not taken."""
    notes: tuple[str, ...]


def forecast(spec: JobSpec, registry: Registry) -> Forecast:
    """Return what `tileframe.run` would do for ``spec``. Nothing is written."""
    planned = plan(spec, registry)
    job, pyramid, folder = planned.job, planned.job.pyramid, spec.target.parent
    with job.source:
        return Forecast(
            target=spec.target,
            size=pyramid.base,
            levels=pyramid.level_count,
            tiles=pyramid.tile_count,
            estimated_bytes=estimate_bytes(job),
            free_bytes=machine.free_disk(folder),
            free_inodes=machine.free_inodes(folder),
            reader=planned.reader_name,
            backend=planned.backend_name,
            way=planned.backend.way(job),
            passed_over=planned.passed_over,
            notes=planned.notes,
        )


def estimate_bytes(job: Job) -> int:
    """Return about how many bytes the tiles of ``job`` will take, having encoded a sample of base tiles.

    A source that gives rows is sampled in its top eighth alone, and is used up by it.
    """
    pixels = encoded = 0
    for tile in _sample(job):
        pixels += tile.shape[0] * tile.shape[1]
        encoded += len(job.writer.encode(tile))
    return round(encoded / pixels * job.pyramid.pixel_count)


def _sample(job: Job) -> Iterator[Pixels]:
    size, side = job.pyramid.base, job.pyramid.tile_size
    chance = random.Random(0)
    if job.source.facts.access is Access.REGIONS:
        tiles = list(job.pyramid.tiles(job.pyramid.base_level))
        for tile in chance.sample(tiles, min(SAMPLE, len(tiles))):
            yield job.read(job.pyramid.tile_box(tile))
        return
    for y in range(0, max(1, size.height // 8), side):
        rows = job.read(Box(0, y, size.width, min(side, size.height - y)))
        for _ in range(3):
            x = chance.randrange(0, size.width, side)
            yield rows[:, x : x + side]
