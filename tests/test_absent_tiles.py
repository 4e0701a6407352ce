"""The list of absent tiles: how a manifest holds it, and what is made of it and of one that is wrong."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.layouts import pyramid_of
from tests.pictures import png
from tests.pyramids import beside, manifest
from tests.sparse import picture
from tileframe import CheckError, Equality, Manifest, Pyramid, Size, TileAddress, compare, open_pyramid, run, verify
from tileframe.absent import Absence, run_lengths
from tileframe.facts import AbsentTiles
from tileframe_start.command import run_command

ABSENT, THERE = "o_files/11/0_0.png", "o_files/11/4_4.png"
BASE = 108
"""Tiles of the base, 12 across."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a picture, its pyramid without blank tiles, and the one with all."""
    folder = tmp_path_factory.mktemp("made")
    slide = png(folder / "slide.png", picture())
    run(slide, folder / "o", format="png", tile_size=128, skip_blank=0)
    run(slide, folder / "every", format="png", tile_size=128)
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "made", copy_function=copy))


def copy(source: str, target: str) -> None:
    """Tiles are not written to, only removed and added: the same files will do."""
    (os.link if source.endswith(".png") else shutil.copy)(source, target)


@pytest.fixture(scope="module")
def record(made: Path) -> Manifest:
    with open_pyramid(made / "o.dzi") as pyramid:
        assert pyramid.manifest is not None
        return pyramid.manifest


def listing(record: Manifest, count: int, *absent: AbsentTiles) -> Manifest:
    return replace(record, tiles=replace(record.tiles, absent=count, absent_tiles=absent))


@settings(max_examples=50)
@given(flags=st.lists(st.booleans(), min_size=12, max_size=12 * 12), across=st.integers(2, 12))
def test_a_list_names_the_tiles_that_it_was_made_of(flags, across, record):
    flags = flags[: len(flags) // across * across]
    pyramid = Pyramid(Size(across, len(flags) // across), 1, 0)
    runs, level = run_lengths(flags), pyramid.base_level
    listed = (AbsentTiles(level, runs),) if any(flags) else ()
    absence = Absence(listing(record, sum(flags), *listed), pyramid, range(level + 1), "m")
    assert [tile in absence for tile in pyramid.tiles(level)] == flags
    assert absence.count == sum(flags)
    assert (runs == "") == (not any(flags))


def test_a_list_of_two_million_tiles_is_short_where_a_slide_is_as_slides_are(record):
    pyramid = Pyramid(Size(1500, 1500), 1, 0)
    # Tissue in three sections, with ragged borders.
    row, col = np.mgrid[:1500, :1500]
    flags = ((col % 500 <= 100 + row * 7 % 13) | (col % 500 >= 300 + row * 5 % 17)).ravel().tolist()
    runs = run_lengths(flags)
    assert len(runs) < 40_000
    listed = AbsentTiles(pyramid.base_level, runs)
    absence = Absence(listing(record, sum(flags), listed), pyramid, range(pyramid.level_count), "m")
    assert TileAddress(pyramid.base_level, 1499, 1499) in absence
    assert TileAddress(pyramid.base_level, 650, 700) not in absence


def change(folder: Path, what: Callable[[dict[str, Any]], None]) -> None:
    path = beside(folder / "o.dzi", ".tileframe.json")
    record = json.loads(path.read_text())
    what(record)
    path.write_text(json.dumps(record))


def listed(*absent: tuple[int, str], count: int | None = None) -> Callable[[dict[str, Any]], None]:
    def put(record: dict[str, Any]) -> None:
        record["tiles"]["absent_tiles"] = [{"level": level, "runs": runs} for level, runs in absent]
        if count is not None:
            record["tiles"]["absent"] = count

    return put


def without_rule(record: dict[str, Any]) -> None:
    record["plan"]["skip_blank"] = None


def with_rule(**how: Any) -> Callable[[dict[str, Any]], None]:
    return lambda record: record["plan"]["skip_blank"].update(how)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (listed((11, f"0,{BASE + 1}"), count=BASE + 1), "level 11 ends with tile 109, and the level has 108"),
        (listed((11, f"100,4,4,{10**14}"), count=10**14), "and the level has 108"),
        (listed((11, ",".join(["9" * 15] * 20_000)), count=0), "and the level has 108"),
        (listed((12, "0,1"), count=1), "level 12 is of no level that has absent tiles"),
        (listed((-1, "0,1"), count=1), "level -1 is of no level that has absent tiles"),
        (listed((7, "0,1"), count=1), "level 7 is of no level that has absent tiles"),
        (listed((11, "0,1"), (11, "2,1"), count=2), "level 11 is out of order"),
        (listed((11, "0,1"), (10, "2,1"), count=2), "level 10 is out of order"),
        (listed((11, "1,2,0,3"), count=5), "no run lengths: '1,2,0,3'"),
        (listed((11, "1,-2"), count=2), "no run lengths"),
        (listed((11, "1,2,3"), count=2), "no run lengths"),
        (listed((11, ""), count=0), "no run lengths"),
        (listed((11, "01,2"), count=2), "no run lengths"),
        (listed((11, "1, 2"), count=2), "no run lengths"),
        (listed((11, f"0,{'9' * 30}"), count=2), "no run lengths"),
        (listed((11, "1,2\n"), count=2), "no run lengths"),
        (listed((11, "1,2"), count=3), "says that 3 tiles are absent, by a rule, and lists 2"),
        (listed(count=3), "says that 3 tiles are absent, by a rule, and lists 0"),
        (listed((11, "1,2"), count=-2), "says that -2 tiles are absent"),
        (without_rule, "by no rule"),
        (with_rule(tolerance=256), "a tolerance from 0 to 255, not 256"),
        (with_rule(tolerance=True), "is not a record"),
        (with_rule(background=[255, 255, 256]), "a colour is three numbers from 0 to 255"),
        (with_rule(background=[255, 255]), "is not a record"),
    ],
)
def test_a_manifest_that_cannot_be_is_refused_in_one_line(harm, said, folder, capsys):
    change(folder, harm)
    target, name = str(folder / "o.dzi"), str(folder / "o.tileframe.json")
    for command in (["compare", target, str(folder / "every.dzi")], ["info", target], ["view", "--no-open", target]):
        assert run_command(command) == 5
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"tileframe: {name}: ")
        assert said in line
    assert run_command(["verify", target]) == 5
    assert said in capsys.readouterr().out


