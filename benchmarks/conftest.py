"""How pytest-benchmark shows what `test_ratios.py` measures."""

from __future__ import annotations


def pytest_benchmark_scale_unit(unit: str) -> tuple[str, float] | None:
    """Show ratios as they are; pytest-benchmark would choose a unit of time."""
    return ("", 1.0) if unit == "seconds" else None
