"""``--benchmark-ratios`` of the suites: what is compared between two saved runs is the ratio to the bare library."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pytest_benchmark.stats import Stats

from benchmarks.suite import to_ratios

DZSAVE = "bare dzsave"
SUITE = ["-m", "pytest", "benchmarks", "-k", "halve", "--benchmark-only", "--benchmark-ratios"]


def benchmarks(**times: tuple[float, ...]) -> list[Any]:
    """What pytest-benchmark has measured: the least seconds of each turn; ``bare`` is the bare library."""
    found = []
    for name, turns in times.items():
        for turn, least in enumerate(turns, 1):
            stats: Any = Stats()  # type: ignore[no-untyped-call]
            stats.data = [least, 2 * least]
            said = {"who": name, "turn": turn, "baseline": name != "stream" and name != "vips"}
            said["reference"] = name in ("bare", "vips")
            found.append(SimpleNamespace(group="babel", stats=stats, extra_info=said))
    return found


@pytest.mark.parametrize(
    ("times", "ratios"),
    [
        ({"stream": (1, 1, 3), "bare": (2, 2, 4)}, {"stream": [0.5, 0.5, 0.75]}),
        ({"stream": (1, 2), "bare": (2,)}, {"stream": [0.5]}),
        ({"stream": (1, 1), "vips": (2, 2)}, {"stream": [0.5, 0.5]}),
        ({"stream": (1, 1), "vips": (3, 3), "bare": (2, 2)}, {"stream": [0.5, 0.5], "vips": [1.5, 1.5]}),
        ({"stream": (1, 1), "bare": (2, 2), "loop": (9,)}, {"stream": [0.5, 0.5]}),
        ({"stream": (1, 1)}, {}),
    ],
    ids=[
        "turn by turn",
        "a turn of one alone",
        "beside vips",
        "bare comes first",
        "baselines left out",
        "no reference",
    ],
)
def test_everyone_is_divided_by_the_reference_of_the_same_turn(times, ratios):
    assert {one.extra_info["who"]: one.stats.data for one in to_ratios(benchmarks(**times))} == ratios


def timed(storage: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Time a small group with pytest-benchmark, in a process of its own."""
    # Without what this pytest says of itself: in a worker of xdist nothing would be timed.
    alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment = alone | {"TILEFRAME_BENCH_SCALE": "0.035"}
    command = [sys.executable, *SUITE, f"--benchmark-storage={storage}", *options]
    root = Path(__file__).parents[1]
    return subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, timeout=300)


def test_a_saved_run_is_compared_by_its_ratios(tmp_path):
    ended = timed(tmp_path, "--benchmark-save=before")
    assert ended.returncode == 0, ended.stdout
    (saved,) = tmp_path.rglob("0001_before.json")
    run = json.loads(saved.read_bytes())
    (halve,) = run["benchmarks"]
    assert halve["stats"]["rounds"] == 3

    halve["stats"]["median"] /= 100
    saved.write_text(json.dumps(run), encoding="utf-8")
    ended = timed(tmp_path, "--benchmark-compare=0001", "--benchmark-compare-fail=median:15%")
    assert ended.returncode != 0
    assert "Performance has regressed" in ended.stdout + ended.stderr