def found(folder: Path, **how: Any) -> list[tuple[str, str, str]]:
    return [(finding.key, finding.check, finding.message) for finding in verify(folder / "o.dzi", **how)]


def test_a_tile_that_is_missing_and_not_listed_is_a_fault(folder):
    (folder / THERE).unlink()
    assert (THERE, "files", "the tile is missing") in found(folder)


def test_a_tile_that_is_listed_and_there_is_a_fault(folder):
    shutil.copy(folder / ABSENT.replace("o_", "every_"), folder / ABSENT)
    assert (ABSENT, "files", "the manifest says that this tile is absent, and it is there") in found(folder)


def test_a_level_that_is_gone_is_told_as_one_with_the_tiles_that_it_had(folder):
    there = len(list((folder / "o_files" / "11").iterdir()))
    assert 0 < there < BASE
    shutil.rmtree(folder / "o_files" / "11")
    levels = {(key, message) for key, check, message in found(folder) if check == "files"}
    assert levels == {("o_files/11/", f"the whole level 11 is missing; {there} tiles were expected")}


def test_the_list_of_digests_has_the_tiles_that_are_there(folder):
    done = subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "o.sha256"], cwd=folder, check=False)
    assert done.returncode == 0
    text = (folder / "o.sha256").read_text()
    assert ABSENT not in text
    (folder / "o.sha256").write_text(f"{text}{'0' * 64}  {ABSENT}\n")
    assert (ABSENT, "digests", "is in o.sha256, and the manifest says that it is absent") in found(folder)


def test_against_the_slide_the_rule_is_tried_again(folder):
    slide = folder / "slide.png"
    assert found(folder, against=slide) == []
    # One more, with all that belongs to it.
    record = manifest(folder / "o.dzi")["tiles"]
    runs = next(one["runs"] for one in record["absent_tiles"] if one["level"] == 11)
    flags = [False] * BASE
    number = 0
    for index, length in enumerate(map(int, runs.split(","))):
        flags[number : number + length] = [index % 2 == 1] * length
        number += length
    row, col = 4, 4
    assert not flags[12 * row + col]
    flags[12 * row + col], flags[0] = True, False
    others = [(one["level"], one["runs"]) for one in record["absent_tiles"] if one["level"] != 11]
    change(folder, listed(*others, (11, run_lengths(flags)), count=record["absent"]))
    (folder / THERE).unlink()
    shutil.copy(folder / ABSENT.replace("o_", "every_"), folder / ABSENT)
    told = {(key, message) for key, check, message in found(folder, against=slide) if check == "against"}
    assert told == {
        (ABSENT, "the tile is there, and the slide is blank there: within 0 of #ffffff"),
        (THERE, "the tile is absent, and the slide is not blank there: within 0 of #ffffff"),
    }


