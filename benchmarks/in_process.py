"""Who makes whole pyramids in one process, for the suite."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import tileframe
from benchmarks import outputs
from tileframe.registry import load
from tileframe_bench.baselines import OVERLAP, QUALITY, bare_dzsave, generator_loop, generator_pool
from tileframe_bench.workloads import Workload

DZSAVE = "bare dzsave"
POOL = "generator pool"


@dataclass(frozen=True, slots=True)
class Entrant:
    """One way to make the pyramid."""

    make: Callable[..., tileframe.Report | None]
    """Takes the slide, the pyramid's path without its ending, and ``tile_size``."""
    is_baseline: bool = True
    is_reference: bool = False
    is_slow: bool = False
    """Many times as slow as the others: one round has to do."""
    has_exact_sizes: bool = True
    """Each of its tiles has the size that the pyramid says."""


@dataclass(frozen=True, slots=True)
class Case:
    """What everyone of a group is given."""

    workload: Workload
    tile_size: int

    @property
    def pyramid(self) -> tileframe.Pyramid:
        return outputs.pyramid_of(self.workload.size, self.tile_size)

    def __str__(self) -> str:
        return f"{self.workload.name} {self.workload.size}, tiles of {self.tile_size}"


def cut(source: Path, out: Path, *, backend: str, tile_size: int) -> tileframe.Report:
    return tileframe.run(
        source, out, backend=backend, quality=QUALITY, tile_size=tile_size, overlap=OVERLAP, limit_bounds=False
    )


def passed_through(source: Path, out: Path, *, backend: str, tile_size: int) -> tileframe.Report:
    return tileframe.run(source, out, backend=backend, quality=QUALITY, tile_size=tile_size, passthrough=True)


@cache
def entrants() -> dict[str, Entrant]:
    """Return everyone who makes the pyramid of the contract, by name."""
    # Where there is no bare dzsave, the backend vips is the nearest to it.
    backends = {
        offer.name: Entrant(partial(cut, backend=offer.name), is_baseline=False, is_reference=offer.name == "vips")
        for offer in load().backends
    }
    return backends | {
        DZSAVE: Entrant(bare_dzsave, is_reference=True),
        "generator loop": Entrant(generator_loop, is_slow=True, has_exact_sizes=False),
        POOL: Entrant(generator_pool, is_slow=True, has_exact_sizes=False),
    }


@cache
def entrants_with_own_tiles() -> dict[str, Entrant]:
    """Return those who keep the slide's own tiles, and whom to compare them with."""
    able = [offer.name for offer in load().backends if offer.passes_through]
    backends = {
        f"{name} --passthrough": Entrant(partial(passed_through, backend=name), is_baseline=False) for name in able
    }
    return backends | {DZSAVE: entrants()[DZSAVE]}
