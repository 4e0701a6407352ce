"""`--skip-blank`: tiles of background alone are absent, the same ones whoever makes them; all others are as ever."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.pictures import damage_tile, png, svs
from tests.profiles import matrix
from tests.pyramids import manifest
from tests.sparse import SIDE, blank_tiles, files, geometry, picture, sparse_tiff
from tileframe import (
    Box,
    OptionError,
    OutputError,
    StoredPyramid,
    TileAddress,
    open_pyramid,
    open_slide,
    run,
    tiles_of,
    verify,
)
from tileframe.pixels import Pixels
from tileframe_start.command import run_command
from tileframe_tiff.tiles import TiledSource

SMALL = 90
"""The side of tiles of which the picture has many that are blank."""
HOW: dict[str, dict[str, Any]] = {
    "threads": {},
    "one worker": {"workers": 1},
    "rows": {"slide": "rows.png"},
    "processes": {"executor": "processes"},
    "openslide": {"backend": "openslide"},
}
WHERE: dict[str, dict[str, Any]] = {
    "dzi": {},
    "zoomify": {"layout": "zoomify"},
    "google": {"layout": "google"},
    "iiif3": {"layout": "iiif3"},
    "szi": {"container": ".szi"},
    "zip": {"container": ".zip"},
}


@pytest.fixture(scope="module")
def slides(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one picture as a slide, as a slide that lacks its blank tiles, and to be read row by row."""
    folder = tmp_path_factory.mktemp("slides")
    svs(folder / "whole.svs", picture(), levels=(1,), lossless=True)
    png(folder / "rows.png", picture())
    sparse_tiff(folder / "sparse.tif", picture())
    return folder


def made(
    slides: Path, folder: Path, *, slide: str = "whole.svs", container: str = "", skip: int | None = 0, **how: Any
) -> tuple[dict[str, bytes], Any]:
    """The files of a pyramid, and the report of its run."""
    report = run(slides / slide, folder / f"o{container}", skip_blank=skip, tile_size=SMALL, **how)
    return files(folder / f"o{container}" if container else folder / "o.dzi"), report


@pytest.mark.parametrize(
    "where",
    [pytest.param(name, marks=pytest.mark.thorough) if name not in ("dzi", "szi") else name for name in WHERE],
)
def test_whoever_makes_it_the_same_tiles_are_absent_and_the_others_as_ever(where, slides, tmp_path):
    every, _ = made(slides, tmp_path / "every", skip=None, **WHERE[where])
    found = []
    for name, how in HOW.items():
        if where == "dzi" or name in {"szi": ("threads", "processes")}.get(where, ("threads", "openslide")):
            some, report = made(slides, tmp_path / name, **WHERE[where], **how)
            assert {key: every[key] for key in some} == some, name
            assert len(every) - len(some) == report.absent, name
            found.append((name, set(some)))
    assert {name for name, keys in found if keys != found[0][1]} == set()
    target = tmp_path / "threads" / f"o{WHERE[where].get('container', '')}"
    with open_pyramid(target if target.exists() else tmp_path / "threads" / "o.dzi") as pyramid:
        overlap = pyramid.pyramid.overlap
        absent = blank_tiles(picture(), geometry(picture(), SMALL, overlap))
        wanted = {tile for tile in absent if tile.level in pyramid.layout.levels}
        keys = {pyramid.layout.key(tile) for tile in wanted}
        assert len(wanted) > 100
        assert wanted == absent_tiles(pyramid)
        assert keys.isdisjoint(pyramid.files.keys(pyramid.layout.folder))
        assert verify(pyramid) == []


def absent_tiles(pyramid: StoredPyramid) -> set[TileAddress]:
    """Those that its manifest lists."""
    return {tile for tile in tiles_of(pyramid.layout, pyramid.pyramid) if tile in pyramid.absent}


@pytest.mark.parametrize("tolerance", [0, 7, 255])
def test_a_tile_is_blank_if_no_sample_is_further_from_the_background_than_that(tolerance, tmp_path):
    colour = (100, 150, 20)
    pixels = np.full((500, 700, 3), colour, np.uint8)
    rng = np.random.default_rng(0)
    pixels += rng.integers(0, min(tolerance, 7) + 1, pixels.shape, dtype=np.uint8)
    pixels[10, 10, 1] = 150 - 8
    pixels[300, 256, 2] = 20 + 8  # in the overlap of the tile to its left
    report = run(
        png(tmp_path / "a.png", pixels), tmp_path / "o", tile_size=128, overlap=1, format="png",
        background="#649614", skip_blank=tolerance,
    )  # fmt: skip
    wanted = blank_tiles(pixels, geometry(pixels, 128, 1), colour, tolerance)
    with open_pyramid(report.target) as pyramid:
        assert absent_tiles(pyramid) == wanted
        assert (TileAddress(pyramid.pyramid.base_level, 1, 2) in wanted) == (tolerance == 255)
        assert verify(pyramid, against=tmp_path / "a.png") == []
    assert report.absent == len(wanted)


