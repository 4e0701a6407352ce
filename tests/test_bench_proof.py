"""The proof before the time: the reference, the comparison with it, and backends that cheat."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import simplejpeg

from tests.pictures import gradient, jpeg, photo, svs
from tests.pyramids import tiles
from tileframe import CheckError, Equality, compare, open_pyramid, run
from tileframe.serialize import from_json
from tileframe_bench.judging import judge
from tileframe_bench.records import SCHEMA, Bench
from tileframe_bench.reference import make_reference
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


@pytest.fixture
def slide(tmp_path):
    return svs(tmp_path / "slide.svs", photo(700, 500))


@pytest.fixture
def reference(slide, tmp_path):
    (tmp_path / "right").mkdir()
    make_reference(slide, tmp_path / "right" / "pyramid.dzi", 256, 2)
    return tmp_path / "right" / "pyramid.dzi"


@pytest.fixture
def made(slide, tmp_path):
    return Path(run(slide, tmp_path / "made" / "pyramid", tile_size=256, overlap=0).target)


@pytest.mark.parametrize("shape", [(1, 1), (257, 513), (1021, 769)], ids=str)
@pytest.mark.parametrize(("kind", "tile_size"), [("svs", 255), ("jpg", 64), ("jpg", 255)])
def test_the_reference_is_what_stream_and_vips_make(kind, shape, tile_size, tmp_path):
    pixels = gradient(shape[1], shape[0])
    slide = svs(tmp_path / "a.svs", pixels) if kind == "svs" else jpeg(tmp_path / "a.jpg", pixels)
    (tmp_path / "right").mkdir()
    pyramid = make_reference(slide, tmp_path / "right" / "a.dzi", tile_size, 2)
    right = open_pyramid(tmp_path / "right" / "a.dzi")
    assert right.pyramid == pyramid
    for backend in ("stream", "vips"):
        done = run(slide, tmp_path / backend, backend=backend, tile_size=tile_size, overlap=0)
        assert compare(right, open_pyramid(done.target)).strength is Equality.PIXELS


def test_a_right_pyramid_has_no_marks(reference, made):
    verdict = judge(reference, made, Equality.PIXELS)
    assert (verdict.strength, verdict.is_ranked, verdict.marks) == (Equality.PIXELS, True, ())
    assert verdict.identical == verdict.tiles == len(tiles(made))


def test_a_missing_descriptor_is_no_pyramid(reference, made):
    made.unlink()
    verdict = judge(reference, made, None)
    assert (verdict.is_ranked, verdict.marks) == (False, ("pyramid.dzi: no such file",))


def test_another_grid_is_another_layout(reference, slide, tmp_path):
    other = Path(run(slide, tmp_path / "other", tile_size=254, overlap=1).target)
    verdict = judge(reference, other, None)
    assert (verdict.strength, verdict.is_ranked) == (None, False)
    assert verdict.marks == ("the tile size is 256 and 254", "the overlap is 0 and 1")


@pytest.mark.parametrize("fault", ["missing", "cut", "extra", "smaller"])
def test_a_wrong_tile_is_found_and_named(reference, made, fault):
    tile = tiles(made)["10/1_1.jpeg"]
    encoded = tile.read_bytes()
    if fault == "missing":
        tile.unlink()
    elif fault == "extra":
        tile.with_name("9_9.jpeg").write_bytes(encoded)
    else:
        tile.write_bytes(encoded[:-40] if fault == "cut" else simplejpeg.encode_jpeg(np.zeros((9, 9, 3), np.uint8)))
    verdict = judge(reference, made, None)
    assert (verdict.strength, verdict.is_ranked) == (None, False)
    assert any(("9_9.jpeg" if fault == "extra" else "10/1_1.jpeg") in mark for mark in verdict.marks)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cheats")


@pytest.fixture(scope="module")
def ran(folder):
    """The cheats, and others of another package, as a user would run them."""
    svs(folder / "slide.svs", photo(1000, 700))
    shutil.copyfile(folder / "slide.svs", folder / "copy.svs")
    command = [sys.executable, "-m", "tileframe", "bench", "slide.svs", "--rounds", "1", "--report", "found.json"]
    # Beside the quick one, all others are run once.
    command += [word for name in ("bare dzsave", "honest", "links", "differs", *CHEATS) for word in ("--only", name)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(PLUGINS), os.environ.get("PYTHONPATH", "")])}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def found(ran, folder):
    return from_json(Bench, (folder / "found.json").read_bytes(), schema=SCHEMA)


@pytest.fixture
def trial(found):
    return found.trials[0]


def test_a_backend_of_another_package_is_ranked_and_its_version_kept(found, trial):
    honest = trial.entry("honest")
    assert honest.is_ranked
    assert (honest.verdict.identical, honest.verdict.marks) == (trial.tiles, ())
    assert honest.method.endswith("all at once")
    assert found.versions["cheats"] == "0.1"


def test_a_slide_that_a_backend_has_linked_to_is_left_alone(folder, trial):
    assert trial.entry("links").is_ranked
    assert (folder / "slide.svs").read_bytes() == (folder / "copy.svs").read_bytes()


@pytest.mark.parametrize("cheat", CHEATS)
def test_a_cheat_is_not_ranked_and_its_fault_is_in_the_table(trial, cheat):
    outcome, fault = CHEATS[cheat]
    assert not trial.entry(cheat).is_ranked
    assert [place for place, entry in trial.places if entry.name == cheat] == ["-"]
    lines = [line for line in table(trial).splitlines() if line.startswith(f"  {cheat}") and fault in line]
    assert outcome in lines[0]


def test_other_pixels_below_the_base_are_marked_and_ranked_where_no_more_was_promised(trial):
    differs = trial.entry("differs")
    assert differs.is_ranked
    assert differs.verdict.marks[0].startswith("lower levels: ")


def test_the_command_ends_with_the_code_of_a_failed_check_and_names_the_cheats(ran):
    assert ran.returncode == CheckError.exit_code
    last = ran.stderr.splitlines()[-1]
    assert all(cheat in last for cheat in CHEATS)
    assert "honest" not in last
