"""What `benchmarks/check_regression.py` finds in two saved runs, and what it refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.check_regression import main

GROUP = "babel 6000x4390, tiles of 256"
BASELINES = ("bare dzsave", "generator loop")
REFERENCES = ("bare dzsave", "vips")


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Save two runs, each a list of benchmarks, and return the exit code, stdout and stderr of the comparison."""

    def compare(old: list[Any], new: list[Any], *options: str) -> tuple[int, str, str]:
        for name, benchmarks in (("old", old), ("new", new)):
            (tmp_path / f"{name}.json").write_text(json.dumps({"benchmarks": benchmarks}), encoding="utf-8")
        code = main([f"{tmp_path / 'old.json'}", f"{tmp_path / 'new.json'}", *options])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return compare


def entry(
    who: str, least: Any, median: float | None = None, *, group: str = GROUP, turn: int = 1, rounds: int = 5
) -> dict[str, Any]:
    """A benchmark as pytest-benchmark saves it, less what the check has no use for."""
    said = {
        "who": who,
        "turn": turn,
        "kind": "baseline" if who in BASELINES else "tileframe",
        "reference": who in REFERENCES,
    }
    stats = {"min": least, "median": median or 1.02 * least, "rounds": rounds}
    return {"name": f"test[{who}-{turn}]", "group": group, "extra_info": said, "stats": stats}


def in_turns(who: str, *times: float) -> list[dict[str, Any]]:
    return [entry(who, least, turn=turn) for turn, least in enumerate(times, 1)]


def test_nothing_is_worse_in_the_same_run(check):
    run = [entry("stream", 0.5), entry("bare dzsave", 1.0)]
    assert check(run, run) == (0, "1 compared: 0 worse, 0 faster, 1 neither by more than 15% and the spread\n", "")


def test_a_slower_backend_is_found(check):
    old = [entry("stream", 0.5), entry("vips", 1.1), entry("bare dzsave", 1.0)]
    new = [entry("stream", 0.7), entry("vips", 1.1), entry("bare dzsave", 1.0)]
    code, out, _ = check(old, new)
    assert code == 1
    worse, count = out.splitlines()
    assert worse == f"worse: stream, {GROUP}: 0.500 (0.490 to 0.510) -> 0.700 (0.686 to 0.714) times bare dzsave"
    assert count.startswith("2 compared: 1 worse, 0 faster, 1 neither")


def test_a_faster_backend_is_said_and_no_error(check):
    old = [entry("stream", 0.7), entry("bare dzsave", 1.0)]
    new = [entry("stream", 0.5), entry("bare dzsave", 1.0)]
    code, out, _ = check(old, new)
    assert code == 0
    assert out.startswith(f"faster: stream, {GROUP}: 0.700")


def test_a_machine_half_as_fast_is_no_regression(check):
    old = [entry("stream", 0.5), entry("bare dzsave", 1.0)]
    new = [entry("stream", 1.0), entry("bare dzsave", 2.0)]
    assert check(old, new)[0] == 0


def test_the_same_time_is_worse_where_the_baseline_became_faster(check):
    old = [entry("stream", 0.5), entry("bare dzsave", 1.0)]
    new = [entry("stream", 0.5), entry("bare dzsave", 0.5)]
    assert check(old, new)[0] == 1


def test_a_rise_within_the_tolerance_is_none(check):
    old = [entry("stream", 1.0), entry("bare dzsave", 1.0)]
    new = [entry("stream", 1.2), entry("bare dzsave", 1.0)]
    assert check(old, new)[0] == 1
    assert check(old, new, "--tolerance", "0.25")[0] == 0


def test_a_rise_within_the_spread_of_the_rounds_is_none(check):
    old = [entry("stream", 1.0, 1.4), entry("bare dzsave", 1.0)]
    new = [entry("stream", 1.3, 1.5), entry("bare dzsave", 1.0)]
    assert check(old, new)[0] == 0


def test_the_spread_of_the_baselines_rounds_counts_too(check):
    old = [entry("stream", 1.0), entry("bare dzsave", 1.0)]
    new = [entry("stream", 1.3), entry("bare dzsave", 1.0, 1.3)]
    assert check(old, new)[0] == 0


