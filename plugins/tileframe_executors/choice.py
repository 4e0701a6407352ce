"""The rule by which processes are taken without being asked for.

Threads hold Python's lock, the GIL, for a part of the work on each tile, one at a time: if that is an eighth of the
work, more than eight threads wait for each other. Processes have a lock each. They take their start, and what this
process does with each tile that they have made. `benchmarks/cores.py` measures these costs, and `benchmarks/gil.py`
what is done with the lock.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from tileframe import Access, Choice, Job, Plan
from tileframe.machine import available_memory

START, STARTED = 0.7, 0.005
"""Seconds until a process has loaded the libraries and opened the slide, and those to start it, one after another."""
LEAST, SAVED = 5, 0.2
"""The fewest workers, and the least part of the time that must be saved, for which the memory of processes is taken."""
MEMORY = 200_000_000
"""Bytes of each process, at most: libraries, a block, the tiles that a reader keeps, and an answer."""
OTHERS = 1.4e-3
"""Processor seconds that a tile of 256 takes more in other formats than JPEG, at the least: ten times its encoding."""


@dataclass(frozen=True)
class Costs:
    """Processor seconds for a tile of 256, its share of the levels above it among them."""

    work: float
    """By workers, of all kinds."""
    held: float
    """Of these, with the GIL."""
    handed: float
    """By this process, for one that another process has made."""
    alone: float
    """By this process's main thread, whoever makes the blocks: what is above them, and the check at the end."""

    @property
    def saturation(self) -> int:
        """How many threads are busy, at most, however many there are."""
        return int(self.work / self.held)

    def by_threads(self, tiles: int, workers: int) -> float:
        """Return the seconds that ``workers`` threads take."""
        return tiles * (self.alone + max(self.held, self.work / workers))

    def by_processes(self, tiles: int, workers: int) -> float:
        """Return the seconds that as many processes take."""
        return START + STARTED * workers + tiles * (self.alone + max(self.handed, self.work / workers))


SLIDE = Costs(work=650e-6, held=65e-6, handed=20e-6, alone=20e-6)
"""A slide of JPEG tiles, encoded anew: other readers take more work for each tile, and hold the GIL no longer."""
PASSED = Costs(work=400e-6, held=55e-6, handed=20e-6, alone=20e-6)
"""With pass-through."""


def costs_of(plan: Plan) -> Costs:
    """Return what a tile of ``plan`` costs, at the least."""
    costs, tiles_of_256 = PASSED if plan.passthrough else SLIDE, plan.pyramid.tile_size**2 / 256**2
    without_lock = costs.work - costs.held + (0 if plan.format in ("jpeg", "jpg") else OTHERS)
    return replace(costs, work=costs.held + without_lock * tiles_of_256)


def choice(job: Job, registry: Any) -> Choice | None:
    """Say whether processes are to do ``job``; None where its threads do not saturate, and as for a slide in rows."""
    workers, costs = job.workers, costs_of(job.plan)
    if workers < LEAST or workers <= costs.saturation or job.source.facts.access is not Access.REGIONS:
        return None
    why = f"{workers} workers: threads would saturate at {costs.saturation}"
    tiles = sum(job.pyramid.grid(level).area for level in job.layout.levels)
    if costs.by_processes(tiles, workers) > (1 - SAVED) * costs.by_threads(tiles, workers):
        return Choice(False, f"{why}; with so few tiles, processes would save little or no time")
    hindered = _hindered(job.plan, registry)
    return Choice(hindered is None, why if hindered is None else f"{why}; no processes, for {hindered}")


def _hindered(plan: Plan, registry: Any) -> str | None:
    """Say why other processes cannot do ``plan``; None if they can, as far as is known before they begin."""
    used = (("reader", plan.reader), ("writer", plan.format), ("layout", plan.layout), ("store", plan.store))
    for kind, name in (*used, ("backend", plan.backend)):
        owner = next(offer.owner for offer in registry.offers if (offer.kind, offer.plugin.name) == (kind, name))
        if owner not in registry.installed:
            return f"they would not find the {kind} {name}, which no installed plugin offers"
    from tileframe_executors.isolated import IsolatedReader  # here, for most runs do without

    make = registry.reader(plan.reader).make
    if isinstance(make, partial) and make.func is IsolatedReader:
        return "the slide is read in processes already"
    if plan.live.remote is not None:
        return "each would fetch the slide from its server for itself"
    if (needed := plan.live.workers * MEMORY) > (free := available_memory()):
        return f"they take up to {needed / 1e9:.3g} GB of memory, and {free / 1e9:.3g} are free"
    return None
