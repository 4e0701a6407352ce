"""Threads that keep every promise, and what could be wrong with an executor."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from typing import Any, TypeVar

from tests.contracts.calling import breaker
from tileframe import ExecutorPlugin, InputError, OutputError, Plan
from tileframe.testing import ExecutorContract
from tileframe.work import Threads

B = TypeVar("B")
R = TypeVar("R")
Task = Callable[[Plan, B], R]


class GoodExecutor(ExecutorContract):
    plugin = ExecutorPlugin("good", "threads", Threads)


class AsTheyCome(Threads):
    def map(self, task: Task[B, R], plan: Plan, blocks: Iterable[B]) -> Generator[R, None, None]:
        with ThreadPoolExecutor(plan.live.workers) as pool:
            for future in as_completed([pool.submit(task, plan, block) for block in blocks]):
                yield future.result()


class AllAtOnce(Threads):
    def map(self, task: Task[B, R], plan: Plan, blocks: Iterable[B]) -> Generator[R, None, None]:
        yield from super().map(task, plan, list(blocks))


class Crowding(Threads):
    def map(self, task: Task[B, R], plan: Plan, blocks: Iterable[B]) -> Generator[R, None, None]:
        yield from super().map(task, replace(plan, execution=replace(plan.live, workers=8)), blocks)


class Detached(Threads):
    """Leaves behind a thread that goes on."""

    def map(self, task: Task[B, R], plan: Plan, blocks: Iterable[B]) -> Generator[R, None, None]:
        kept = list(blocks)

        def go_on() -> None:
            for block in islice(kept, 10, None):
                with suppress(InputError):
                    task(plan, block)

        threading.Thread(target=go_on, daemon=True).start()
        yield from super().map(task, plan, kept)


class Rewording(Threads):
    def map(self, task: Task[B, R], plan: Plan, blocks: Iterable[B]) -> Generator[R, None, None]:
        try:
            yield from super().map(task, plan, blocks)
        except InputError as error:
            raise OutputError("a worker failed") from error


class Swallowing(Threads):
    def map(self, task: Task[B, Any], plan: Plan, blocks: Iterable[B]) -> Generator[Any, None, None]:
        with suppress(InputError):
            yield from super().map(task, plan, blocks)


WRONG: dict[str, list[type[Threads]]] = {
    "test_results_come_in_the_order_of_the_blocks": [AsTheyCome],
    "test_a_few_blocks_are_taken_ahead_and_not_all": [AllAtOnce],
    "test_no_more_run_at_once_than_the_plan_has_workers": [Crowding],
    "test_what_a_task_raises_is_raised_and_nothing_runs_after_it": [Detached, Rewording, Swallowing],
    "test_nothing_runs_after_it_is_closed": [Detached],
}
GOOD = [GoodExecutor]
BREAKERS = [
    breaker(test, GoodExecutor, make.__name__, plugin=ExecutorPlugin("wrong", "threads", make))
    for test, makes in WRONG.items()
    for make in makes
]
