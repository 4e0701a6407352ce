"""The executor `processes`: the same tiles, errors that arrive as themselves, and processes that are really killed."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from tests.calls import half_an_answer, noise
from tests.pictures import damage_tile, photo, svs
from tests.pyramids import assembled, tiles
from tileframe import Box, InputError, Spec, WorkerError, compare, machine, open_pyramid, plan, run
from tileframe.selection import read_head
from tileframe.work import answer
from tileframe_executors.processes import ProcessEnded, Processes
from tileframe_executors.shared import SYSTEMS
from tileframe_stream import remote

posix = pytest.mark.skipif(sys.platform == "win32", reason="processes are killed by signals of POSIX")


@pytest.fixture(scope="module")
def lasting() -> Iterator[Processes]:
    """Two processes that live on from run to run, as those of a cluster do."""
    with Processes(2) as pool:
        yield pool


@pytest.fixture(scope="module")
def here(tmp_path_factory, registry) -> Path:
    """A slide of several blocks, and its pyramid as threads make it."""
    folder = tmp_path_factory.mktemp("here")
    run(svs(folder / "a.svs", photo(2300, 1100)), folder / "o.dzi", tile_size=128, overlap=2, registry=registry)
    return folder


def keys_and_bytes(target: str | Path) -> dict[str, bytes]:
    return {key: path.read_bytes() for key, path in tiles(str(target)).items()}


@pytest.mark.parametrize("name", ["o.dzi", pytest.param("o.zip", marks=pytest.mark.thorough), "o.szi"])
def test_every_store_gets_the_tiles_that_threads_make(name, here, lasting, tmp_path, registry):
    run(here / "a.svs", tmp_path / name, tile_size=128, overlap=2, executor=lasting, workers=2, registry=registry)
    with open_pyramid(here / "o.dzi") as ours, open_pyramid(tmp_path / name) as theirs:
        assert compare(ours, theirs).identical == ours.tile_count
        assert ours.manifest is not None
        assert theirs.manifest is not None
        assert theirs.manifest.tiles.digests_sha256 == ours.manifest.tiles.digests_sha256


def test_its_name_is_enough_and_the_report_counts_what_its_processes_use(here, tmp_path, registry):
    before = set(multiprocessing.active_children())
    ours = run(here / "a.svs", tmp_path / "ours", registry=registry)
    theirs = run(here / "a.svs", tmp_path / "theirs", executor="processes", workers=2, registry=registry)
    assert keys_and_bytes(ours.target) == keys_and_bytes(theirs.target)
    assert theirs.cpu_seconds > ours.cpu_seconds + 0.3  # two starts of Python with numpy, and all tiles
    assert theirs.peak_memory > machine.peak_memory() + 60_000_000
    assert set(multiprocessing.active_children()) <= before


def test_damage_is_said_as_threads_say_it(lasting, tmp_path, registry):
    slide = damage_tile(svs(tmp_path / "a.svs", photo(600, 421)), 1)
    said = []
    for executor in (None, lasting):
        with pytest.raises(InputError, match=r"tile 1, 0 of the base .* \(in the tiles a_files/") as caught:
            run(slide, tmp_path / "out" / "a", executor=executor, registry=registry)
        said.append(str(caught.value))
        assert not (tmp_path / "out").exists()
    assert said[0] == said[1]


def test_a_process_that_lives_on_reads_a_slide_that_was_replaced_anew(lasting, tmp_path, registry):
    for pixels in (photo(600, 421, seed=1), photo(600, 421, seed=2)):
        slide = svs(tmp_path / "a.svs", pixels, levels=(1,), lossless=True)
        how: dict[str, Any] = {"format": "png", "executor": lasting, "overwrite": True, "registry": registry}
        report = run(slide, tmp_path / "o", **how)
        assert np.array_equal(assembled(report.target, report.levels - 1), pixels)


def test_a_process_that_lives_on_writes_to_where_the_next_run_does(lasting, tmp_path, registry):
    slide = svs(tmp_path / "a.svs", photo(600, 421))
    one, two = (
        run(slide, tmp_path / name / "o", executor=lasting, registry=registry).target for name in ("one", "two")
    )
    assert keys_and_bytes(one) == keys_and_bytes(two)


def test_the_region_and_the_reader_are_those_of_the_plan(lasting, tmp_path, registry):
    slide = svs(tmp_path / "a.svs", photo(600, 421))
    how: dict[str, Any] = {"region": (7, 11, 400, 300), "reader": "openslide", "registry": registry}
    ours = run(slide, tmp_path / "ours", **how)
    theirs = run(slide, tmp_path / "theirs", executor=lasting, **how)
    assert keys_and_bytes(ours.target) == keys_and_bytes(theirs.target)


def test_what_a_call_raises_arrives_as_it_is_with_where_it_was_raised(lasting, tmp_path):
    with pytest.raises(InputError, match=r"missing: no such file$") as caught:
        lasting.submit(read_head, tmp_path / "missing").result()
    assert any("In a worker process:" in note and "read_head" in note for note in caught.value.__notes__)


def test_libraries_have_one_thread_each_in_a_worker(monkeypatch):
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VIPS_CONCURRENCY")
    for name in names:
        monkeypatch.delenv(name, raising=False)  # what the user has set stands
    with Processes(1) as pool:
        assert [pool.submit(os.getenv, name).result() for name in names] == ["1", "1", "1"]


def test_what_cannot_be_sent_there_or_back_is_an_error_and_holds_nobody_up(lasting):
    with pytest.raises((TypeError, AttributeError)):
        lasting.submit(lambda: None).result()
    with pytest.raises(TypeError, match="cannot pickle"):
        lasting.submit(threading.Lock).result()
    assert lasting.submit(divmod, 7, 3).result() == (2, 1)


def test_large_answers_come_back_whole_whatever_came_before():
    with Processes(1) as pool:
        for count in (10, 300_000, 300_000, 2_000_000, 100_000, 2_600_000, 65_536, 0):
            assert pool.submit(noise, count).result() == ("tileframe-worker", random.Random(count).randbytes(count))


def test_large_answers_come_through_memory_that_ends_with_the_pool():
    if not SYSTEMS.is_dir():
        pytest.skip("this system does not show shared memory as files")
    answer = random.Random(300_001).randbytes(300_001)

    def held(path: Path) -> bool:
        with suppress(OSError):  # other tests have theirs, and give it back
            return answer in path.read_bytes()
        return False

    with Processes(1) as pool:
        for _ in range(2):  # how large answers are is known from the first
            pool.submit(noise, 300_001).result()
        (memory,) = filter(held, SYSTEMS.glob("psm_*"))
    assert not memory.exists()


class Unsendable(Exception):
    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


def unsendable() -> None:
    raise Unsendable(1, 2)


def test_an_exception_that_cannot_be_sent_is_told_in_words():
    _, error = pickle.loads(answer(pickle.dumps((unsendable, (), {}))))
    assert (type(error), str(error)) == (RuntimeError, "Unsendable: 1 and 2")


def test_a_process_that_lives_on_closes_a_job_that_is_not_used_any_more(here, tmp_path, registry, monkeypatch):
    monkeypatch.setattr(remote, "UNUSED", 0.05)
    spec = Spec(here / "a.svs", registry.location(str(tmp_path / "a")))
    decided = plan(spec, registry)
    box = Box(0, 0, 9, 9)
    with remote.remote_job(decided) as (job, _):
        with remote.remote_job(decided) as (same, _):
            assert same.source is job.source
        time.sleep(0.1)
        assert job.source.read(box).shape == (9, 9, 3)  # one of two still uses it
    time.sleep(1)
    with pytest.raises(InputError):
        job.source.read(box)
    with remote.remote_job(decided) as (job, _):
        assert job.source.read(box).shape == (9, 9, 3)


@posix
def test_a_worker_that_is_killed_ends_the_run_with_one_error_and_leaves_nothing(here, tmp_path, registry):
    killed: list[int] = []
    others = set(multiprocessing.active_children())

    def kill(tiles: int, pixels: int) -> None:
        if not killed:
            killed.extend(one.pid or 0 for one in set(multiprocessing.active_children()) - others)
            for pid in killed:
                os.kill(pid, signal.SIGKILL)

    said = r"^a worker process of the executor 'processes' was killed \(SIGKILL\), perhaps for want of memory"
    how: dict[str, Any] = {"tile_size": 65, "executor": "processes", "workers": 1, "registry": registry}  # 3x2 blocks
    with pytest.raises(WorkerError, match=said):
        run(here / "a.svs", tmp_path / "out" / "a", format="png", progress=kill, keep=False, **how)
    assert killed
    assert not (tmp_path / "out").exists()
    assert not any(psutil.pid_exists(pid) for pid in killed)


@posix
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_call_whose_process_dies_fails_with_its_exit_code(number):
    with Processes(1) as pool:
        with pytest.raises(ProcessEnded) as caught:
            pool.submit(signal.raise_signal, number).result()
        assert caught.value.exitcode == -number


@posix
def test_a_process_that_dies_in_the_middle_of_its_result_holds_nobody_up(monkeypatch):
    monkeypatch.setattr("tileframe_executors.processes.serve", half_an_answer)
    with Processes(1) as pool, pytest.raises(ProcessEnded, match="exit code 3"):
        pool.submit(os.getpid).result(timeout=60)


def test_a_shutdown_that_cancels_kills_what_is_running():
    pool = Processes(1)
    pid = pool.submit(os.getpid).result()
    futures = [pool.submit(time.sleep, 60) for _ in range(3)]
    time.sleep(0.1)
    then = time.monotonic()
    pool.shutdown(cancel_futures=True)
    assert time.monotonic() - then < 5
    assert not psutil.pid_exists(pid)
    assert isinstance(futures[0].exception(), ProcessEnded)
    assert all(future.cancelled() for future in futures[1:])
    with pytest.raises(RuntimeError, match="after shutdown"):
        pool.submit(int)


def test_processes_are_begun_as_they_are_needed_and_end_with_the_pool():
    with Processes(8) as pool:
        pids = {pool.submit(os.getpid).result() for _ in range(3)}
        assert len(pids) < 3
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_the_processor_time_and_the_memory_of_children_are_counted_while_they_run_and_the_time_after():
    # In a process that has no other children: those of this one are browsers, too, which grow and end as they like.
    code = "from tests.calls import count_a_child; count_a_child()"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[1])
