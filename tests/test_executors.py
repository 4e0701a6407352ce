"""Where blocks are made: the executor that docs/plugins.md shows, and the one of the core."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import replace
from multiprocessing import get_context
from typing import Any

import numpy as np
import pytest

from tests.pictures import damage_tile, gradient, photo, svs
from tests.pyramids import assembled, tiles
from tests.streamed import Slide, threads_of_ours
from tileframe import Access, ExecutorPlugin, InputError, OptionError, Plan, Spec, compare, hookimpl, open_pyramid, run
from tileframe import registry as registry_module
from tileframe.planning import prepare
from tileframe.registry import Registry
from tileframe.work import AHEAD, Threads


def test_the_executor_makes_the_same_tiles_in_other_processes(loaded, tmp_path):
    slide, registry = svs(tmp_path / "a.svs", photo(3000, 2100)), loaded("processes")
    here = run(slide, tmp_path / "here", tile_size=128, overlap=2, registry=registry)
    there = run(slide, tmp_path / "there", tile_size=128, overlap=2, executor="processes", registry=registry)
    assert here.backend == there.backend == "stream"
    ours, theirs = tiles(here.target), tiles(there.target)
    assert {key: path.read_bytes() for key, path in ours.items()} == {
        key: path.read_bytes() for key, path in theirs.items()
    }


def test_what_fails_in_another_process_is_said_as_it_would_be_here(loaded, tmp_path):
    slide, registry = damage_tile(svs(tmp_path / "a.svs", photo(600, 421)), 1), loaded("processes")
    said = []
    for executor in (None, "processes"):
        with pytest.raises(
            InputError, match=r"tile 1, 0 of the base .* \(in the tiles a_files/10/0_0.jpeg to "
        ) as caught:
            run(slide, tmp_path / "out" / "a", executor=executor, registry=registry)
        said.append(str(caught.value))
        assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["a.svs"]
        assert not (tmp_path / "out").exists()
    assert said[0] == said[1]


def test_the_executor_stops_when_the_run_does(loaded, tmp_path):
    def stop(tiles: int, pixels: int) -> None:
        raise KeyboardInterrupt

    slide, registry = svs(tmp_path / "a.svs", photo(600, 421)), loaded("processes")
    before = set(multiprocessing.active_children())
    with pytest.raises(KeyboardInterrupt):
        run(slide, tmp_path / "out" / "a", executor="processes", registry=registry, progress=stop)
    assert not (tmp_path / "out").exists()
    assert set(multiprocessing.active_children()) <= before


class Lasting:
    """An executor whose two processes live on from run to run, as those of a cluster do."""

    def __init__(self) -> None:
        self.pool = ProcessPoolExecutor(2, mp_context=get_context("spawn"))

    def map(self, task: Callable[..., Any], plan: Plan, blocks: Iterable[Any]) -> Generator[Any, None, None]:
        yield from self.pool.map(task, *zip(*((plan, block) for block in blocks), strict=True))

    @hookimpl
    def tileframe_executors(self) -> list[ExecutorPlugin]:
        return [ExecutorPlugin("lasting", "in tests", lambda: self)]


@pytest.fixture(scope="module")
def lasting() -> Iterator[Registry]:
    executor = Lasting()
    with executor.pool:
        yield registry_module.load([executor])


def test_a_process_that_lives_on_reads_a_slide_that_was_replaced_anew(lasting, tmp_path):
    slide = tmp_path / "a.svs"
    for pixels in (photo(600, 421, seed=1), photo(600, 421, seed=2)):
        svs(slide, pixels, levels=(1,), lossless=True)
        how = {"format": "png", "executor": "lasting", "overwrite": True, "registry": lasting}
        report = run(slide, tmp_path / "o", **how)
        assert np.array_equal(assembled(report.target, report.levels - 1), pixels)


def test_a_process_that_lives_on_writes_to_where_the_next_run_does(lasting, tmp_path):
    slide = svs(tmp_path / "a.svs", photo(600, 421))
    for name in ("one", "two"):
        run(slide, tmp_path / name / "o", executor="lasting", registry=lasting)
    one, two = (tiles(tmp_path / name / "o.dzi") for name in ("one", "two"))
    assert one.keys() == two.keys()
    assert all(path.read_bytes() == two[key].read_bytes() for key, path in one.items())


def test_tiles_for_an_archive_come_back_from_other_processes(lasting, tmp_path):
    slide = svs(tmp_path / "a.svs", photo(1500, 1100))
    run(slide, tmp_path / "o", registry=lasting)
    run(slide, tmp_path / "o.szi", executor="lasting", registry=lasting)
    with (
        open_pyramid(tmp_path / "o.dzi", registry=lasting) as here,
        open_pyramid(tmp_path / "o.szi", registry=lasting) as there,
    ):
        assert compare(here, there).identical == here.tile_count
        assert there.manifest is not None
        assert here.manifest is not None
        assert there.manifest.tiles.digests_sha256 == here.manifest.tiles.digests_sha256


def test_the_region_and_the_reader_are_those_of_the_plan_in_other_processes(lasting, tmp_path):
    slide = svs(tmp_path / "a.svs", photo(600, 421))
    region = (7, 11, 400, 300)
    here = run(slide, tmp_path / "here", region=region, reader="openslide", registry=lasting)
    there = run(slide, tmp_path / "there", region=region, reader="openslide", executor="lasting", registry=lasting)
    ours, theirs = tiles(here.target), tiles(there.target)
    assert {key: path.read_bytes() for key, path in ours.items()} == {
        key: path.read_bytes() for key, path in theirs.items()
    }


@pytest.fixture
def plan_of(tmp_path) -> Callable[[int], Plan]:
    """A plan for so many workers, of which nothing but that matters."""
    slide = Slide(tmp_path, gradient(9, 9), Access.REGIONS)
    spec = Spec(slide.path, slide.registry.location(str(tmp_path / "a")), format="raw", reader="streamed")
    return lambda workers: prepare(replace(spec, workers=workers), slide.registry).plan


@pytest.mark.parametrize("workers", [1, 4])
def test_threads_give_results_in_order_and_take_few_blocks_ahead(workers, plan_of):
    taken: list[int] = []

    def blocks() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    results = Threads().map(lambda plan, block: block, plan_of(workers), blocks())
    with closing(results):
        assert [next(results) for _ in range(10)] == list(range(10))
        assert len(taken) <= 10 + AHEAD * workers
    negated = Threads().map(lambda plan, block: -block, plan_of(workers), range(50))
    assert list(negated) == [-number for number in range(50)]


def test_threads_that_are_closed_begin_nothing_more(plan_of):
    done: list[int] = []

    def task(plan: Plan, block: int) -> int:
        time.sleep(0.01)
        done.append(block)
        return block

    results = Threads().map(task, plan_of(2), range(1000))
    next(results)
    results.close()
    before = len(done)
    time.sleep(0.05)
    assert len(done) == before <= 1 + 2 * AHEAD
    assert list(threads_of_ours()) == []


def test_the_executor_threads_has_a_name(tmp_path, registry):
    slide = svs(tmp_path / "a.svs", photo(600, 421))
    assert run(slide, tmp_path / "out", executor="threads", registry=registry).backend == "stream"
    with pytest.raises(OptionError, match=r"no executor named 'moon' \(have: threads\)"):
        run(slide, tmp_path / "out", executor="moon", registry=registry)
