"""What a run will make, before it is made."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tileframe import Access, Box, Job, Plan, Spec, machine, open_job, plan
from tileframe.guards import refuse_more_than_the_disk_holds
from tileframe.ledger import TileOrder
from tileframe.registry import Registry

SAMPLE = 24


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a run will make, and whether there is room for it."""

    target: str
    levels: int
    tiles: int
    """Of all levels; where blank ones are left out, there will be so many at most."""
    estimated_bytes: int
    """Of all tiles, from a sample of the base."""
    free_bytes: int | None
    """None where the store is no disk of this machine."""
    free_inodes: int | None
    """How many more files the disk can hold; None where there is no such limit."""
    plan: Plan


def forecast(spec: Spec, registry: Registry) -> Forecast:
    """Return what `tileframe.run` would do for ``spec``; what that would refuse is refused. Nothing is written."""
    decided = plan(spec, registry)
    job, location = open_job(decided, registry), spec.location
    folder = Path(location.folder) if location.scheme == "file" else None
    tiles = TileOrder(job.pyramid, job.layout.levels).count
    with job.source:
        refuse_more_than_the_disk_holds(decided, tiles)
        return Forecast(
            target=job.target, levels=len(job.layout.levels), tiles=tiles,
            estimated_bytes=estimate_bytes(job), plan=decided,
            free_bytes=None if folder is None else machine.free_disk(folder),
            free_inodes=None if folder is None else machine.free_inodes(folder),
        )  # fmt: skip


def estimate_bytes(job: Job) -> int:
    """Return about how many bytes the tiles of ``job`` will take, having encoded a sample of base tiles.

    A source that gives rows is sampled in its top eighth alone, and is used up by it.
    """
    pixels = encoded = 0
    for area, file in _sample(job):
        pixels += area
        encoded += len(file)
    return round(encoded / pixels * job.pyramid.pixel_count)


def _sample(job: Job) -> Iterator[tuple[int, bytes]]:
    """Yield the pixels of some base tiles, and each as it would be stored."""
    size, side = job.pyramid.base, job.pyramid.tile_size
    if job.source.facts.access is Access.REGIONS:
        for tile in job.pyramid.sample(job.pyramid.base_level, SAMPLE, seed=0):
            box = job.pyramid.tile_box(tile)
            yield box.size.area, job.own_tile(tile) or job.encoded(job.read(box))
        return
    chance = random.Random(0)
    for y in range(0, max(1, size.height // 8), side):
        rows = job.read(Box(0, y, size.width, min(side, size.height - y)))
        for _ in range(3):
            x = chance.randrange(0, size.width, side)
            part = rows[:, x : x + side]
            yield part.shape[0] * part.shape[1], job.encoded(part)
