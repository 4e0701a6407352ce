"""How the suites take turns: A B C, A B C, A B C, for a machine changes while minutes pass.

Everyone of a group is a test of its own in each turn, so that its time stands beside those of the same minute.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import pytest

TURNS = 3
# Rounds in each turn: at least so many; and as many more, up to a limit, as take so many seconds.
LEAST_ROUNDS, MOST_ROUNDS = 2, 20
SECONDS = 0.7


def is_timed(config: pytest.Config) -> bool:
    """Say whether pytest-benchmark is to measure; else the suites run as plain tests."""
    return config.getoption("benchmark_enable", False) or not config.getoption("benchmark_disable", True)


def turns(config: pytest.Config) -> range:
    """Return the numbers of the turns; a plain test has a single one."""
    return range(1, TURNS + 1 if is_timed(config) else 2)


def timed_rounds(benchmark: Any, work: Callable[..., Any], setup: Callable[[], Any]) -> Any:
    """Time ``work``, with what ``setup`` returns for `benchmark.pedantic`, after one round to warm up.

    Return what its last round has returned.
    """
    if benchmark.disabled:
        return benchmark.pedantic(work, setup=setup)
    arguments, options = setup()
    started = time.perf_counter()
    work(*arguments, **options)
    seconds = time.perf_counter() - started
    rounds = min(MOST_ROUNDS, max(LEAST_ROUNDS, math.ceil(SECONDS / seconds)))
    return benchmark.pedantic(work, setup=setup, rounds=rounds)
