"""`benchmarks/check_regression.py`: what it finds in two saved runs, and what it refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.check_regression import main

DZSAVE = "bare dzsave"
Times = Mapping[str, Sequence[float]]


def benchmarks(times: Times, group: str = "babel") -> list[dict[str, Any]]:
    """What pytest-benchmark saves of the least seconds of each turn, as far as it is used."""
    return [
        {
            "group": group,
            "extra_info": {"who": who, "turn": turn, "baseline": who == DZSAVE, "reference": who in (DZSAVE, "vips")},
            "stats": {"min": least, "mean": least},
        }
        for who, turns in times.items()
        for turn, least in enumerate(turns, 1)
    ]


@pytest.fixture
def check(tmp_path, capsys) -> Callable[..., tuple[int, str]]:
    """Save two runs and return the exit code and the output of the comparison."""

    def compare(old: Any, new: Any, *options: str) -> tuple[int, str]:
        for name, content in (("old", old), ("new", new)):
            text = content if isinstance(content, str) else json.dumps({"benchmarks": content})
            (tmp_path / f"{name}.json").write_text(text, encoding="utf-8")
        code = main([f"{tmp_path / 'old.json'}", f"{tmp_path / 'new.json'}", "--storage", f"{tmp_path}", *options])
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return compare


STEADY = {DZSAVE: (1, 1, 1)}


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        pytest.param(STEADY | {"stream": (0.5, 0.5, 0.5)}, STEADY | {"stream": (0.5, 0.5, 0.5)}, 0, id="same"),
        pytest.param(STEADY | {"stream": (0.5, 0.5, 0.5)}, STEADY | {"stream": (0.7, 0.7, 0.7)}, 1, id="slower"),
        pytest.param(STEADY | {"stream": (0.7, 0.7, 0.7)}, STEADY | {"stream": (0.5, 0.5, 0.5)}, 0, id="faster"),
        pytest.param(STEADY | {"stream": (1, 1, 1)}, STEADY | {"stream": (1.1, 1.1, 1.1)}, 0, id="in the tolerance"),
        pytest.param(STEADY | {"stream": (1, 1, 1.4)}, STEADY | {"stream": (1.3, 1.3, 1.3)}, 0, id="in the spread"),
        pytest.param(STEADY | {"stream": (1, 1)}, {DZSAVE: (2, 2), "stream": (2, 2)}, 0, id="slower machine"),
        pytest.param(STEADY | {"stream": (1, 1)}, {DZSAVE: (0.5, 0.5), "stream": (1, 1)}, 1, id="faster baseline"),
        pytest.param({DZSAVE: (1, 2), "stream": (1, 2)}, {DZSAVE: (3, 1), "stream": (3, 1)}, 0, id="turn by turn"),
        pytest.param({"vips": (1, 1), "stream": (1, 1)}, {"vips": (1, 1), "stream": (2, 2)}, 1, id="beside vips"),
        pytest.param(STEADY | {"stream": (1, 1), "vips": (1, 1)}, STEADY | {"vips": (1, 1)}, 0, id="gone"),
    ],
)
def test_what_is_slower_beside_its_reference_is_found(old, new, code, check):
    assert check(benchmarks(old), benchmarks(new))[0] == code


def test_the_ratios_are_said_with_their_spread(check):
    _, said = check(benchmarks(STEADY | {"stream": (0.5, 0.6)}), benchmarks(STEADY | {"stream": (0.8, 0.9)}))
    assert "worse   stream, babel: 0.55 (0.50 to 0.60) -> 0.85 (0.80 to 0.90) times bare dzsave" in said


def test_the_tolerance_can_be_larger(check):
    slower = benchmarks(STEADY | {"stream": (1.2, 1.2)})
    assert check(benchmarks(STEADY | {"stream": (1, 1)}), slower, "--tolerance", "0.25")[0] == 0


GOOD = benchmarks(STEADY | {"stream": (1, 1)})


@pytest.mark.parametrize(
    "content",
    ["seconds: 3", "[1, 2]", '{"benchmarks": [3]}', [], [*GOOD, *GOOD], benchmarks({"stream": (1, 1)}, "another")],
    ids=["no JSON", "a list", "a number", "empty", "twice", "another group"],
)
def test_what_cannot_be_compared_is_refused(content, check):
    code, said = check(content, GOOD)
    assert code == 2
    assert said.splitlines()[-1].startswith("check_regression: ")


def test_what_the_suites_save_is_understood(tmp_path):
    root, saved = Path(__file__).parents[1], tmp_path / "saved.json"
    # Without what this pytest says of itself: in a worker of xdist nothing would be timed.
    alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    suite = ["-m", "pytest", "benchmarks", "-k", "halve", "--benchmark-only", f"--benchmark-json={saved}"]
    environment = alone | {"TILEFRAME_BENCH_SCALE": "0.035"}
    subprocess.run([sys.executable, *suite], check=True, cwd=root, env=environment, capture_output=True)
    script = f"{root / 'benchmarks' / 'check_regression.py'}"
    ended = subprocess.run([sys.executable, script, saved, saved], capture_output=True, text=True, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("same    stream, halve svs")
