"""How the suites are timed: ``pytest --benchmark-only``, and ratios with ``--benchmark-ratios``."""

from __future__ import annotations

import warnings
from collections.abc import Generator

import pytest
from pytest_benchmark.logger import PytestBenchmarkWarning

from benchmarks.suite import is_timed, to_ratios


def pytest_addoption(parser: pytest.Parser) -> None:
    about = "Show, save and compare how many times as long as the bare library of the same turn everyone takes."
    parser.getgroup("benchmark").addoption("--benchmark-ratios", action="store_true", help=about)


def pytest_configure(config: pytest.Config) -> None:
    """Enable what is asked for: pytest-benchmark, which is configured after this, refuses "only" with "disable"."""
    if config.getoption("benchmark_only", False):
        config.option.benchmark_enable = True
    if is_timed(config):
        # Turns are turns only in their order.
        config.option.randomly_reorganize = False
        # A saved run of another machine, or none to compare with, is worth a word and not the end of everything.
        warnings.simplefilter("default", PytestBenchmarkWarning)


def pytest_benchmark_scale_unit(config: pytest.Config, unit: str) -> tuple[str, float] | None:
    """Show ratios as they are; pytest-benchmark would choose a unit of time."""
    return ("", 1.0) if config.getoption("benchmark_ratios") and unit == "seconds" else None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None]:
    """Turn times into ratios before pytest-benchmark, with a wrapper as well, saves and compares them."""
    if session.config.getoption("benchmark_ratios"):
        benchmarks = session.config._benchmarksession.benchmarks  # type: ignore[attr-defined]
        benchmarks[:] = to_ratios(benchmarks)
    yield
