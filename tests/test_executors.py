"""Where blocks are made: the executor that docs/plugins.md shows, and the one of the core."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.pictures import damage_tile, photo, svs
from tests.pyramids import tiles
from tests.streamed import threads_of_ours
from tileframe import InputError, JobSpec, OptionError, run
from tileframe.parallel import AHEAD, Threads


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
    with pytest.raises(KeyboardInterrupt):
        run(slide, tmp_path / "out" / "a", executor="processes", registry=registry, progress=stop)
    assert not (tmp_path / "out").exists()
    assert multiprocessing.active_children() == []


def by_threads(workers: int, blocks, task):
    spec = JobSpec(Path("a.svs"), Path("a.dzi"), workers=workers)
    return Threads().map(task, spec, blocks)


@pytest.mark.parametrize("workers", [1, 4])
def test_threads_give_results_in_order_and_take_few_blocks_ahead(workers):
    taken: list[int] = []

    def blocks() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    results = by_threads(workers, blocks(), lambda spec, block: block)
    with closing(results):
        assert [next(results) for _ in range(10)] == list(range(10))
        assert len(taken) <= 10 + AHEAD * workers
    assert list(by_threads(workers, range(50), lambda spec, block: -block)) == [-number for number in range(50)]


def test_threads_that_are_closed_begin_nothing_more():
    done: list[int] = []

    def task(spec: JobSpec, block: int) -> int:
        time.sleep(0.01)
        done.append(block)
        return block

    results = by_threads(2, range(1000), task)
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
