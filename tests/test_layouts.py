"""Zoomify, Google and IIIF: the trees of libvips' dzsave."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from PIL import Image

from tests.layouts import OFFERS, OTHERS, SIDES, SIZES, dzsave, made, pyramid_of
from tests.pictures import gradient, png
from tileframe import Equality, compare, open_pyramid, run, tiles_of, verify
from tileframe.pixels import Pixels
from tileframe.testing import LayoutContract
from tileframe.testing.cases import cut, levels


class TestDzi(LayoutContract):
    plugin = OFFERS["dzi"]


class TestZoomify(LayoutContract):
    plugin = OFFERS["zoomify"]


class TestGoogle(LayoutContract):
    plugin = OFFERS["google"]


class TestIiif3(LayoutContract):
    plugin = OFFERS["iiif3"]
    options = MappingProxyType({"id": "https://example.org/slides"})


def ours(name: str, pixels: Pixels, side: int | None = None) -> dict[str, Pixels]:
    """The tiles of the pixel contract, padded with white where the layout pads, by key."""
    height, width = pixels.shape[:2]
    layout, pyramid = made(name, (width, height), side), pyramid_of(OFFERS[name], (width, height), side)
    planes, tiles = levels(pixels), {}
    for tile in tiles_of(layout, pyramid):
        part = cut(planes[tile.level], pyramid.tile_box(tile))
        if layout.pads:
            rest = [(0, pyramid.tile_size - part.shape[0]), (0, pyramid.tile_size - part.shape[1]), (0, 0)]
            part = np.pad(part, rest, constant_values=255)
        tiles[layout.key(tile)] = part
    return tiles


def decoded(files: dict[str, bytes], ending: str = ".png") -> dict[str, Pixels]:
    found = {}
    for key, data in files.items():
        if key.endswith(ending):
            with Image.open(io.BytesIO(data)) as image:
                found[key] = np.asarray(image)
    return found


def unlike(first: dict[str, Pixels], second: dict[str, Pixels]) -> list[str]:
    assert sorted(first) == sorted(second)
    return sorted(key for key in first if not np.array_equal(first[key], second[key]))


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("size", [*SIZES[:-1], pytest.param(SIZES[-1], marks=pytest.mark.thorough)], ids=str)
@pytest.mark.parametrize("name", ["dzi", "zoomify", "iiif3"])
def test_tree_is_that_of_dzsave_in_keys_and_pixels(name, size, side, tmp_path):
    pixels = gradient(*size)
    how = {} if side is None else {"tile_size": side}
    assert unlike(ours(name, pixels, side), decoded(dzsave(tmp_path, pixels, name, suffix=".png", **how))) == []


@pytest.mark.parametrize("size", [(1, 1), (256, 512), (300, 200), (1024, 768)], ids=str)
def test_google_tree_is_that_of_dzsave_in_keys_and_pixels_where_sides_halve_evenly(size, tmp_path):
    pixels = gradient(*size)
    theirs = decoded(dzsave(tmp_path, pixels, "google", suffix=".png"))
    assert unlike(ours("google", pixels), theirs) == []


@pytest.mark.parametrize("size", [(1, 300), (255, 255), (513, 257), (1021, 769)], ids=str)
def test_google_base_is_that_of_dzsave(size, tmp_path):
    pixels = gradient(*size)
    theirs = decoded(dzsave(tmp_path, pixels, "google", suffix=".png"))
    base = made("google", size).levels
    assert [key for key in unlike(ours("google", pixels), theirs) if key.startswith(f"name/{len(base) - 1}/")] == []


def test_google_differs_from_dzsave_where_that_blends_the_last_odd_row_with_the_background(tmp_path):
    pixels = gradient(301, 201)
    theirs = decoded(dzsave(tmp_path, pixels, "google", suffix=".png"))["name/0/0/0.png"].astype(int)
    tile = ours("google", pixels)["name/0/0/0.png"].astype(int)
    rows, cols = np.nonzero((tile != theirs).any(axis=2))
    assert {(row == 100 or col == 150) for row, col in zip(rows, cols, strict=True)} == {True}
    last = pixels[0:2, 300].astype(int)
    assert tile[0, 150].tolist() == ((last[0] * 2 + last[1] * 2 + 2) >> 2).tolist()  # the column counts twice
    assert theirs[0, 150].tolist() == ((last[0] + last[1] + 255 * 2 + 2) >> 2).tolist()  # here it is half white


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", OTHERS)
def test_keys_of_jpeg_tiles_are_those_of_dzsaves_defaults(name, size, tmp_path):
    theirs = {key for key in dzsave(tmp_path, gradient(*size), name) if key.endswith(".jpg")}
    for suffix in ("jpeg", "jpg"):
        layout = made(name, size, suffix=suffix)
        assert {layout.key(tile) for tile in tiles_of(layout, pyramid_of(OFFERS[name], size))} == theirs


def test_zoomify_counts_groups_of_256_tiles_from_the_top(tmp_path):
    layout, pyramid = made("zoomify", (240, 190), 12), pyramid_of(OFFERS["zoomify"], (240, 190), 12)
    keys = [layout.key(tile) for tile in tiles_of(layout, pyramid)]
    assert keys[0] == "name/TileGroup0/0-0-0.png"
    assert [int(key.split("/")[1].removeprefix("TileGroup")) for key in keys] == [n // 256 for n in range(len(keys))]
    theirs = dzsave(tmp_path, gradient(240, 190), "zoomify", suffix=".png", tile_size=12)
    assert set(keys) == {key for key in theirs if key.endswith(".png")}


def below(folder: Path) -> dict[str, bytes]:
    """Every file below ``folder/name``, by key."""
    paths = (path for path in (folder / "name").rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@pytest.mark.parametrize("backend", ["stream", "vips"])
@pytest.mark.parametrize("format", [pytest.param("png", marks=pytest.mark.thorough), "jpg"])
@pytest.mark.parametrize("name", ["zoomify", "iiif3"])
def test_a_run_writes_the_tree_of_dzsave_and_full_max(name, format, backend, tmp_path):
    pixels = gradient(1021, 769)
    slide = png(tmp_path / "slide.png", pixels)
    run(slide, tmp_path / "ours" / "name", layout=name, format=format, backend=backend)
    (tmp_path / "theirs").mkdir()
    theirs = dzsave(tmp_path / "theirs", pixels, name, suffix=f".{format}", Q=75, keep="none")
    found = below(tmp_path / "ours")
    if name == "iiif3":
        assert found.pop(f"name/full/max/0/default.{format}") == found[f"name/full/511,385/0/default.{format}"]
    ending = f".{format}"
    assert unlike(decoded(found, ending), decoded(theirs, ending)) == []


def test_a_run_of_google_writes_the_tree_of_dzsave_where_sides_halve_evenly(tmp_path):
    pixels = gradient(1000, 760)
    run(png(tmp_path / "slide.png", pixels), tmp_path / "ours" / "name", layout="google", format="jpeg")
    (tmp_path / "theirs").mkdir()
    theirs = dzsave(tmp_path / "theirs", pixels, "google", Q=75, keep="none")
    assert unlike(decoded(below(tmp_path / "ours"), ".jpg"), decoded(theirs, ".jpg")) == []


@pytest.mark.parametrize("name", OTHERS)
def test_a_pyramid_of_each_layout_is_opened_by_its_folder_and_is_sound(name, tmp_path):
    run(png(tmp_path / "slide.png", gradient(700, 500)), tmp_path / "name", layout=name)
    assert list(verify(tmp_path / "name")) == []
    with open_pyramid(tmp_path / "name") as pyramid:
        assert (pyramid.layout_name, pyramid.pyramid) == (name, pyramid_of(OFFERS[name], (700, 500)))


@pytest.mark.parametrize("name", OTHERS)
def test_a_pyramid_of_each_layout_is_compared_with_deep_zoom(name, tmp_path):
    slide = png(tmp_path / "slide.png", gradient(700, 500))
    run(slide, tmp_path / "deep", format="png", tile_size=256, overlap=0)
    run(slide, tmp_path / "name", format="png", tile_size=256, layout=name)
    with open_pyramid(tmp_path / "deep") as deep, open_pyramid(tmp_path / "name") as other:
        assert compare(deep, other).strength is Equality.PIXELS


def test_the_id_of_a_run_stands_in_its_info_json(tmp_path):
    options = {"id": "https://example.org/iiif"}
    run(png(tmp_path / "slide.png", gradient(70, 50)), tmp_path / "name", layout="iiif3", layout_options=options)
    info = json.loads((tmp_path / "name" / "info.json").read_text(encoding="utf-8"))
    assert info["id"] == "https://example.org/iiif/name"
    assert list(verify(tmp_path / "name")) == []