def test_of_several_turns_each_is_compared_with_its_own_baseline(check):
    old = [*in_turns("stream", 0.5, 1.0, 0.5), *in_turns("bare dzsave", 1.0, 2.0, 1.0)]
    new = [*in_turns("stream", 0.7, 0.7, 1.4), *in_turns("bare dzsave", 1.0, 1.0, 2.0)]
    code, out, _ = check(old, new)
    assert code == 1
    assert "0.500 (0.500 to 0.500) -> 0.700 (0.700 to 0.700) times bare dzsave" in out


def test_a_rise_within_the_spread_of_the_turns_is_none(check):
    old = [*in_turns("stream", 0.5, 0.5, 0.7), *in_turns("bare dzsave", 1.0, 1.0, 1.0)]
    new = [*in_turns("stream", 0.8, 0.8, 0.6), *in_turns("bare dzsave", 1.0, 1.0, 1.0)]
    assert check(old, new)[0] == 0


def test_a_single_round_is_not_compared(check):
    old = [entry("stream", 0.5), entry("openslide", 1.0, rounds=1), entry("bare dzsave", 1.0)]
    new = [entry("stream", 0.5), entry("openslide", 9.0, rounds=1), entry("bare dzsave", 1.0)]
    code, out, _ = check(old, new)
    assert code == 0
    assert f"not compared: openslide, {GROUP}: a single round" in out


def test_without_the_baseline_the_others_are_compared_with_the_backend_vips(check):
    old = [entry("stream", 0.5), entry("vips", 1.0)]
    new = [entry("stream", 0.7), entry("vips", 1.0), entry("bare dzsave", 1.0)]
    code, out, _ = check(old, new)
    assert code == 1
    assert "times vips" in out
    assert f"not compared: vips, {GROUP}: the others are compared with it" in out


def test_whoever_has_nobody_to_be_compared_with_is_listed(check):
    run = [entry("stream", 0.5), entry("bare dzsave", 1.0), entry("alone", 1.0, group="halve")]
    code, out, _ = check(run, run)
    assert code == 0
    assert "not compared: alone, halve: nobody to compare it with is in both runs" in out


def test_another_baseline_is_not_judged(check):
    old = [entry("stream", 0.5), entry("bare dzsave", 1.0), entry("generator loop", 5.0)]
    new = [entry("stream", 0.5), entry("bare dzsave", 1.0), entry("generator loop", 9.0)]
    assert check(old, new)[0] == 0


def test_what_is_new_or_gone_is_said_and_no_error(check):
    both = [entry("stream", 0.5), entry("bare dzsave", 1.0)]
    old = [*both, entry("ancient", 1.0), entry("stream", 1.0, group="old group")]
    new = [*both, entry("young", 1.0), entry("stream", 1.0, group="new group")]
    code, out, _ = check(old, new)
    assert code == 0
    assert out.splitlines()[:4] == [
        f"gone: ancient, {GROUP}",
        "gone: the group old group (stream)",
        f"new: young, {GROUP}",
        "new: the group new group (stream)",
    ]


def refused(capsys: pytest.CaptureFixture[str], *arguments: Path | str) -> str:
    """What is said of ``arguments``, in its one line, when they are refused."""
    assert main([f"{argument}" for argument in arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    return line


def test_a_missing_file_is_refused(tmp_path, capsys):
    line = refused(capsys, tmp_path / "no.json", tmp_path / "no.json")
    assert line.startswith(
        f"check_regression: {tmp_path / 'no.json'}: cannot be read (No such file or directory); give"
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"seconds: 3", "is no JSON (Expecting value"),
        (b"\xff\xfe\x00", "is no JSON ("),
        (b"[1, 2]", "is JSON without a list 'benchmarks'"),
        (b'{"benchmarks": 3}', "is JSON without a list 'benchmarks'"),
        (b'{"benchmarks": [3]}', "its benchmark 0 is not pytest-benchmark's"),
        (
            b'{"benchmarks": [{"group": "a", "extra_info": {}}]}',
            "benchmark 0 is not pytest-benchmark's: has no 'stats'",
        ),
    ],
    ids=["no json", "no text", "a list", "no list", "a number", "no stats"],
)
def test_what_pytest_benchmark_has_not_written_is_refused(content, said, tmp_path, capsys):
    path = tmp_path / "strange.json"
    path.write_bytes(content)
    line = refused(capsys, path, path)
    assert f"{path}: {said}" in line or (f"{path}: its " in line and said in line)
    assert "--benchmark-json FILE` has written" in line


