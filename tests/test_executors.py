"""Who does the work of a run: any executor of the standard library, honoured or refused, and looked at."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from tests.contracts.calling import failures, methods_of
from tests.contracts.executors import BREAKERS, Foreign, GoodExecutor, Losing, Mixing, Swallowing
from tests.pictures import damage_tile, gradient, jpeg, photo, png, svs
from tests.plugins.objects import Offers
from tests.pyramids import assembled, tiles
from tests.streamed import Slide, threads_of_ours
from tileframe import (
    Access,
    ExecutorPlugin,
    InputError,
    OptionError,
    Plan,
    PluginError,
    Size,
    Spec,
    TileframeError,
    WorkerError,
    option,
    plan,
    run,
)
from tileframe.executors import broken
from tileframe.registry import load
from tileframe.testing import gradient as picture
from tileframe.work import AHEAD, in_order, threads
from tileframe_start.command import run_command

SEVERAL_BLOCKS = picture(Size(4100, 300))


@pytest.mark.parametrize("workers", [1, 4])
def test_results_come_in_order_and_few_are_begun_ahead(workers):
    taken: list[int] = []

    def things() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    with closing(in_order(lambda number: -number, things(), workers=workers)) as results:
        assert [next(results) for _ in range(10)] == [-number for number in range(10)]
        assert len(taken) <= 10 + AHEAD * workers
    assert list(in_order(lambda number: -number, range(50), workers=workers)) == [-number for number in range(50)]


@pytest.mark.parametrize("pool", [None, threads], ids=["own", "given"])
def test_work_that_is_closed_begins_nothing_more(pool):
    done: list[int] = []

    def work(number: int) -> None:
        time.sleep(0.01)
        done.append(number)

    stop = threading.Event()
    results = in_order(work, range(1000), workers=2, stop=stop, pool=pool and pool(2))
    next(results)
    results.close()
    before = len(done)
    assert stop.is_set()
    time.sleep(0.05)
    assert len(done) == before <= 1 + 2 * AHEAD
    assert list(threads_of_ours()) == []


def lent(tmp_path, pool: Any, **options: Any) -> Any:
    """A run of several blocks by ``pool``."""
    slide = Slide(tmp_path, SEVERAL_BLOCKS, Access.REGIONS)
    return slide.run("out", executor=pool, **options)


def test_an_executor_of_the_callers_makes_the_same_tiles_and_lives_on(tmp_path):
    slide = Slide(tmp_path, SEVERAL_BLOCKS, Access.REGIONS)
    with ThreadPoolExecutor(2) as pool:
        theirs = slide.run("theirs", executor=pool)
        assert pool.submit(int).result() == 0
    ours = slide.run("ours")
    assert {key: path.read_bytes() for key, path in tiles(ours.target).items()} == {
        key: path.read_bytes() for key, path in tiles(theirs.target).items()
    }


def test_an_executor_of_the_callers_is_given_nothing_more_after_an_error(tmp_path):
    def stop(tiles: int, pixels: int) -> None:
        raise KeyboardInterrupt

    with ThreadPoolExecutor(2) as pool:
        with pytest.raises(KeyboardInterrupt):
            lent(tmp_path, pool, progress=stop)
        assert pool.submit(int).result() == 0
    assert not (tmp_path / "out").exists()


class Backwards(ThreadPoolExecutor):
    """Gives the results of two calls each to the other."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        given: Future[Any] = Future()
        self.waiting = [*getattr(self, "waiting", []), (given, function, arguments)]
        if len(self.waiting) == 2:
            for (future, _, _), (_, work, its) in zip(self.waiting, reversed(self.waiting), strict=True):
                future.set_result(work(*its))
            self.waiting = []
        return given


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (Backwards, "gave the result of another call than the one that was asked for"),
        (Mixing, "gave the result of another call than the one that was asked for"),
        (Losing, "gave a NoneType that is no result of the call"),
        (Foreign, "gives a list for a call, not a concurrent.futures.Future"),
    ],
)
def test_a_result_that_is_not_its_calls_makes_no_pyramid(wrong, says, tmp_path):
    with wrong(2) as pool, pytest.raises(PluginError, match=f"^the executor '{wrong.__name__}' {says}$"):
        lent(tmp_path, pool, tile_size=64)  # of four blocks
    assert not (tmp_path / "out").exists()


