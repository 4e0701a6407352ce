"""Whole pyramids, in this process: tileframe's backends beside what people write without it.

A group is one workload at one tile size.
"""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Iterator
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import openslide
import PIL.Image
import pytest
import pyvips

import tileframe
from benchmarks import outputs
from benchmarks.in_process import DZSAVE, POOL, Case, Entrant, entrants, entrants_with_own_tiles
from benchmarks.proofs import wrong_files, wrong_passed_through
from benchmarks.saved_runs import said_of
from benchmarks.scale import suite_scale
from benchmarks.turns import is_timed, timed_rounds, turns
from tileframe_bench.scratch import give_back, scratch_folder
from tileframe_bench.svs import SIDE
from tileframe_bench.workloads import WORKLOADS, scaled

TILE_SIZES = (256, 512, 1024)
SAMPLE = 200
NAME = "pyramid"


class FreshFolder:
    """Gives each round an empty folder, and the disk of the round before back."""

    def __init__(self, parent: Path) -> None:
        self.parent = parent
        self.other = parent / "other"
        self.last = Path(tempfile.mkdtemp(dir=parent))

    def __call__(self) -> Path:
        give_back(self.last)
        self.last = Path(tempfile.mkdtemp(dir=self.parent))
        return self.last / NAME


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
def case(benchmark, name, tile_size) -> Case:
    return Case(scaled(WORKLOADS[name], suite_scale(timed=benchmark.enabled)), tile_size)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.function is test_passthrough:
        slides = [name for name, workload in WORKLOADS.items() if workload.kind == "svs"]
        groups, everyone = product(slides, [SIDE]), entrants_with_own_tiles()
    else:
        groups, everyone = product(WORKLOADS, TILE_SIZES), entrants()
    cases = [
        (name, tile_size, who, turn)
        for (name, tile_size), turn, who in product(groups, turns(metafunc.config), everyone)
        if (is_timed(metafunc.config) or is_quick(name, tile_size, who)) and not (everyone[who].is_slow and turn > 1)
    ]
    metafunc.parametrize(("name", "tile_size", "who", "turn"), cases)


def is_quick(name: str, tile_size: int, who: str) -> bool:
    """Leave out what plain tests can do without: one slide has to do for most tile sizes, and to start processes."""
    return name == "svs" or (tile_size == TILE_SIZES[0] and who != POOL)


def versions() -> dict[str, str]:
    return {
        "tileframe": tileframe.__version__,
        "python": platform.python_version(),
        "libvips": ".".join(str(pyvips.version(part)) for part in range(3)),
        "openslide": openslide.__library_version__,
        "pillow": PIL.__version__,
    }


def measure(
    benchmark: Any, case: Case, who: str, turn: int, entrant: Entrant, fresh_folder: FreshFolder
) -> tuple[Any, Path]:
    """Time ``entrant``; return what its last round returned and the folder of tiles that it made."""
    if who == DZSAVE and case.workload.kind == "jp2k":
        pytest.skip("the wheel's libvips reads no JPEG 2000")
    source = case.workload.make()
    benchmark.group = f"{case}"
    benchmark.extra_info.update(
        case.workload.facts(),
        tile_size=case.tile_size,
        **said_of(
            who,
            turn=turn,
            is_baseline=entrant.is_baseline,
            is_reference=entrant.is_reference,
            megapixels=case.workload.size.area / 1e6,
        ),
        **versions(),
    )
    setup = lambda: ((source, fresh_folder()), {"tile_size": case.tile_size})  # noqa: E731
    time_it = benchmark.pedantic if entrant.is_slow else partial(timed_rounds, benchmark)
    try:
        return time_it(entrant.make, setup=setup), fresh_folder.last / f"{NAME}_files"
    except (tileframe.OptionError, tileframe.PluginError) as error:
        pytest.skip(f"{who} cannot: {error}")


def reference(case: Case, out: Path) -> None:
    """Make the pyramid whose pixels are right: by dzsave, or, where it cannot read the file, by the backend `vips`."""
    who = "vips" if case.workload.kind == "jp2k" else DZSAVE
    entrants()[who].make(case.workload.make(), out, tile_size=case.tile_size)


def test_whole_slide(benchmark, case, who, turn, fresh_folder, monkeypatch):
    # The generator's loops lift Pillow's limit for the whole process; this puts it back.
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", PIL.Image.MAX_IMAGE_PIXELS)
    entrant = entrants()[who]
    report, folder = measure(benchmark, case, who, turn, entrant, fresh_folder)
    assert outputs.faults(folder, case.pyramid, names_only=not entrant.has_exact_sizes) == []
    if report is not None:
        benchmark.extra_info.update(way=report.way, promises=report.promises.name)
        fresh_folder.other.mkdir()
        reference(case, fresh_folder.other / NAME)
        names = outputs.sample(case.pyramid, SAMPLE, promised=report.promises)
        assert outputs.unlike(folder, fresh_folder.other / f"{NAME}_files", names) == []


def test_passthrough(benchmark, case, who, turn, fresh_folder):
    report, folder = measure(benchmark, case, who, turn, entrants_with_own_tiles()[who], fresh_folder)
    if report is None:
        assert outputs.faults(folder, case.pyramid) == []
    else:
        benchmark.extra_info.update(way=report.way, passed_through=report.passed_through)
        assert report.passed_through
        assert wrong_files(fresh_folder.last) == []
        assert wrong_passed_through(case.workload.make(), fresh_folder.last, fresh_folder.other) == []
