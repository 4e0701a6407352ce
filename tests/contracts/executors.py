"""Threads that keep every promise, and what could be wrong with an executor."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from tests.contracts.calling import breaker
from tileframe import ExecutorPlugin, InputError, OutputError
from tileframe.testing import ExecutorContract
from tileframe_stream.blocks import Remainder

Function = Callable[..., Any]


class GoodExecutor(ExecutorContract):
    plugin = ExecutorPlugin("good", "threads", ThreadPoolExecutor)


class Bare:
    """Has the methods, and is no executor."""

    def __init__(self, workers: int) -> None:
        self._pool = ThreadPoolExecutor(workers)

    def submit(self, function: Function, /, *arguments: Any) -> Future[Any]:
        return self._pool.submit(function, *arguments)

    def map(self, function: Function, *columns: Any, **options: Any) -> Iterator[Any]:
        return self._pool.map(function, *columns, **options)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._pool.shutdown(wait=wait, cancel_futures=cancel_futures)


class Foreign(ThreadPoolExecutor):
    """Gives futures of its own."""

    def submit(self, function: Function, /, *arguments: Any, **options: Any) -> Any:
        return [super().submit(function, *arguments)]


class Losing(ThreadPoolExecutor):
    """One of its results does not come back."""

    calls = 0

    def submit(self, function: Function, /, *arguments: Any, **options: Any) -> Future[Any]:
        self.calls += 1
        if self.calls == 2:
            return super().submit(lambda: function(*arguments) and None)
        return super().submit(function, *arguments, **options)


class Mixing(ThreadPoolExecutor):
    """Gives one result for two calls."""

    calls = 0
    kept: Future[Any]

    def submit(self, function: Function, /, *arguments: Any, **options: Any) -> Future[Any]:
        self.calls += 1
        if self.calls == 2:
            super().submit(function, *arguments, **options)
            return self.kept
        self.kept = super().submit(function, *arguments, **options)
        return self.kept


class Backwards(ThreadPoolExecutor):
    """Gives the last result first."""

    def map(self, fn: Function, *columns: Any, **options: Any) -> Iterator[Any]:
        return reversed(list(super().map(fn, *columns, **options)))


class Swallowing(ThreadPoolExecutor):
    def submit(self, function: Function, /, *arguments: Any, **options: Any) -> Future[Any]:
        def quietly() -> Any:
            try:
                return function(*arguments, **options)
            except InputError:
                return None

        return super().submit(quietly)


class Rewording(ThreadPoolExecutor):
    def submit(self, function: Function, /, *arguments: Any, **options: Any) -> Future[Any]:
        def in_other_words() -> Any:
            try:
                return function(*arguments, **options)
            except InputError as error:
                raise OutputError("a worker failed") from error

        return super().submit(in_other_words)


class Crowding(ThreadPoolExecutor):
    def __init__(self, workers: int) -> None:
        super().__init__(8)


class Stubborn(ThreadPoolExecutor):
    """Does all that it was given, wanted or not."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(wait=wait)


class Hasty(ThreadPoolExecutor):
    """Does not wait for what still runs."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(wait=False, cancel_futures=cancel_futures)


class Lingering(ThreadPoolExecutor):
    """Leaves a thread behind, for a while."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(wait=wait, cancel_futures=cancel_futures)
        threading.Thread(target=threading.Event().wait, args=(1.0,)).start()


class Blackening(ThreadPoolExecutor):
    """Keeps every promise but for pixels."""

    def submit(self, function: Function, /, *arguments: Any, **options: Any) -> Future[Any]:
        def blackened() -> Any:
            made = function(*arguments, **options)
            match made:
                case (mark, Remainder() as remainder):
                    return mark, replace(remainder, pixels=remainder.pixels * 0)
            return made

        return super().submit(blackened)


WRONG: dict[str, list[type[Any]]] = {
    "test_it_is_an_executor_of_the_standard_library": [Bare, Foreign],
    "test_every_call_gives_its_own_result": [Losing, Mixing, Backwards],
    "test_what_a_call_raises_is_raised_as_it_is": [Swallowing, Rewording],
    "test_no_more_calls_run_at_once_than_there_are_workers": [Crowding],
    "test_calls_that_have_not_begun_can_be_cancelled": [Stubborn],
    "test_its_shutdown_waits_for_all_calls_and_leaves_nothing": [Hasty, Lingering],
    "test_a_run_makes_the_same_tiles_as_threads_do": [Blackening],
}
GOOD = [GoodExecutor]
BREAKERS = [
    breaker(test, GoodExecutor, make.__name__, plugin=ExecutorPlugin("wrong", "threads", make))
    for test, makes in WRONG.items()
    for make in makes
]
