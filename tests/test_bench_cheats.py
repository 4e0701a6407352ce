"""A stranger's backend takes part like any other; one that cheats is found out, and its time is not compared."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pictures import photo, svs
from tileframe import CheckError
from tileframe_bench.records import Bench, Entry, Trial
from tileframe_bench.saving import from_json
from tileframe_bench.table import table

PLUGINS = Path(__file__).parent / "plugins" / "cheating"
CHEATS = {
    "skips": ("did not run", "the tile is missing"),
    "shrinks": ("did not run", "the tile is "),
    "blanks": ("not ranked", "the base: 9 of 12 tiles have other pixels"),
    "modest": ("not ranked", "the base: 9 of 12 tiles have other pixels"),
    "coarse": ("not ranked", "of another JPEG quality"),
    "coarsebelow": ("not ranked", "of another JPEG quality"),
    "blankbelow": ("not ranked", "below 20 dB on level"),
    "tampers": ("not ranked", "1 of 25 tiles are missing"),
    "boasts": ("not ranked", "promised 'pixels'"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cheats")


@pytest.fixture(scope="module")
def ran(folder):
    """All of them on a small slide, as a user would run them."""
    svs(folder / "slide.svs", photo(1000, 700))
    shutil.copyfile(folder / "slide.svs", folder / "copy.svs")
    command = [sys.executable, "-m", "tileframe", "bench", "slide.svs", "--rounds", "1", "--report", "found.json"]
    command += ["--scratch", "."]
    for name in ("stream", "honest", "links", "differs", *CHEATS):
        command += ["--only", name]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(PLUGINS), os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert not list(folder.glob("tileframe-bench-*"))
    return done, from_json((folder / "found.json").read_text(encoding="utf-8"))


@pytest.fixture
def found(ran) -> Bench:
    return ran[1]


@pytest.fixture
def trial(found) -> Trial:
    (trial,) = found.trials
    return trial


def entry(trial: Trial, name: str) -> Entry:
    entry = trial.entry(name)
    assert entry is not None
    return entry


def test_a_strangers_backend_is_measured_and_ranked(trial):
    honest = entry(trial, "honest")
    assert honest.is_ranked
    assert honest.verdict is not None
    assert (honest.verdict.identical, honest.verdict.marks) == (trial.tiles, ())
    assert honest.way.endswith("all at once")
    assert "honest" in [one.name for _, one in trial.ranking()]


def test_a_slide_that_a_backend_has_linked_to_is_left_alone(folder, trial):
    assert entry(trial, "links").is_ranked
    assert (folder / "slide.svs").read_bytes() == (folder / "copy.svs").read_bytes()


def test_its_package_is_among_the_versions(found):
    assert found.versions["cheats"] == "0.1"


@pytest.mark.parametrize("cheat", CHEATS)
def test_a_cheat_is_not_ranked(trial, cheat):
    assert not entry(trial, cheat).is_ranked
    assert cheat not in [one.name for _, one in trial.ranking()]


@pytest.mark.parametrize("cheat", CHEATS)
def test_the_table_says_what_the_cheat_did(trial, cheat):
    how, what = CHEATS[cheat]
    (line, *_) = [line for line in table(trial).splitlines() if line.startswith(f"  {cheat}") and what in line]
    assert how in line


def test_other_pixels_below_the_base_are_marked_and_ranked_where_no_more_was_promised(trial):
    differs = entry(trial, "differs")
    assert differs.is_ranked
    assert differs.verdict is not None
    (mark,) = differs.verdict.marks
    assert mark.startswith("lower levels: ")


def test_the_command_ends_with_the_code_of_a_failed_check_and_names_them(ran):
    done, _ = ran
    assert done.returncode == CheckError.exit_code
    last = done.stderr.splitlines()[-1]
    assert all(cheat in last for cheat in CHEATS)
    assert "honest" not in last


def test_what_is_written_is_json_with_every_look_at_a_run(found):
    assert json.loads(json.dumps(found.options))["overlap"] == "0"
    runs = [run for one in found.trials[0].entries for run in one.runs]
    assert runs
    for run in runs:
        assert run.samples
        assert [sample.seconds for sample in run.samples] == sorted(sample.seconds for sample in run.samples)
        assert all(0 <= core <= 1 for sample in run.samples for core in sample.cores)
