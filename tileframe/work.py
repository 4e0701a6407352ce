"""Windowed work over a pool of threads, whose results come in order and which stops cleanly."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from typing import TypeVar

from tileframe.records import Plan

T = TypeVar("T")
R = TypeVar("R")

# Begun ahead of the one that is waited for, per worker.
AHEAD = 4


def in_order(
    work: Callable[[T], R], things: Iterable[T], *, workers: int, stop: threading.Event | None = None
) -> Generator[R, None, None]:
    """Yield ``work(thing)`` for each of ``things``, in their order, made by ``workers`` threads.

    What ``work`` raises is raised here. On that, or when it is closed, ``stop`` is set, nothing new is begun,
    and what is running is waited for. Iterate in a ``with closing(...)``: else, after an exception of the
    caller's own, the threads go on until the traceback is gone.
    """
    pool = ThreadPoolExecutor(workers, thread_name_prefix="tileframe")
    waiting: deque[Future[R]] = deque()
    try:
        for thing in things:
            waiting.append(pool.submit(work, thing))
            if len(waiting) >= AHEAD * workers:
                yield _result(waiting.popleft())
        while waiting:
            yield _result(waiting.popleft())
    except BaseException:
        if stop is not None:
            stop.set()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


class Threads:
    """The executor `threads`: in this process."""

    def map(self, task: Callable[[Plan, T], R], plan: Plan, blocks: Iterable[T]) -> Generator[R, None, None]:
        """Yield ``task(plan, block)`` for each of ``blocks``, in their order, by the plan's number of threads."""
        return in_order(partial(task, plan), blocks, workers=plan.live.workers, stop=getattr(task, "stop", None))


def _result(future: Future[R]) -> R:
    # In short waits: Windows lets no Ctrl-C through an endless one.
    while not wait([future], timeout=0.2).done:
        pass
    return future.result()
