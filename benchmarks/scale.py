"""How large the inputs of the suites are."""

from __future__ import annotations

import math
import os

import pytest

# A few tiles on each side, and a slide still has three native levels.
TINY = 0.035
TIMED = 0.2


def suite_scale(*, timed: bool) -> float:
    """Return what both sides of an input are multiplied by: TILEFRAME_BENCH_SCALE, or a tiny scale for plain tests."""
    if not timed:
        return TINY
    text = os.environ.get("TILEFRAME_BENCH_SCALE", f"{TIMED}")
    try:
        scale = float(text)
    except ValueError:
        scale = math.nan
    if not 0 < scale < math.inf:
        raise pytest.UsageError(f"TILEFRAME_BENCH_SCALE must be a number above 0, like {TIMED}, not '{text}'")
    return scale