def test_an_error_that_an_executor_swallows_makes_no_pyramid(tmp_path):
    def fault(number: int) -> None:
        raise InputError("damaged")

    slide = Slide(tmp_path, SEVERAL_BLOCKS, Access.REGIONS, fault=fault)
    with Swallowing(2) as pool, pytest.raises(PluginError, match="'Swallowing' gave a NoneType"):
        slide.run("out", executor=pool)


class Cancelling(ThreadPoolExecutor):
    def submit(self, function: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.cancel()
        future.set_running_or_notify_cancel()
        return future


def test_a_call_that_an_executor_cancels_makes_no_pyramid(tmp_path):
    with Cancelling(2) as pool, pytest.raises(PluginError, match="'Cancelling' cancelled a call"):
        lent(tmp_path, pool)


def offering(make: Callable[[int], Any]) -> Any:
    return load([Offers(executors=[ExecutorPlugin("mine", "in tests", make)])])


def test_a_plugin_that_makes_no_executor_is_named(tmp_path):
    slide = svs(tmp_path / "a.svs", photo(300, 200))
    with pytest.raises(PluginError, match=r"^the executor 'mine' is broken: make returns '[0-9]+', which has no"):
        run(slide, tmp_path / "out", executor="mine", registry=offering(str))


def test_an_executor_is_made_for_the_workers_of_its_run_and_shut_down(tmp_path):
    made: list[tuple[int, ThreadPoolExecutor]] = []

    def make(workers: int) -> ThreadPoolExecutor:
        made.append((workers, ThreadPoolExecutor(workers)))
        return made[-1][1]

    slide = svs(tmp_path / "a.svs", photo(300, 200))
    run(slide, tmp_path / "out", executor="mine", workers=3, registry=offering(make))
    ((workers, pool),) = made
    assert workers == 3
    with pytest.raises(RuntimeError, match="after shutdown"):
        pool.submit(int)


@dataclass(frozen=True)
class Chosen:
    size: int = option(1, help="How many.", low=1)


def test_an_executor_is_given_its_options_which_stand_in_the_plan_and_in_no_manifest(tmp_path):
    plans: list[Plan] = []
    made: list[tuple[int, Chosen]] = []

    def make(workers: int, options: Chosen) -> ThreadPoolExecutor:
        made.append((workers, options))
        return ThreadPoolExecutor(workers)

    offered = load([Offers(executors=[ExecutorPlugin("mine", "in tests", make, options=Chosen)])])
    slide = svs(tmp_path / "a.svs", photo(300, 200))
    how: dict[str, Any] = {"executor": "mine", "workers": 2, "registry": offered}
    run(slide, tmp_path / "b", **how)
    run(slide, tmp_path / "a", **how, executor_options={"size": "7"}, on_plan=plans.append)
    assert made == [(2, Chosen()), (2, Chosen(7))]
    assert plans[0].live.executor_options == {"size": 7}
    assert 'size": 7' not in (tmp_path / "a.tileframe.json").read_text()
    with pytest.raises(OptionError, match=r"^size of the executor mine must be 1 or more, not 0$"):
        run(slide, tmp_path / "c", **how, executor_options={"size": 0})
    with pytest.raises(OptionError, match=r"^the executor threads has no option 'size' \(name one that has"):
        run(slide, tmp_path / "c", executor_options={"size": 7}, registry=offered)


def test_a_pool_that_grows_is_given_more():
    class Growing(ThreadPoolExecutor):
        workers = 1

    taken: list[int] = []

    def things() -> Iterator[int]:
        for number in range(99):
            taken.append(number)
            yield number

    with Growing(1) as pool, closing(in_order(abs, things(), workers=1, pool=pool)) as made:
        next(made)
        assert len(taken) == AHEAD
        pool.workers = 3
        next(made)
        assert len(taken) == 1 + 3 * AHEAD  # less the one that was taken out


def test_a_plan_names_the_executor_and_makes_none(tmp_path, registry):
    slide = svs(tmp_path / "a.svs", photo(300, 200))
    spec = Spec(slide, registry.location(str(tmp_path / "out")))

    def recorded(executor: Any) -> str:
        return plan(replace(spec, executor=executor), offering(lambda workers: 1 / 0)).live.executor

    with ThreadPoolExecutor(1) as pool:
        assert [recorded(executor) for executor in (None, "threads", "mine", pool)] == [
            "threads", "threads", "mine", "ThreadPoolExecutor",
        ]  # fmt: skip


def test_an_unknown_executor_is_refused_with_those_there_are(tmp_path, registry):
    slide = svs(tmp_path / "a.svs", photo(300, 200))
    with pytest.raises(OptionError, match=r"no executor named 'moon' \(have: dask, processes, threads\)"):
        run(slide, tmp_path / "out", executor="moon", registry=registry)


@pytest.mark.parametrize("backend", ["openslide", "vips"])
def test_a_backend_that_does_not_work_by_executors_is_refused(backend, tmp_path, capsys):
    slide = svs(tmp_path / "a.svs", photo(300, 200))
    command = ["run", str(slide), "-o", str(tmp_path / "out"), "--backend", backend]
    assert run_command([*command, "--executor", "processes"]) == 2
    said = f"tileframe: the backend {backend} does not work by the executor processes (those that do: stream)\n"
    assert capsys.readouterr().err == said
    assert run_command([*command, "--executor", "threads", "--quiet"]) == 0


def test_a_slide_that_is_read_row_by_row_is_refused_with_the_reasons_of_all(tmp_path, capsys):
    slide = jpeg(tmp_path / "a.jpg", photo(300, 200))
    command = ["run", str(slide), "--reader", "vips", "-o", str(tmp_path / "out"), "--executor", "processes"]
    assert run_command(command) == 2
    (said,) = capsys.readouterr().err.splitlines()
    rows = "a slide that is read row by row is read by this process alone, not by the executor processes"
    assert f"backend stream with reader vips: {rows}; " in said
    assert "backend vips with reader vips: it works in threads of this process alone" in said
    assert not (tmp_path / "out.dzi").exists()


def test_auto_takes_a_backend_and_a_reader_that_honour_the_executor(tmp_path, registry):
    slide = png(tmp_path / "a.png", gradient(300, 200))
    with ThreadPoolExecutor(2) as pool:
        report = run(slide, tmp_path / "out", executor=pool, format="png", registry=registry)
    assert (report.backend, report.reader) == ("stream", "imageslide")
    assert any("row by row" in reason for reason in report.passed_over)
    assert np.array_equal(assembled(report.target, report.levels - 1), gradient(300, 200))


@pytest.mark.parametrize("executor", [None, "threads"])
def test_damage_is_said_with_the_tile(executor, tmp_path, registry):
    slide = damage_tile(svs(tmp_path / "a.svs", photo(600, 421)), 1)
    with pytest.raises(InputError, match=r"tile 1, 0 of the base .* \(in the tiles a_files/10/0_0.jpeg to "):
        run(slide, tmp_path / "a", executor=executor, registry=registry)


class Ended(BrokenExecutor):
    def __init__(self, exitcode: int) -> None:
        super().__init__("ended")
        self.exitcode = exitcode


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (Ended(-9), WorkerError, "of the executor 'far' was killed (SIGKILL), perhaps for want of memory"),
        (Ended(-15), WorkerError, "was killed (SIGTERM)"),
        (Ended(-11), InputError, "a.svs: a worker process crashed while it worked on it (SIGSEGV)"),
        (Ended(-6), InputError, "(SIGABRT)"),
        (Ended(0xC0000005), InputError, "a.svs: a worker process crashed while it worked on it (0xc0000005)"),
        (Ended(-99), WorkerError, "was killed (signal 99)"),
        (Ended(1), WorkerError, "ended with exit code 1; what it wrote is above"),
        (BrokenExecutor("gone"), WorkerError, "the executor 'far' broke: gone"),
        (BrokenExecutor(), WorkerError, "the executor 'far' broke: BrokenExecutor"),
    ],
)
def test_what_became_of_a_worker_decides_the_exit_code(error, kind, says):
    found: TileframeError = broken(error, "far", "a.svs")
    assert type(found) is kind
    assert found.exit_code == (3 if kind is InputError else 1)
    assert says in str(found)


@pytest.mark.parametrize("wrong", [one for one in BREAKERS if str(one) not in ("Blackening", "Foreign")], ids=str)
def test_an_executor_that_breaks_one_promise_fails_the_test_meant_for_it_alone(wrong, tmp_path):
    failed = set()
    # No run comes to its end by what gives wrong results, and by what is no executor nothing does.
    for test in set(methods_of(GoodExecutor)) - {"test_a_run_makes_the_same_tiles_as_threads_do"}:
        (tmp_path / test).mkdir()
        if list(failures(wrong.contract, test, tmp_path / test)):
            failed.add(test)
    assert failed == {wrong.test}