def test_levels_and_overlaps_may_be_as_far_from_the_background_as_the_rule_says(tmp_path):
    pixels = picture()[200:900, 100:900]
    pixels[(pixels == 255).all(axis=2)] -= 6
    slide = png(tmp_path / "a.png", pixels)
    run(slide, tmp_path / "o", format="png", tile_size=64, overlap=4, skip_blank=6)
    assert verify(tmp_path / "o.dzi", against=slide) == []
    change(tmp_path, with_rule(tolerance=4))
    assert {finding.check for finding in verify(tmp_path / "o.dzi")} == {"levels", "overlap"}


@pytest.mark.parametrize("how", [{"format": "png"}, {"background": "#e8d0b1"}, {"layout": "google"}], ids=str)
def test_with_and_without_blank_tiles_the_pixels_are_the_same(how, tmp_path):
    colour = (232, 208, 177) if "background" in how else (255, 255, 255)
    slide = png(tmp_path / "a.png", picture(colour=colour))
    every = run(slide, tmp_path / "every" / "o", **how)
    some = run(slide, tmp_path / "some" / "o", skip_blank=0, **how)
    with open_pyramid(every.target) as one, open_pyramid(some.target) as other:
        for first, second, counts in ((one, other, f"0 and {some.absent}"), (other, one, f"{some.absent} and 0")):
            result = compare(first, second)
            assert result.strength is Equality.PIXELS
            assert result.notes == (f"blank tiles are left out, {counts}: they are compared as the background",)
        assert compare(other, other).notes == ()


def test_what_the_tolerance_hides_is_a_difference(tmp_path):
    slide = png(tmp_path / "a.png", picture(colour=(250, 255, 255)))
    every = run(slide, tmp_path / "every", format="png")
    some = run(slide, tmp_path / "some", skip_blank=5, format="png")
    with open_pyramid(every.target) as one, open_pyramid(some.target) as other:
        result = compare(one, other)
    assert (result.strength, result.levels[-1].largest) == (Equality.LAYOUT, 5)


@pytest.mark.parametrize("tolerance", [5, pytest.param(0, marks=pytest.mark.thorough)])
def test_google_has_the_tiles_that_dzsave_keeps(tolerance, tmp_path):
    pyvips = pytest.importorskip("pyvips")
    # Sides that halve evenly: elsewhere dzsave blends its last column and row with background.
    pixels = picture(2048, 1536)
    pixels[1300:, :400] = 251
    pixels[600, 1600] = (249, 255, 255)
    report = run(png(tmp_path / "a.png", pixels), tmp_path / "o", layout="google", skip_blank=tolerance)
    image = pyvips.Image.new_from_array(pixels).copy(interpretation="srgb")
    image.dzsave(str(tmp_path / "vips"), layout="google", **({} if tolerance == 5 else {"skip_blanks": tolerance}))
    ours, theirs = (
        {path.relative_to(tmp_path / name).as_posix() for path in (tmp_path / name).rglob("*.jpg")}
        for name in ("o", "vips")
    )
    assert ours == theirs
    assert report.tiles - report.absent == len(ours)


def test_an_unlisted_pyramid_of_another_tool_lacks_its_blank_tiles(tmp_path, registry):
    pyvips = pytest.importorskip("pyvips")
    image = pyvips.Image.new_from_array(picture()).copy(interpretation="srgb")
    image.dzsave(str(tmp_path / "o"), skip_blanks=0)
    pyramid = pyramid_of(registry.layout("dzi"), (1500, 1100))
    missing = [finding for finding in verify(tmp_path / "o.dzi") if finding.message == "the tile is missing"]
    assert 0 < len(missing) < pyramid.tile_count


def test_an_open_pyramid_gives_the_background_for_an_absent_tile(made):
    with open_pyramid(made / "o.dzi") as pyramid:
        assert (pyramid.decode(TileAddress(11, 11, 8)) == 255).all()
        assert pyramid.decode(TileAddress(11, 11, 8)).shape == (1100 - 8 * 128 + 1, 1500 - 11 * 128 + 1, 3)
        with pytest.raises((KeyError, CheckError)):
            pyramid.files.get(pyramid.layout.key(TileAddress(11, 11, 8)))
