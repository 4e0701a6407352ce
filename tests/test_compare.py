"""``tileframe compare``: how equal two pyramids are, level by level."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.pictures import gradient, jpeg, photo, png, svs
from tests.pyramids import Dzi, pixels, tiles
from tileframe import Comparison, Equality, compare, open_pyramid, run
from tileframe.registry import Registry
from tileframe_start.command import run_command


def between(one: Dzi, other: Dzi, registry: Registry) -> Comparison:
    with open_pyramid(one, registry=registry) as first, open_pyramid(other, registry=registry) as second:
        return compare(first, second)


@pytest.mark.parametrize(
    "options", [pytest.param({"quality": 75}, marks=pytest.mark.thorough), {"quality": 95}, {"format": "png"}], ids=str
)
def test_both_ways_of_the_vips_backend_are_the_same_pixels(options, tmp_path, registry):
    slide = jpeg(tmp_path / "a.jpg", photo(900, 700))
    own = run(slide, tmp_path / "own", backend="vips", registry=registry, **options)
    fed = run(slide, tmp_path / "fed", backend="vips", reader="imageslide", registry=registry, **options)
    result = between(own.target, fed.target, registry)
    assert result.strength is Equality.PIXELS
    assert (result.identical, result.tiles) == (own.tiles, own.tiles)
    assert result.layout == ()


@pytest.fixture
def pair(tmp_path, registry) -> tuple[Path, Path]:
    """Two equal pyramids, of which the second is to be changed."""
    slide = png(tmp_path / "a.png", photo(300, 200))
    for name in ("one", "other"):
        run(slide, tmp_path / name, format="png", tile_size=100, overlap=0, registry=registry)
    return tmp_path / "one.dzi", tmp_path / "other.dzi"


def change(path: Path, by: int) -> None:
    image = pixels(path).astype(int)
    image[3, 4, 1] += by if image[3, 4, 1] < 128 else -by
    Image.fromarray(image.astype(np.uint8)).save(path)


def test_a_change_below_the_base_leaves_the_base_equal(pair, registry):
    change(tiles(pair[1])["7/0_0.png"], 10)
    result = between(pair[0], pair[1], registry)
    assert result.strength is Equality.BASE
    level = result.levels[7]
    assert (level.tiles, level.differing, level.largest, level.worst) == (1, 1, 10, "7/0_0")
    samples = 75 * 50 * 3
    assert level.mean == pytest.approx(10 / samples)
    assert level.psnr == pytest.approx(10 * math.log10(255**2 * samples / 100))


def test_a_change_in_the_base_leaves_the_layout_equal_and_the_worst_tile_is_named(pair, registry):
    change(tiles(pair[1])["9/1_0.png"], 3)
    change(tiles(pair[1])["9/2_1.png"], 90)
    result = between(pair[0], pair[1], registry)
    assert result.strength is Equality.LAYOUT
    assert (result.levels[9].differing, result.levels[9].worst, result.levels[9].largest) == (2, "9/2_1", 90)
    assert result.identical == result.tiles - 2


@pytest.mark.parametrize("damage", ["missing", "extra", "short", "cut"])
def test_damage_in_either_is_a_different_layout_and_is_named(damage, pair, registry):
    path = tiles(pair[1])["9/1_0.png"]
    if damage == "missing":
        path.unlink()
    elif damage == "extra":
        path.with_name("9_9.png").write_bytes(path.read_bytes())
    elif damage == "short":
        Image.fromarray(pixels(path)[1:]).save(path)
    else:
        path.write_bytes(path.read_bytes()[:-1])
    for one, other in (pair, pair[::-1]):
        result = between(one, other, registry)
        assert result.strength is None
        assert ("9_9.png" if damage == "extra" else "other_files/9/1_0.png") in result.layout[0]


def test_other_geometries_are_said_in_words(tmp_path, registry):
    slide = png(tmp_path / "a.png", gradient(300, 200))
    one = run(slide, tmp_path / "one", registry=registry)
    other = run(slide, tmp_path / "other", registry=registry, tile_size=100, overlap=0, format="png")
    result = between(one.target, other.target, registry)
    assert (result.strength, result.levels) == (None, ())
    assert result.layout == (
        "the tile size is 254 and 100", "the overlap is 1 and 0", "the tile format is jpeg and png",
    )  # fmt: skip


# Each in a folder, and one in an archive.
@pytest.mark.parametrize(
    ("layout", "container"),
    [
        pytest.param(layout, container, marks=[pytest.mark.thorough] if container and layout != "google" else [])
        for layout in ("zoomify", "iiif3", "google")
        for container in ("", ".zip")
    ],
)
def test_layouts_and_stores_do_not_count_and_are_named(layout, container, tmp_path, registry):
    slide = png(tmp_path / "a.png", photo(300, 200))
    how = {"format": "png", "tile_size": 100, "overlap": 0, "registry": registry}
    one = run(slide, tmp_path / "one", **how).target
    other = run(slide, tmp_path / f"other{container}", layout=layout, **how)
    target = tmp_path / f"other{container}"
    with open_pyramid(one, registry=registry) as first, open_pyramid(target, registry=registry) as second:
        for result in (compare(first, second), compare(second, first)):
            assert (result.strength, result.tiles, result.layout) == (Equality.PIXELS, other.tiles, ())
        assert compare(first, second).notes[0].startswith(f"the layouts are dzi and {layout}; levels that both keep")


@pytest.mark.parametrize(
    ("require", "code"), [("layout", 0), ("base", 0), ("pixels", 5), (None, 0), ("equal", 2)], ids=str
)
def test_what_is_required_decides_the_exit_code(require, code, pair, capsys):
    change(tiles(pair[1])["7/0_0.png"], 10)
    options = [] if require is None else ["--require", require]
    assert run_command(["compare", *map(str, pair), *options]) == code
    if code == 2:
        assert "no strength named 'equal' (have: layout, base, pixels)" in capsys.readouterr().err


def test_the_verdict_is_the_last_line(pair, capsys):
    assert run_command(["compare", *map(str, pair)]) == 0
    assert capsys.readouterr().out == "pixels: identical, 16 of 16\n"
    change(tiles(pair[1])["7/0_0.png"], 10)
    assert run_command(["compare", *map(str, pair)]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].split() == ["level", "tiles", "differing", "largest", "mean", "psnr", "worst", "tile"]
    assert out[-1] == "base: the same tiles, 15 of 16"


def test_json_holds_every_level(pair, capsys):
    assert run_command(["compare", *map(str, pair), "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["identical"], result["tiles"], result["comparison"]["strength"]) == (16, 16, "pixels")
    assert len(result["comparison"]["levels"]) == 10


def test_the_deep_zoom_backend_keeps_its_declared_distance_from_the_contract(tmp_path, registry):
    # docs/contract.md declares this floor for lower levels that a scanner stored; see it there.
    slide = svs(tmp_path / "a.svs", photo(900, 700, seed=3), levels=(1, 4), lossless=True)
    fast = run(slide, tmp_path / "fast", backend="vips", format="png", registry=registry)
    slow = run(slide, tmp_path / "slow", backend="openslide", format="png", registry=registry)
    result = between(fast.target, slow.target, registry)
    assert result.strength is not None
    assert result.strength >= Equality.BASE
    assert all(level.psnr is None or level.psnr > 30 for level in result.levels)
