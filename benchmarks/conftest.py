"""Let ``pytest --benchmark-only`` time things, although the project's options have ``--benchmark-disable``."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Enable what is asked for: pytest-benchmark, which is configured after this, refuses "only" with "disable"."""
    if config.getoption("benchmark_only", False):
        config.option.benchmark_enable = True
