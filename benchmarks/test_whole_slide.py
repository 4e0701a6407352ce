"""Whole pyramids, in this process: tileframe's backends beside what people write without it.

A group is one workload at one tile size; at the side of the slide's own tiles, the backends pass those through.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from functools import cache, partial
from itertools import product
from pathlib import Path

import PIL.Image
import pytest

import tileframe
from benchmarks.competitors import differences, differences_of_passthrough, wrong_names
from benchmarks.suite import describe, is_timed, suite_scale, timed_rounds, turns
from tileframe.machine import available_cores
from tileframe.registry import load
from tileframe_bench import baselines
from tileframe_bench.baselines import OVERLAP, QUALITY
from tileframe_bench.entrants import BASELINES
from tileframe_bench.environment import versions
from tileframe_bench.scratch import give_back, scratch_folder
from tileframe_bench.workloads import TILE, WORKLOADS, Workload, scaled

TILE_SIZES = (256, 512, 1024)
DZSAVE, POOL = "bare dzsave", "generator pool"
# So slow that one round has to do, and of their tiles only the names are as they should be.
GENERATORS = ("generator loop", POOL)
TARGET = "pyramid.dzi"


@cache
def makers(tile_size: int) -> dict[str, Callable[..., tileframe.Report | None]]:
    """Return everyone who makes the pyramid, by name; each takes the slide, the pyramid's path and ``tile_size``."""
    passthrough = tile_size == TILE
    able = [offer.name for offer in load().backends if offer.passes_through or not passthrough]
    run = partial(tileframe.run, quality=QUALITY, overlap=OVERLAP, limit_bounds=False, passthrough=passthrough)
    backends = {f"{name}{' --passthrough' if passthrough else ''}": partial(run, backend=name) for name in able}
    return backends | {
        name: partial(baselines.BASELINES[function], workers=available_cores())
        for name, function in BASELINES.items()
        if name == DZSAVE or not passthrough
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
    slides = [name for name, workload in WORKLOADS.items() if workload.kind == "svs"]
    cases = [
        (name, tile_size, who, turn)
        for name, tile_size in [*product(WORKLOADS, TILE_SIZES), *product(slides, [TILE])]
        for turn, who in product(turns(metafunc.config), makers(tile_size))
        if (is_timed(metafunc.config) or is_quick(name, tile_size, who)) and not (who in GENERATORS and turn > 1)
    ]
    metafunc.parametrize(("name", "tile_size", "who", "turn"), cases)


def is_quick(name: str, tile_size: int, who: str) -> bool:
    """Leave out what plain tests can do without: one slide has to do for most tile sizes, and to start processes."""
    return name == "svs" or (tile_size == TILE_SIZES[0] and who != POOL)


def test_whole_slide(benchmark, workload, tile_size, who, turn, fresh_folder, monkeypatch):
    # The generator's loops lift Pillow's limit for the whole process; this puts it back.
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", PIL.Image.MAX_IMAGE_PIXELS)
    # Where there is no bare dzsave, the backend vips is the nearest to it.
    reference = "vips" if workload.kind == "jp2k" else DZSAVE
    if who == DZSAVE != reference:
        pytest.skip("the wheel's libvips reads no JPEG 2000")
    group = f"{workload.name} {workload.size}, tiles of {tile_size}"
    describe(benchmark, group, who, turn, baseline=who in BASELINES, reference=who in (DZSAVE, "vips"))
    benchmark.extra_info.update(workload.facts(), tile_size=tile_size, **versions(load()))

    source, make = workload.make(), makers(tile_size)[who]
    time_it = benchmark.pedantic if who in GENERATORS else partial(timed_rounds, benchmark)
    try:
        report = time_it(make, setup=lambda: ((source, fresh_folder()), {"tile_size": tile_size}))
    except (tileframe.OptionError, tileframe.PluginError) as error:
        pytest.skip(f"{who} cannot: {error}")

    made, right = fresh_folder.last / TARGET, fresh_folder.reference
    if who in GENERATORS:
        assert wrong_names(source, made, right) == []
        return
    if report is None:
        assert differences(source, made, made) == []
        return
    benchmark.extra_info.update(
        method=report.method, promises=report.promises.value, passed_through=report.passed_through
    )
    if tile_size == TILE:
        assert report.passed_through
        assert differences_of_passthrough(source, made, right) == []
    else:
        makers(tile_size)[reference](source, right.with_suffix(""), tile_size=tile_size)
        assert differences(source, made, right, report.promises) == []
