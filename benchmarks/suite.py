"""What the two suites share: the scale of their inputs, their turns, and what they record of each benchmark.

A machine changes while minutes pass. So everyone of a group runs in three turns, A B C, A B C, A B C, each turn a
benchmark of its own, whose time is compared with those of the same turn.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from pytest_benchmark.stats import Stats

# A few tiles on each side, and a slide still has three native levels.
TINY = 0.035
TIMED = 0.2
TURNS = 3
# Rounds in each turn: as many as take so many seconds, within these limits.
MIN_ROUNDS, MAX_ROUNDS, SECONDS = 2, 20, 0.7


def is_timed(config: pytest.Config) -> bool:
    """Say whether pytest-benchmark is to measure; else the suites run as plain tests."""
    return config.getoption("benchmark_enable", False) or not config.getoption("benchmark_disable", True)


def turns(config: pytest.Config) -> range:
    """Return the numbers of the turns; a plain test has a single one."""
    return range(1, TURNS + 1 if is_timed(config) else 2)


def suite_scale(*, timed: bool) -> float:
    """Return what both sides of an input are multiplied by: TILEFRAME_BENCH_SCALE, or a tiny scale for plain tests."""
    return float(os.environ.get("TILEFRAME_BENCH_SCALE", TIMED)) if timed else TINY


def timed_rounds(benchmark: Any, work: Callable[..., Any], setup: Callable[[], Any]) -> Any:
    """Time ``work`` with the arguments that ``setup`` returns, after one round to warm up; return its last result."""
    if benchmark.disabled:
        return benchmark.pedantic(work, setup=setup)
    arguments, options = setup()
    started = time.perf_counter()
    work(*arguments, **options)
    rounds = math.ceil(SECONDS / (time.perf_counter() - started))
    return benchmark.pedantic(work, setup=setup, rounds=min(MAX_ROUNDS, max(MIN_ROUNDS, rounds)))


def describe(benchmark: Any, group: str, who: str, turn: int, *, baseline: bool, reference: bool) -> None:
    """Set the group and the ``extra_info`` that `to_ratios` reads.

    A ``baseline`` has nothing of tileframe in it. Times are divided by that of a ``reference`` of the group.
    """
    benchmark.group = group
    benchmark.extra_info.update(who=who, turn=turn, baseline=baseline, reference=reference)


def to_ratios(benchmarks: Sequence[Any]) -> list[Any]:
    """Return one benchmark for each of tileframe's in a group, whose rounds are ratios: one for each turn.

    The least time of a turn is divided by that of the group's reference in the same turn. The reference is the bare
    library, or else the backend that is marked as one. What has none is left out, as are baselines.
    """
    found: dict[tuple[str, str], dict[int, Any]] = {}
    for one in benchmarks:
        found.setdefault((one.group, one.extra_info["who"]), {})[one.extra_info["turn"]] = one
    said = {key: next(iter(turns.values())).extra_info for key, turns in found.items()}
    ratios = []
    for key, turns in found.items():
        others = [other for other in found if other[0] == key[0] and other != key and said[other]["reference"]]
        reference = max(others, key=lambda other: said[other]["baseline"], default=key)
        shared = [(one, found[reference][turn]) for turn, one in turns.items() if turn in found[reference]]
        if shared and reference != key and not said[key]["baseline"]:
            stats = Stats()  # type: ignore[no-untyped-call]
            stats.data = [one.stats.min / other.stats.min for one, other in shared]
            shared[0][0].stats = stats
            ratios.append(shared[0][0])
    return ratios