@pytest.mark.parametrize("layout", ["dzi", "google", "iiif3", "zoomify"])
def test_of_a_blank_slide_the_levels_of_one_tile_are_left(layout, tmp_path):
    slide = png(tmp_path / "a.png", np.full((700, 900, 3), 255, np.uint8))
    report = run(slide, tmp_path / "out" / "o", layout=layout, tile_size=100, skip_blank=0)
    with open_pyramid(report.target) as pyramid:
        single = [level for level in pyramid.layout.levels if pyramid.pyramid.grid(level).area == 1]
        assert report.tiles - report.absent == len(single)
        assert verify(pyramid, against=slide) == []


def test_what_the_slide_does_not_hold_is_not_read(slides, tmp_path, monkeypatch):
    read, boxes = TiledSource.read, []

    def noted(self: TiledSource, box: Box, *, native_level: int = 0) -> Pixels:
        boxes.append(box)
        return read(self, box, native_level=native_level)

    monkeypatch.setattr(TiledSource, "read", noted)
    # Tile by tile, for a block is as large as the picture, and is held.
    region = {"backend": "openslide", "region": (256, 100, 1100, 900)}
    for how in ({"backend": "openslide"}, {"backend": "stream"}, region):
        whole, _ = made(slides, tmp_path / "whole" / str(how), **how)
        boxes.clear()
        some, report = made(slides, tmp_path / "sparse" / str(how), slide="sparse.tif", **how)
        assert some == whole
        assert report.absent
        if "region" not in how and how["backend"] == "openslide":
            assert len(boxes) < report.tiles - report.absent + 60


def test_a_large_block_of_which_nothing_is_held_is_not_read(tmp_path, monkeypatch):
    pixels = np.full((2200, 4400, 3), 255, np.uint8)
    pixels[100:200, 100:200] = 7
    slide = sparse_tiff(tmp_path / "a.tif", pixels)
    read, boxes = TiledSource.read, []

    def noted(self: TiledSource, box: Box, *, native_level: int = 0) -> Pixels:
        boxes.append(box)
        return read(self, box, native_level=native_level)

    monkeypatch.setattr(TiledSource, "read", noted)
    run(slide, tmp_path / "o", skip_blank=0)
    assert len(boxes) == 1
    boxes.clear()
    run(slide, tmp_path / "every")
    assert len(boxes) == 6


def test_the_background_that_is_shown_instead_counts_not_what_the_file_names(tmp_path):
    pixels = picture()
    slide = sparse_tiff(tmp_path / "a.tif", pixels, extratags=[(42113, "s", 0, "9", True)])  # GDAL's no-data value
    tile_by_tile = "openslide"  # a block is as large as the picture, and is held
    report = run(
        slide, tmp_path / "o", tile_size=128, overlap=0, skip_blank=0, format="png", backend=tile_by_tile
    )  # fmt: skip
    assert verify(report.target, against=slide) == []
    with open_pyramid(report.target) as pyramid:
        pixels = np.where((pixels == 255).all(axis=2, keepdims=True), 9, pixels)
        corner = pyramid.decode(TileAddress(pyramid.pyramid.base_level, 0, 0))
        assert (corner == 9).all()


@pytest.mark.parametrize("slide", ["whole.svs", "sparse.tif"])
def test_the_slides_own_tiles_are_absent_where_they_decode_to_background(slide, slides, tmp_path):
    jpegs = tmp_path / slide
    if slide == "sparse.tif":
        sparse_tiff(jpegs, picture(), compression="jpeg", compressionargs={"level": 90})
    else:
        svs(jpegs, picture(), levels=(1,))
    every = run(jpegs, tmp_path / "every" / "o", passthrough=True)
    some = run(jpegs, tmp_path / "some" / "o", passthrough=True, skip_blank=0)
    found, all_of_them = files(some.target), files(every.target)
    assert {key: all_of_them[key] for key in found} == found
    with open_slide(jpegs) as source:
        decoded = source.read(Box(0, 0, 1500, 1100))
    assert some.absent == len(blank_tiles(decoded, geometry(decoded, SIDE, 0))) > 10
    assert 0 < some.passed_through < every.passed_through or slide == "sparse.tif"
    assert verify(some.target, against=jpegs) == []


