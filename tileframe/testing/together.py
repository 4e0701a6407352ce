"""Call a function from many threads at once, which get into each other's way as often as can be."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from random import random
from threading import Barrier
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")
THREADS = 8
GIVE_WAY = 0.1
SECONDS = 120


def together(call: Callable[[T], R], things: Sequence[T]) -> list[R]:
    """Return ``call(thing)`` for each of ``things``, called by `THREADS` threads that begin together.

    What a call raises is an `AssertionError` here.
    """
    start, interval = Barrier(THREADS), sys.getswitchinterval()
    found: dict[int, R] = {}

    def work(first: int) -> None:
        start.wait(SECONDS)
        sys.setprofile(_give_way)
        try:
            for number in range(first, len(things), THREADS):
                found[number] = _called(call, things[number])
        finally:
            sys.setprofile(None)

    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(work, range(THREADS)))
    finally:
        sys.setswitchinterval(interval)
    return [found[number] for number in range(len(things))]


def _called(call: Callable[[T], R], thing: T) -> R:
    try:
        return call(thing)
    except AssertionError:
        raise
    except Exception as error:
        raise AssertionError(f"called by many threads at once, {thing} raised {error!r}") from error


def _give_way(frame: object, event: str, argument: object) -> None:
    """Let another thread go on here, now and then: between two calls of a library is where threads get mixed up."""
    if event in ("call", "c_call") and random() < GIVE_WAY:
        time.sleep(1e-6)
