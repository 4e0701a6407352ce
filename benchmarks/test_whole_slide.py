"""Whole pyramids, in this process: tileframe's backends beside what people write without it.

A group is one workload at one tile size.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from itertools import product
from pathlib import Path
from typing import Any

import PIL.Image
import pytest

import tileframe
from benchmarks.proofs import differences, differences_of_passthrough, wrong_names
from benchmarks.suite import describe, is_timed, suite_scale, timed_rounds, turns
from tileframe.registry import load
from tileframe_bench.baselines import OVERLAP, QUALITY, bare_dzsave, generator_loop, generator_pool
from tileframe_bench.environment import versions
from tileframe_bench.scratch import give_back, scratch_folder
from tileframe_bench.workloads import TILE, WORKLOADS, Workload, scaled

TILE_SIZES = (256, 512, 1024)
DZSAVE, POOL = "bare dzsave", "generator pool"
TARGET = "pyramid.dzi"


@dataclass(frozen=True, slots=True)
class Entrant:
    """One way to make the pyramid in this process."""

    make: Callable[..., tileframe.Report | None]
    """Takes the slide, the pyramid's path, and ``tile_size``."""
    is_baseline: bool = True
    is_reference: bool = False
    is_generator: bool = False
    """A generator loop: so slow that one round has to do, and of its tiles only the names are as they should be."""


@cache
def entrants() -> dict[str, Entrant]:
    """Return everyone who makes the usual pyramid. The backend vips is the reference where bare dzsave is not there."""
    run = partial(tileframe.run, quality=QUALITY, overlap=OVERLAP, limit_bounds=False)
    names = [offer.name for offer in load().backends]
    backends = {name: Entrant(partial(run, backend=name), False, name == "vips") for name in names}
    return backends | {
        DZSAVE: Entrant(bare_dzsave, is_reference=True),
        "generator loop": Entrant(generator_loop, is_generator=True),
        POOL: Entrant(generator_pool, is_generator=True),
    }


@cache
def entrants_with_own_tiles() -> dict[str, Entrant]:
    """Return those who keep the slide's own tiles, and bare dzsave."""
    able = [offer.name for offer in load().backends if offer.passes_through]
    run = partial(tileframe.run, quality=QUALITY, passthrough=True)
    return {f"{name} --passthrough": Entrant(partial(run, backend=name), False) for name in able} | {
        DZSAVE: entrants()[DZSAVE]
    }


class FreshFolder:
    """Gives each round an empty folder, and the disk of the round before back."""

    def __init__(self, parent: Path) -> None:
        self.parent = parent
        self.reference = parent / "reference" / TARGET
        self.reference.parent.mkdir()
        self.last = Path(tempfile.mkdtemp(dir=parent))

    def __call__(self) -> Path:
        give_back(self.last)
        self.last = Path(tempfile.mkdtemp(dir=self.parent))
        return self.last / Path(TARGET).stem


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    with scratch_folder(None) as folder:
        yield folder


@pytest.fixture
def fresh_folder(scratch: Path) -> Iterator[FreshFolder]:
    folder = Path(tempfile.mkdtemp(dir=scratch))
    yield FreshFolder(folder)
    give_back(folder)


@pytest.fixture
def workload(benchmark, name) -> Workload:
    return scaled(WORKLOADS[name], suite_scale(timed=benchmark.enabled))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    groups, everyone = list(product(WORKLOADS, TILE_SIZES)), entrants()
    if metafunc.function is test_passthrough:
        groups = [(name, TILE) for name, workload in WORKLOADS.items() if workload.kind == "svs"]
        everyone = entrants_with_own_tiles()
    cases = [
        (name, tile_size, who, turn)
        for (name, tile_size), turn, who in product(groups, turns(metafunc.config), everyone)
        if (is_timed(metafunc.config) or is_quick(name, tile_size, who))
        and not (everyone[who].is_generator and turn > 1)
    ]
    metafunc.parametrize(("name", "tile_size", "who", "turn"), cases)


def is_quick(name: str, tile_size: int, who: str) -> bool:
    """Leave out what plain tests can do without: one slide has to do for most tile sizes, and to start processes."""
    return name == "svs" or (tile_size == TILE_SIZES[0] and who != POOL)


def measure(
    benchmark: Any, workload: Workload, tile_size: int, who: str, turn: int, entrant: Entrant, folder: FreshFolder
) -> Any:
    """Time ``entrant``; return what its last round returned."""
    if who == DZSAVE and workload.kind == "jp2k":
        pytest.skip("the wheel's libvips reads no JPEG 2000")
    group = f"{workload.name} {workload.size}, tiles of {tile_size}"
    roles = {"baseline": entrant.is_baseline, "reference": entrant.is_reference}
    describe(benchmark, group, who, turn, **roles, size=workload.size)
    benchmark.extra_info.update(workload.facts(), tile_size=tile_size, **versions(load()))
    time_it = benchmark.pedantic if entrant.is_generator else partial(timed_rounds, benchmark)
    try:
        return time_it(entrant.make, setup=lambda: ((workload.make(), folder()), {"tile_size": tile_size}))
    except (tileframe.OptionError, tileframe.PluginError) as error:
        pytest.skip(f"{who} cannot: {error}")


def test_whole_slide(benchmark, workload, tile_size, who, turn, fresh_folder, monkeypatch):
    # The generator's loops lift Pillow's limit for the whole process; this puts it back.
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", PIL.Image.MAX_IMAGE_PIXELS)
    entrant = entrants()[who]
    report = measure(benchmark, workload, tile_size, who, turn, entrant, fresh_folder)
    source, made, right = workload.make(), fresh_folder.last / TARGET, fresh_folder.reference
    if entrant.is_generator:
        assert wrong_names(source, made, right) == []
    elif report is None:
        assert differences(source, made, made) == []
    else:
        benchmark.extra_info.update(way=report.way, promises=report.promises.name)
        reference = entrants()["vips" if workload.kind == "jp2k" else DZSAVE]
        reference.make(source, right.with_suffix(""), tile_size=tile_size)
        assert differences(source, made, right, promised=report.promises) == []


def test_passthrough(benchmark, workload, tile_size, who, turn, fresh_folder):
    entrant = entrants_with_own_tiles()[who]
    report = measure(benchmark, workload, tile_size, who, turn, entrant, fresh_folder)
    source, made = workload.make(), fresh_folder.last / TARGET
    if report is None:
        assert differences(source, made, made) == []
    else:
        benchmark.extra_info.update(way=report.way, passed_through=report.passed_through)
        assert report.passed_through
        assert differences_of_passthrough(source, made, fresh_folder.reference) == []