def test_the_background_is_that_of_the_converted_colours(tmp_path):
    # Grey is white's hue in any such profile, and this colour another one.
    pixels = picture(colour=(30, 200, 90))
    slide = svs(tmp_path / "a.svs", pixels, levels=(1,), lossless=True, icc=matrix())
    report = run(slide, tmp_path / "o", background="#1ec85a", skip_blank=0, format="png")
    shown = manifest(report.target)["plan"]["skip_blank"]["background"]
    assert tuple(shown) != (30, 200, 90)
    with open_pyramid(report.target) as pyramid:
        assert report.absent == len(blank_tiles(pixels, pyramid.pyramid, (30, 200, 90)))
    assert verify(report.target, against=slide) == []


@pytest.mark.parametrize(
    "how",
    [{"executor": "processes"}, *(pytest.param(how, marks=pytest.mark.thorough) for how in ({}, HOW["openslide"]))],
    ids=str,
)
def test_what_could_not_be_read_is_never_absent(how, tmp_path):
    slide = svs(tmp_path / "a.svs", np.full((2600, 2600, 3), 255, np.uint8), levels=(1,))
    damage_tile(slide, 14)  # of 11 across: from 768, 256 on
    report = run(slide, tmp_path / "o", tile_size=128, overlap=0, on_error="fill", skip_blank=0, **how)
    with open_pyramid(report.target) as pyramid:
        base = pyramid.pyramid.base_level
        levels = [level for level in range(base + 1) if pyramid.pyramid.grid(level).area > 1]
        tiles = [tile for level in levels for tile in pyramid.pyramid.tiles(level) if tile not in pyramid.absent]
        there = [(base - tile.level, tile.col, tile.row) for tile in tiles]
        assert sorted(there) == sorted(
            [(0, 6, 2), (0, 7, 2), (0, 6, 3), (0, 7, 3), (1, 3, 1), (2, 1, 0), (3, 0, 0), (4, 0, 0)]
        )
        assert pyramid.manifest is not None
        listed = set(pyramid.manifest.tiles.filled_keys)
        assert {pyramid.layout.key(TileAddress(base - up, col, row)) for up, col, row in there} <= listed
        assert {finding.check for finding in verify(pyramid, against=slide)} == {"filled"}


def test_the_figures_say_how_many_and_which_share(slides, tmp_path, capsys):
    slide, target = str(slides / "whole.svs"), str(tmp_path / "o")
    assert run_command(["run", slide, "-o", target, "--skip-blank", "--dry-run", "--tile-size", "64"]) == 0
    forecast = " ".join(capsys.readouterr().out.split())
    assert run_command(["run", slide, "-o", target, "--skip-blank", "--tile-size", "64", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert 0 < figures["absent"] < figures["tiles"]
    assert f"tiles up to {figures['tiles']}, jpeg" in forecast
    assert "B at most; " in forecast
    assert run_command(["info", f"{target}.dzi"]) == 0
    assert f"absent {figures['absent']} of the tiles: blank, within 0 of #ffffff" in " ".join(
        capsys.readouterr().out.split()
    )
    assert run_command(["run", slide, "-o", target, "--skip-blank=3", "--tile-size", "64", "--overwrite"]) == 0
    share = figures["absent"] / figures["tiles"]
    assert f"absent {figures['absent']} of them, {share:.0%}: blank" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("value", "said"),
    [("256", "a tolerance from 0 to 255, not 256"), ("-1", "a tolerance from 0 to 255, not -1"), ("white", "'white'")],
)
def test_another_tolerance_is_an_error(value, said, slides, tmp_path, capsys):
    assert run_command(["run", str(slides / "whole.svs"), "-o", str(tmp_path / "o"), f"--skip-blank={value}"]) == 2
    assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_in_python_it_is_a_number_and_no_yes_or_no(slides, tmp_path):
    with pytest.raises(OptionError, match="a tolerance from 0 to 255, not True"):
        run(slides / "whole.svs", tmp_path / "o", skip_blank=True)


def test_dzsave_is_not_asked_for_it(slides, tmp_path):
    with pytest.raises(OptionError, match="dzsave does not say which tiles it has left out as blank"):
        run(slides / "rows.png", tmp_path / "o", skip_blank=0, backend="vips")
    assert run(slides / "rows.png", tmp_path / "o", skip_blank=0).backend == "stream"


def test_a_disk_that_may_be_large_enough_is_tried(slides, tmp_path, monkeypatch):
    monkeypatch.setattr("tileframe.machine.free_inodes", lambda folder: 200)
    how: dict[str, Any] = {"tile_size": 64, "keep": False}
    with pytest.raises(OutputError, match="there is room for 200 at most"):
        run(slides / "whole.svs", tmp_path / "o", **how)
    report = run(slides / "whole.svs", tmp_path / "o", skip_blank=0, **how)
    assert report.tiles > 200 > report.tiles - report.absent
