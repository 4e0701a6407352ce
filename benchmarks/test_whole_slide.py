"""Whole pyramids, in this process: tileframe's backends beside what people write without it."""

from __future__ import annotations

import platform
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import openslide
import PIL.Image
import pytest
import pyvips

import tileframe
from benchmarks import outputs
from benchmarks.baselines import OVERLAP, QUALITY, TILE_SIZE, bare_dzsave, generator_loop, generator_pool
from benchmarks.proofs import wrong_files, wrong_passed_through
from benchmarks.workloads import WORKLOADS, Workload, scaled, suite_scale

BACKENDS = ("stream", "vips", "openslide")
ROUNDS = 3
SAMPLE = 200
NAME = "pyramid"


class FreshFolder:
    """Gives each round an empty folder, and the disk of the round before back."""

    def __init__(self, parent: Path) -> None:
        self.last = parent / "round"
        self.other = parent / "other"

    def __call__(self) -> Path:
        shutil.rmtree(self.last, ignore_errors=True)
        self.last.mkdir()
        return self.last / NAME


@pytest.fixture
def fresh_folder(tmp_path):
    yield FreshFolder(tmp_path)
    shutil.rmtree(tmp_path)


@pytest.fixture(params=WORKLOADS)
def workload(request, benchmark) -> Workload:
    return scaled(WORKLOADS[request.param], suite_scale(timed=benchmark.enabled))


def cut(source: Path, out: Path, *, backend: str) -> tileframe.Report:
    return tileframe.run(source, out, backend=backend, quality=QUALITY, tile_size=TILE_SIZE, overlap=OVERLAP)


def reference(workload: Workload, out: Path) -> None:
    """Make the pyramid whose pixels are right: by dzsave, or, where it cannot read the file, by the backend `vips`."""
    if workload.kind == "jp2k":
        cut(workload.make(), out, backend="vips")
    else:
        bare_dzsave(workload.make(), out)


def versions() -> dict[str, str]:
    return {
        "tileframe": tileframe.__version__,
        "python": platform.python_version(),
        "libvips": ".".join(str(pyvips.version(part)) for part in range(3)),
        "openslide": openslide.__library_version__,
        "pillow": PIL.__version__,
    }


def measure(benchmark: Any, workload: Workload, competitor: Any, fresh_folder: FreshFolder) -> tuple[Any, Path]:
    """Time ``competitor``; return what its last round returned and the folder of tiles that it made."""
    source = workload.make()
    benchmark.group = f"{workload.name} {workload.size}"
    benchmark.extra_info.update(workload.facts(), **versions())
    result = benchmark.pedantic(
        competitor, setup=lambda: ((source, fresh_folder()), {}), rounds=ROUNDS, warmup_rounds=1
    )
    return result, fresh_folder.last / f"{NAME}_files"


@pytest.mark.parametrize("backend", BACKENDS)
def test_tileframe(benchmark, workload, backend, fresh_folder):
    report, folder = measure(benchmark, workload, partial(cut, backend=backend), fresh_folder)
    benchmark.extra_info.update(way=report.way, promises=report.promises.name)
    pyramid = outputs.pyramid_of(workload.size)
    assert outputs.faults(folder, pyramid) == []

    fresh_folder.other.mkdir()
    reference(workload, fresh_folder.other / NAME)
    names = outputs.sample(pyramid, SAMPLE, promised=report.promises)
    assert outputs.unlike(folder, fresh_folder.other / f"{NAME}_files", names) == []


def test_passthrough(benchmark, workload, fresh_folder):
    if workload.kind != "svs":
        pytest.skip("stores no JPEG tiles")
    competitor = partial(tileframe.run, quality=QUALITY, passthrough=True)
    report, _ = measure(benchmark, workload, competitor, fresh_folder)
    benchmark.extra_info.update(way=report.way, passed_through=report.passed_through)
    assert report.passed_through
    assert wrong_files(fresh_folder.last) == []
    assert wrong_passed_through(workload.make(), fresh_folder.last, fresh_folder.other) == []


def test_bare_dzsave(benchmark, workload, fresh_folder):
    if workload.kind == "jp2k":
        pytest.skip("the wheel's libvips reads no JPEG 2000")
    _, folder = measure(benchmark, workload, bare_dzsave, fresh_folder)
    assert outputs.faults(folder, outputs.pyramid_of(workload.size)) == []


@pytest.mark.parametrize("baseline", [generator_loop, generator_pool], ids=["loop", "pool"])
def test_generator(benchmark, workload, baseline, fresh_folder, monkeypatch):
    # The loop lifts Pillow's limit for the whole process; this puts it back.
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", None)
    _, folder = measure(benchmark, workload, baseline, fresh_folder)
    # The names alone: its tiles are not always of the size that its own layout says.
    assert outputs.keys(folder) == {outputs.key(tile) for tile in outputs.tiles(outputs.pyramid_of(workload.size))}
