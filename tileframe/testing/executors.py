"""The contract of executors."""
# ruff: noqa: D102 - the name of a test says what it asserts

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor, Future, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from tileframe import ExecutorPlugin, InputError, Location, NoOptions, Size, Spec
from tileframe.pipeline import execute
from tileframe.selection import read_head
from tileframe.testing.cases import Contract, gradient
from tileframe.testing.making import files_in
from tileframe.testing.measures import refusal
from tileframe.testing.slides import installed, registry_with

WORKERS = 2
CALLS = 40
LONG, SHORT, QUIET = 0.05, 0.01, 0.1
"""Seconds: what calls take, and for how long nothing may happen after the end."""
PATIENCE = 60.0
"""Seconds that all calls of a test may take, the start of processes or machines with them."""
SLIDE = Size(2600, 40)
"""Of two blocks, so that one may be made before the other."""


class ExecutorContract(Contract):
    """Asserts what an executor promises. State ``plugin``.

    The calls are functions of the standard library, which every process can import, and one whole run.
    """

    plugin: ExecutorPlugin

    def test_it_is_an_executor_of_the_standard_library(self) -> None:
        with self._pool() as pool:
            assert isinstance(pool, Executor), f"it is a {type(pool).__name__}, not a concurrent.futures.Executor"
            future = pool.submit(os.getpid)
            assert isinstance(future, Future), f"submit gives a {type(future).__name__}, not a Future"

    def test_every_call_gives_its_own_result(self) -> None:
        with self._pool() as pool:
            futures = [pool.submit(divmod, number, 7) for number in range(CALLS)]
            found = _results(futures)
            mapped = list(pool.map(divmod, range(CALLS), [7] * CALLS, timeout=PATIENCE))
        wanted = [divmod(number, 7) for number in range(CALLS)]
        wrong = [number for number in range(CALLS) if found[number] != wanted[number]]
        assert not wrong, f"the call {wrong[0]} gives {found[wrong[0]]}, not {wanted[wrong[0]]}"
        assert mapped == wanted, f"map() gives {mapped[:2]} and so on, not {wanted[:2]}: results come in order"

    def test_what_a_call_raises_is_raised_as_it_is(self, tmp_path: Path) -> None:
        missing = tmp_path / "missing.svs"
        with self._pool() as pool:
            future = pool.submit(read_head, missing)
            error = refusal(InputError, f"read_head of {missing}", lambda: future.result(timeout=PATIENCE))
        assert str(error) == f"{missing}: no such file", f"the error is another one: {error!r}"

    def test_no_more_calls_run_at_once_than_there_are_workers(self) -> None:
        with self._pool() as pool:
            began = time.monotonic()
            _results([pool.submit(time.sleep, LONG) for _ in range(10)])
            seconds = time.monotonic() - began
        least = 10 * LONG / WORKERS
        assert seconds >= least, f"10 calls of {LONG} s took {seconds:.2f} s; {WORKERS} workers take {least:.2f} s"

    def test_calls_that_have_not_begun_can_be_cancelled(self, tmp_path: Path) -> None:
        with self._pool() as pool:
            pool.submit(os.getpid).result(timeout=PATIENCE)
            futures = _slow_calls(pool, tmp_path)
            pool.shutdown(wait=True, cancel_futures=True)
        assert any(future.cancelled() for future in futures), "it was shut down, and no call was cancelled"
        time.sleep(QUIET)
        made = [number for number in range(CALLS // 2) if (tmp_path / f"{number}").exists()]
        wrong = [number for number in made if futures[2 * number + 1].cancelled()]
        assert not wrong, f"call {wrong[0]} was cancelled, and made all the same"

    def test_its_shutdown_waits_for_all_calls_and_leaves_nothing(self, tmp_path: Path) -> None:
        threads = set(threading.enumerate())
        with self._pool() as pool:
            places = _results([pool.submit(os.getpid) for _ in range(WORKERS)])
            futures = _slow_calls(pool, tmp_path)
            pool.shutdown(wait=True)
            unfinished = [future for future in futures if not future.done()]
            assert not unfinished, f"it was shut down, and {len(unfinished)} calls were not done"
            _assert_quiet(tmp_path)
        left = [place for place in places if place != os.getpid() and _is_a_child(place)]
        assert not left, f"it was shut down, and its process {left[0]} still runs"
        running = [one.name for one in threading.enumerate() if one not in threads and not one.daemon]
        assert not running, f"it was shut down, and its thread {running[0]} still runs"

    def test_a_run_makes_the_same_tiles_as_threads_do(self, tmp_path: Path) -> None:
        (tmp_path / "slide.png").write_bytes(installed().writer("png").create().encode(gradient(SLIDE)))
        made = []
        for executor in (None, self.plugin.name):
            folder = tmp_path / (executor or "in-threads")
            # A reader that gives any region: what is read row by row is not for an executor.
            spec = Spec(
                tmp_path / "slide.png",
                Location("file", str(folder), "made"),
                reader="imageslide",
                format="png",
                workers=WORKERS,
                executor=executor,
            )
            try:
                execute(spec, registry_with(self.plugin))
            except Exception as error:
                raise AssertionError(f"the run failed: {error!r}") from error
            made.append(files_in(folder))
        tiles = [{key: data for key, data in files.items() if key.startswith("made_files/")} for files in made]
        wrong = sorted(key for key in tiles[0].keys() | tiles[1].keys() if tiles[0].get(key) != tiles[1].get(key))
        assert not wrong, f"{len(wrong)} tiles are others than those that threads make: {wrong[:3]}"

    @contextmanager
    def _pool(self) -> Iterator[Executor]:
        options = self.plugin.resolved({}, "executor")
        pool = self.plugin.make(WORKERS, *([] if isinstance(options, NoOptions) else [options]))
        try:
            yield pool
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _results(futures: list[Future[Any]]) -> list[Any]:
    unfinished = wait(futures, timeout=PATIENCE).not_done
    assert not unfinished, f"{len(unfinished)} of {len(futures)} calls were not done within {PATIENCE:.0f} s"
    return [future.result() for future in futures]


def _slow_calls(pool: Executor, folder: Path) -> list[Future[Any]]:
    """Begin calls that take their time, between others that each leave a folder."""
    futures: list[Future[Any]] = []
    for number in range(CALLS // 2):
        futures += [pool.submit(time.sleep, SHORT), pool.submit(os.mkdir, folder / f"{number}")]
    return futures


def _assert_quiet(folder: Path) -> None:
    before = len(os.listdir(folder))
    time.sleep(QUIET)
    after = len(os.listdir(folder))
    assert after == before, f"it was shut down, and calls were made after that: {before} folders became {after}"


def _is_a_child(pid: int) -> bool:
    """Say whether a process that this one has started still runs."""
    try:
        process = psutil.Process(pid)
        return bool(process.ppid() == os.getpid() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
