"""The contract of executors."""
# ruff: noqa: D102 - the name of a test says what it asserts

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from tileframe import ExecutorPlugin, InputError, Plan, Size
from tileframe.records import Execution
from tileframe.testing.cases import Case, Contract
from tileframe.testing.faults import made_plan
from tileframe.testing.measures import refusal
from tileframe.testing.slides import installed

WORKERS = 2
MOST_AHEAD = 100 * WORKERS
"""Blocks that may have been taken when the first result is there."""
FAILING = 5
PAUSE, QUIET = 0.02, 0.3
"""Seconds: what a block takes, and for how long nothing may happen afterwards."""
Block: TypeAlias = tuple[Path, int]


class ExecutorContract(Contract):
    """Asserts what an `Executor` promises. State ``plugin``."""

    plugin: ExecutorPlugin

    def test_results_come_in_the_order_of_the_blocks(self) -> None:
        executor, plan = self.plugin.make(), _plan()
        with closing(executor.map(_slower_at_first, plan, range(30))) as results:
            found = list(results)
        assert found == [f"{WORKERS}: {block}" for block in range(30)], f"the results are {found}"
        with closing(executor.map(_slower_at_first, plan, ())) as results:
            assert list(results) == [], "there are results without blocks"

    def test_a_few_blocks_are_taken_ahead_and_not_all(self) -> None:
        taken = 0

        def blocks() -> Iterator[int]:
            nonlocal taken
            for block in range(20 * MOST_AHEAD):
                taken += 1
                yield block

        with closing(self.plugin.make().map(_slower_at_first, _plan(), blocks())) as results:
            next(results)
            assert taken <= MOST_AHEAD, f"{taken} blocks were taken for the first result; a slide may have a million"

    def test_no_more_run_at_once_than_the_plan_has_workers(self) -> None:
        with closing(self.plugin.make().map(_timed, _plan(), range(20))) as results:
            spans = list(results)
        most = max(sum(start <= moment < end for start, end in spans) for moment, _ in spans)
        assert most <= WORKERS, f"{most} blocks were made at once, and the plan has {WORKERS} workers"

    def test_what_a_task_raises_is_raised_and_nothing_runs_after_it(self, tmp_path: Path) -> None:
        blocks = [(tmp_path, number) for number in range(200)]
        with closing(self.plugin.make().map(_failing, _plan(), blocks)) as results:
            error = refusal(InputError, f"block {FAILING}", lambda: list(results))
            assert str(error) == f"block {FAILING} cannot be read", f"the error is another one: {error!r}"
            _assert_quiet(tmp_path, "a block failed")

    def test_nothing_runs_after_it_is_closed(self, tmp_path: Path) -> None:
        blocks = [(tmp_path, number) for number in range(200)]
        with closing(self.plugin.make().map(_leaving, _plan(), blocks)) as results:
            next(results)
        _assert_quiet(tmp_path, "it was closed")


def _plan() -> Plan:
    plan = made_plan(Case(Size(1, 1)), installed().layout("dzi"), installed().writer("png").create().encoding)
    return replace(plan, execution=Execution("slide.made", WORKERS, None, overwrite=False))


def _slower_at_first(plan: Plan, block: int) -> str:
    time.sleep(PAUSE if block % 2 else 0)
    return f"{plan.live.workers}: {block}"


def _timed(plan: Plan, block: int) -> tuple[float, float]:
    start = time.monotonic()  # the same clock in every process
    time.sleep(PAUSE)
    return start, time.monotonic()


def _leaving(plan: Plan, block: Block) -> int:
    folder, number = block
    (folder / f"{number}").touch()
    time.sleep(PAUSE)
    (folder / f"{number}-done").touch()
    return number


def _failing(plan: Plan, block: Block) -> int:
    if block[1] == FAILING:
        raise InputError(f"block {FAILING} cannot be read")
    return _leaving(plan, block)


def _assert_quiet(folder: Path, since: str) -> None:
    before = len(list(folder.iterdir()))
    time.sleep(QUIET)
    after = len(list(folder.iterdir()))
    assert after == before, f"{since}, and blocks were made after that: {before} files became {after}"