@pytest.mark.parametrize("least", [0, -1, float("nan"), float("inf"), "fast"])
def test_a_time_that_is_none_is_refused(least, check):
    run = [entry("stream", 1.0), entry("bare dzsave", least, 1.0)]
    code, _, err = check(run, run)
    assert code == 2
    assert "its benchmark 1 is not pytest-benchmark's" in err
    assert f"{least}" in err


def test_two_of_the_same_name_are_refused(check):
    code, _, err = check([entry("stream", 1.0), entry("stream", 2.0)], [entry("stream", 1.0)])
    assert code == 2
    assert f"it is the second 'stream' of turn 1 in the group '{GROUP}'" in err


def test_runs_without_a_group_in_common_are_refused(check):
    code, out, err = check([entry("stream", 1.0, group="small")], [entry("stream", 1.0, group="large")])
    assert (code, out) == (2, "")
    assert err == (
        "check_regression: no group is in both: 'small', ... and 'large', ...; "
        "take two runs of the same suites at the same scale\n"
    )


def test_runs_in_which_nothing_can_be_compared_are_refused(check):
    run = [entry("stream", 1.0)]
    code, out, err = check(run, run)
    assert (code, out) == (2, "")
    assert err.startswith(f"check_regression: nothing can be compared (not compared: stream, {GROUP}: nobody")


@pytest.mark.parametrize("tolerance", ["-0.1", "nan", "inf"])
def test_a_tolerance_that_is_no_share_is_refused(tolerance, capsys):
    line = refused(capsys, "a.json", "b.json", f"--tolerance={tolerance}")
    assert line == f"check_regression: --tolerance must be 0 or more, like 0.15, not {float(tolerance)}"


SUITE = """
import time
import pytest

@pytest.mark.parametrize("who", ["stream", "bare dzsave"])
def test_wait(benchmark, who):
    benchmark.group = "waiting"
    benchmark.extra_info.update(who=who, reference=who != "stream", kind="baseline" if who != "stream" else "tileframe")
    benchmark.pedantic(time.sleep, (0.002 if who == "stream" else 0.001,), rounds=5)
"""


def test_what_pytest_benchmark_saves_is_understood(tmp_path, capsys):
    (tmp_path / "test_wait.py").write_text(SUITE, encoding="utf-8")
    options = ["-q", "-p", "no:randomly", "--benchmark-json", "saved.json", "--rootdir", "."]
    # Without what this pytest says of itself: in a worker of xdist nothing would be timed.
    alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", *options, "test_wait.py"]
    subprocess.run(command, check=True, cwd=tmp_path, env=alone, timeout=120)
    saved = tmp_path / "saved.json"
    assert main([f"{saved}", f"{saved}"]) == 0
    assert capsys.readouterr().out.startswith("1 compared: 0 worse")

    run = json.loads(saved.read_bytes())
    for benchmark in run["benchmarks"]:
        if benchmark["extra_info"]["who"] == "stream":
            benchmark["stats"]["min"] *= 10
            benchmark["stats"]["median"] *= 10
    slower = tmp_path / "slower.json"
    slower.write_text(json.dumps(run), encoding="utf-8")
    assert main([f"{saved}", f"{slower}"]) == 1
    assert "worse: stream, waiting:" in capsys.readouterr().out


def test_it_runs_as_a_script(tmp_path):
    script = Path(__file__).parents[1] / "benchmarks" / "check_regression.py"
    ended = subprocess.run([sys.executable, script, "a.json", "b.json"], capture_output=True, text=True, cwd=tmp_path)
    assert ended.returncode == 2
    assert ended.stderr.startswith("check_regression: a.json: cannot be read")
