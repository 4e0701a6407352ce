"""The proof before the time: the reference, the comparison with it, and backends that cheat."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import simplejpeg

from tests import benched
from tests.pictures import gradient, jpeg, photo, svs
from tests.pyramids import tiles
from tileframe import CheckError, Equality, Report, compare, open_pyramid, run
from tileframe_bench.judging import judge
from tileframe_bench.reference import make_reference
from tileframe_bench.text import table

PLUGINS = Path(__file__).parent / "plugins" / "cheating"
CHEATS = {
    "skips": ("did not run", "the tile is missing"),
    "blanks": ("not ranked", "the base: 9 of 12 tiles have other pixels"),
    "tampers": ("not ranked", "1 of 25 tiles are missing"),
}


@pytest.fixture(scope="module")
def slide(tmp_path_factory):
    return svs(tmp_path_factory.mktemp("slide") / "slide.svs", photo(1000, 700))


@pytest.fixture(scope="module")
def reference(slide):
    target = slide.parent / "right" / "pyramid.dzi"
    target.parent.mkdir()
    make_reference(slide, target, 256, 2)
    return target


def made_by(backend: str, slide: Path, folder: Path) -> Report:
    return run(slide, folder / "made" / "pyramid", backend=backend, tile_size=256, overlap=0)


@pytest.mark.parametrize(
    ("kind", "tile_size", "shape"),
    [
        ("jpg", 255, (1, 1)),
        ("svs", 255, (257, 513)),
        ("jpg", 64, (257, 513)),
        pytest.param("svs", 64, (1021, 769), marks=pytest.mark.thorough),
        ("jpg", 255, (1021, 769)),
        pytest.param("jpg", 64, (1021, 769), marks=pytest.mark.thorough),
    ],
)
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


def test_another_grid_or_no_descriptor_is_another_layout(reference, slide, tmp_path):
    other = Path(run(slide, tmp_path / "pyramid", tile_size=254, overlap=1).target)
    verdict = judge(reference, other, None)
    assert (verdict.strength, verdict.is_ranked) == (None, False)
    assert verdict.marks == ("the tile size is 256 and 254", "the overlap is 0 and 1")
    other.unlink()
    verdict = judge(reference, other, None)
    assert (verdict.is_ranked, verdict.marks) == (False, ("pyramid.dzi: no such file",))


@pytest.mark.parametrize("fault", ["missing", "cut", "extra", "smaller"])
def test_a_wrong_tile_is_found_and_named(reference, slide, tmp_path, fault):
    target = made_by("stream", slide, tmp_path).target
    right = judge(reference, Path(target), Equality.PIXELS)
    assert (right.strength, right.is_ranked, right.marks) == (Equality.PIXELS, True, ())
    assert right.identical == right.tiles == 25
    tile = tiles(target)["10/1_1.jpeg"].with_name("9_9.jpeg" if fault == "extra" else "1_1.jpeg")
    encoded = tiles(target)["10/1_1.jpeg"].read_bytes()
    small = simplejpeg.encode_jpeg(np.zeros((9, 9, 3), np.uint8))
    tile.write_bytes({"cut": encoded[:-40], "smaller": small}.get(fault, encoded))
    if fault == "missing":
        tile.unlink()
    wrong = judge(reference, Path(target), None)
    assert (wrong.strength, wrong.is_ranked) == (None, False)
    assert any(f"10/{tile.name}" in mark for mark in wrong.marks)


@pytest.mark.parametrize(
    ("backend", "is_ranked", "fault"),
    [
        ("modest", False, "the base: 9 of 12 tiles have other pixels"),
        ("coarse", False, "of another JPEG quality"),
        ("coarsebelow", False, "of another JPEG quality"),
        ("blankbelow", False, "below 20 dB on level"),
        ("boasts", False, "promised 'pixels'"),
        ("differs", True, "lower levels: "),
    ],
)
def test_less_than_the_reference_is_marked_and_ranked_only_where_no_more_was_promised(
    backend, is_ranked, fault, reference, slide, tmp_path, install
):
    install("cheating")
    report = made_by(backend, slide, tmp_path)
    verdict = judge(reference, Path(report.target), report.promises)
    assert verdict.is_ranked == is_ranked
    assert any(fault in mark for mark in verdict.marks)


@pytest.fixture(scope="module")
def ran(slide):
    """Cheats, and an honest one of the same package, as a user would run them."""
    command = [sys.executable, "-m", "tileframe", "bench", "slide.svs", "--rounds", "1", "--report", "found.json"]
    # Beside the quick one, all others are run once.
    command += [word for name in ("bare dzsave", "honest", *CHEATS) for word in ("--only", name)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(PLUGINS), os.environ.get("PYTHONPATH", "")])}
    return subprocess.run(command, cwd=slide.parent, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def found(ran, slide):
    return benched.read(slide.with_name("found.json").read_bytes())


def test_a_backend_of_another_package_is_ranked_and_its_version_kept(found):
    honest = found.trials[0].entry("honest")
    assert honest.is_ranked
    assert (honest.verdict.identical, honest.verdict.marks) == (found.trials[0].tiles, ())
    assert honest.method.endswith("all at once")
    assert found.versions["cheats"] == "0.1"


@pytest.mark.parametrize("cheat", CHEATS)
def test_a_cheat_is_not_ranked_and_named_with_its_fault_and_the_code_of_a_failed_check(cheat, found, ran):
    outcome, fault = CHEATS[cheat]
    assert [place for place, entry in found.trials[0].places if entry.name == cheat] == ["-"]
    lines = [line for line in table(found.trials[0]).splitlines() if line.startswith(f"  {cheat}") and fault in line]
    assert outcome in lines[0]
    assert ran.returncode == CheckError.exit_code
    last = ran.stderr.splitlines()[-1]
    assert cheat in last
    assert "honest" not in last
