"""The table of what each format weighs and takes."""

from __future__ import annotations

import re
import sys

import pytest

from benchmarks import formats
from tileframe import CheckError


def test_every_format_has_its_weight_and_its_time(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TILEFRAME_WORKLOADS", str(tmp_path / "inputs"))
    monkeypatch.setattr(formats, "FORMATS", {way: formats.FORMATS[way] for way in ("JPEG 75", "PNG", formats.PASSED)})
    formats.main(["--scale", "0.05", "--rounds", "1", "--scratch", str(tmp_path)])
    heads, _, *rows = [line.strip("| ").split(" | ") for line in capsys.readouterr().out.splitlines()]
    assert heads == ["medians of 1 round", "JPEG 75", "PNG", "pass-through"]
    assert [row[0].split(", ")[0] for row in rows[::2]] == ["photograph", "section"]
    assert [row[-1] == formats.NONE for row in rows] == [True, True, False, False], (
        "a picture has no tiles to pass through"
    )
    for weights, seconds in zip(rows[::2], rows[1::2], strict=True):
        assert int(weights[1]) < int(weights[2])
        assert all(re.fullmatch(r"\d+\.\d+ s", cell) for cell in seconds[1:3])
    assert not list(tmp_path.glob("tileframe-bench-*"))


LOSES_A_TILE = """
import sys
from pathlib import Path
from tileframe.cli import run_command

code = run_command(sys.argv[1:])
if sys.argv[1] == "run":
    next(Path(sys.argv[-1]).parent.rglob("1_1.jpeg")).unlink()
sys.exit(code)
"""


def test_a_pyramid_that_is_not_whole_has_no_figures(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TILEFRAME_WORKLOADS", str(tmp_path / "inputs"))
    monkeypatch.setattr(formats, "TILEFRAME", (sys.executable, "-c", LOSES_A_TILE))
    with pytest.raises(CheckError, match=r"1_1\.jpeg"):
        formats.main(["--scale", "0.02", "--rounds", "1", "--scratch", str(tmp_path)])
    assert capsys.readouterr().out == ""
