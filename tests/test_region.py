"""`--region X,Y,W,H` from the command line to the manifest, with every engine."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.pictures import gradient, jpeg, photo, png, svs
from tests.pyramids import assembled
from tileframe import Box, Equality, OptionError, compare, open_pyramid, run, verify
from tileframe_start.command import run_command

ENGINES = ["stream", "vips", "openslide"]
REGION = (101, 57, 399, 333)


@pytest.mark.parametrize(
    ("engine", "reader"),
    [
        ("stream", "imageslide"),
        ("stream", "vips"),
        ("vips", "imageslide"),
        ("vips", "vips"),
        ("openslide", "imageslide"),
    ],
)
def test_a_region_is_that_part_of_the_whole(tmp_path, registry, engine, reader):
    slide, pixels = png(tmp_path / "a.png", gradient(600, 421)), gradient(600, 421)
    done = run(slide, tmp_path / "a", region=REGION, backend=engine, reader=reader, format="png", registry=registry)
    x, y, width, height = REGION
    assert np.array_equal(assembled(Path(done.target), done.levels - 1), pixels[y : y + height, x : x + width])


@pytest.mark.parametrize("make", [jpeg, svs])
def test_every_engine_makes_the_same_of_a_region(tmp_path, registry, make):
    slide = make(tmp_path / f"slide.{make.__name__}", photo(700, 500))
    promised = []
    for engine in ENGINES:
        done = run(slide, tmp_path / engine, region=REGION, backend=engine, registry=registry)
        assert verify(done.target, against=slide, registry=registry) == []
        promised.append(done.promises)
    found = []
    with open_pyramid(tmp_path / "stream", registry=registry) as ours:
        for engine in ENGINES:
            with open_pyramid(tmp_path / engine, registry=registry) as theirs:
                found.append(compare(ours, theirs).strength)
    assert found == promised
    assert promised[:2] == [Equality.PIXELS, Equality.PIXELS]


def test_a_region_from_the_command_line_stands_in_the_plan_the_manifest_and_the_information(tmp_path, capsys):
    slide = png(tmp_path / "a.png", gradient(300, 200))
    words = ["run", str(slide), "-o", str(tmp_path / "a"), "--region", "10,20,100,90"]
    assert run_command([*words, "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["plan"]["region"] == {"x": 10, "y": 20, "width": 100, "height": 90}
    assert run_command([*words, "--quiet"]) == 0
    plan = json.loads((tmp_path / "a.tileframe.json").read_text())["plan"]
    assert plan["region"] == {"x": 10, "y": 20, "width": 100, "height": 90}
    assert plan["notes"] == ["cropped to the region that was asked for, 100x90 at (10, 20) of 300x200"]
    capsys.readouterr()
    assert run_command(["info", str(tmp_path / "a.dzi")]) == 0
    assert "100x90 at (10, 20)" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["a", "a.szi"])
def test_a_region_is_verified_against_that_part_of_the_slide(tmp_path, name):
    slide = svs(tmp_path / "slide.svs", photo(700, 500))
    target = str(tmp_path / name)
    assert run_command(["run", str(slide), "-o", target, "--region", "101,57,399,333", "--quiet"]) == 0
    assert run_command(["verify", target, "--against", str(slide), "--quiet"]) == 0
    assert run_command(["verify", target, "--against", str(slide), "--sample", "1", "--quiet"]) == 0
    other = svs(tmp_path / "other.svs", photo(700, 500, seed=2))
    assert run_command(["verify", target, "--against", str(other), "--quiet"]) == 5


def test_the_whole_slide_as_a_region_is_the_whole_slide(tmp_path, registry):
    slide = png(tmp_path / "a.png", gradient(300, 200))
    one = run(slide, tmp_path / "one", region=Box(0, 0, 300, 200), registry=registry)
    run(slide, tmp_path / "two", registry=registry)
    lists = [(tmp_path / f"{name}.sha256").read_text().replace(f"{name}_files", "") for name in ("one", "two")]
    assert lists[0] == lists[1]
    assert one.notes == ()


@pytest.mark.parametrize("region", ["0,0,301,200", "300,0,1,1", "299,199,2,1", "0,200,1,1", "9999999999,0,1,1"])
def test_a_region_that_leaves_the_slide_is_refused(tmp_path, capsys, region):
    slide = png(tmp_path / "a.png", gradient(300, 200))
    assert run_command(["run", str(slide), "-o", str(tmp_path / "a"), "--region", region]) == 2
    assert f"the region {region} leaves the slide, which is 300x200" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("region", ["-1,0,5,5", "0,-5,5,5", "0,0,0,5", "0,0,5,0", "0,0,-5,5"])
def test_a_region_that_no_slide_has_is_refused(tmp_path, capsys, region):
    slide = png(tmp_path / "a.png", gradient(300, 200))
    assert run_command(["run", str(slide), f"--region={region}", "--dry-run"]) == 2
    assert f"from 0,0 on and at least 1x1, not {region}" in capsys.readouterr().err


@pytest.mark.parametrize("region", ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "1.5,2,3,4", "1, 2, 3, 4", "1x2", "9" * 99])
def test_what_is_no_region_is_refused(tmp_path, capsys, region):
    slide = png(tmp_path / "a.png", gradient(300, 200))
    assert run_command(["run", str(slide), f"--region={region}", "--dry-run"]) == 2
    err = capsys.readouterr().err
    assert "is no region; write X,Y,WIDTH,HEIGHT in base pixels" in err
    assert len(err.splitlines()) == 1


def test_a_region_of_one_pixel_is_a_pyramid(tmp_path, registry):
    slide = png(tmp_path / "a.png", gradient(300, 200))
    done = run(slide, tmp_path / "a", region=(299, 199, 1, 1), format="png", registry=registry)
    assert (done.tiles, done.levels) == (1, 1)
    assert np.array_equal(assembled(Path(done.target), 0), gradient(300, 200)[-1:, -1:])


@pytest.mark.parametrize("region", [(1, 2, 3), (1, 2, 3, 4, 5), (1.5, 2, 3, 4), ("1", 2, 3, 4)])
def test_a_tuple_that_is_no_region_is_refused_in_python(tmp_path, registry, region):
    with pytest.raises(OptionError, match="the region is X,Y,WIDTH,HEIGHT in whole base pixels"):
        run(png(tmp_path / "a.png", gradient(30, 20)), tmp_path / "a", region=region, registry=registry)
