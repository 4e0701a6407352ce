"""Let ``pytest --benchmark-only`` time things, although the project's options have ``--benchmark-disable``."""

from __future__ import annotations

import warnings

import pytest
from pytest_benchmark.logger import PytestBenchmarkWarning

from benchmarks.suite import is_timed


def pytest_configure(config: pytest.Config) -> None:
    """Enable what is asked for: pytest-benchmark, which is configured after this, refuses "only" with "disable"."""
    if config.getoption("benchmark_only", False):
        config.option.benchmark_enable = True
    if is_timed(config):
        # Turns are turns only in their order.
        config.option.randomly_reorganize = False
        # A saved run of another machine, or none to compare with, is worth a word and not the end of everything.
        warnings.simplefilter("default", PytestBenchmarkWarning)
