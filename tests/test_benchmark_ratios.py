"""The timed suite of `benchmarks`: what pytest-benchmark saves and compares are ratios to the bare library."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def timed(storage: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Time a small group with pytest-benchmark, in a process of its own."""
    # Without what this pytest says of itself: in a worker of xdist nothing would be timed.
    alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment = alone | {"TILEFRAME_BENCH_SCALE": "0.035"}
    command = [sys.executable, "-m", "pytest", "benchmarks/test_ratios.py", "-k", "halve", "--benchmark-enable"]
    command += [f"--benchmark-storage={storage}", *options]
    root = Path(__file__).parents[1]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=300)


@pytest.mark.thorough
def test_a_saved_run_is_compared_by_its_ratios(tmp_path):
    ended = timed(tmp_path, "--benchmark-save=before")
    assert ended.returncode == 0, ended.stdout
    (saved,) = tmp_path.rglob("0001_before.json")
    run = json.loads(saved.read_bytes())
    (halve,) = run["benchmarks"]
    assert halve["stats"]["median"] > 0.01, "a ratio: the seconds are far less"

    halve["stats"]["median"] /= 100
    saved.write_text(json.dumps(run), encoding="utf-8")
    ended = timed(tmp_path, "--benchmark-compare=0001", "--benchmark-compare-fail=median:15%")
    assert ended.returncode != 0
    assert "Performance has regressed" in ended.stdout + ended.stderr
