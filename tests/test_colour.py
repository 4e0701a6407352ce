"""Colour management: what is converted, and into what; LittleCMS through Pillow is the reference."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests import profiles
from tests.pictures import gradient, jpeg, photo, svs
from tests.profiles import base, by_littlecms, cmyk, colour, grey, lut, matrix, profiles_of, srgb
from tileframe import (
    Box,
    Equality,
    Location,
    Size,
    TileAddress,
    compare,
    open_pyramid,
    open_slide,
    plan,
    run,
    verify,
)
from tileframe.records import Spec
from tileframe_colour import conversions, manager
from tileframe_colour import srgb as shipped
from tileframe_colour.conversions import ColourTable
from tileframe_colour.profiles import converted
from tileframe_start.command import run_command

SIZE = (70, 50)
PHOTO = photo(*SIZE)
WIDE = {"matrix": matrix(), "another matrix": matrix(primaries=profiles.PROPHOTO, exponent=1.8), "table": lut()}


def open_box(size: Size) -> Box:
    return Box(0, 0, size.width, size.height)


def spec(slide: Path) -> Spec:
    return Spec(slide, Location("file", str(slide.parent), "o"))


def test_the_shipped_profile_is_the_published_one():
    digest = "0a8a33aea66a6f154a5642ebe168ef287e73265d9f7b51c42a45e6eedbacda7a"
    assert hashlib.sha256(shipped.SRGB).hexdigest() == digest
    # The profile says its own MD5, taken without the flags, the intent and itself.
    zeroed = bytearray(shipped.SRGB)
    zeroed[44:48] = zeroed[64:68] = bytes(4)
    zeroed[84:100] = bytes(16)
    assert hashlib.md5(zeroed).digest() == shipped.SRGB[84:100]
    assert len(shipped.SRGB) == 456


@pytest.mark.parametrize("intent", profiles.INTENTS)
@pytest.mark.parametrize("name", WIDE)
def test_pixels_become_what_littlecms_makes_of_them(name, intent, tmp_path, registry):
    path = tmp_path / "a.png"
    Image.fromarray(PHOTO).save(path, icc_profile=WIDE[name])
    report = run(path, tmp_path / "o", format="png", intent=intent, registry=registry)
    assert np.array_equal(base(report.target), by_littlecms(PHOTO, WIDE[name], intent))
    assert colour(report.target).converted


def test_intents_differ_where_a_profile_says_more(tmp_path, registry):
    path = tmp_path / "a.png"
    Image.fromarray(PHOTO).save(path, icc_profile=lut())
    with (
        open_slide(path, registry=registry) as relative,
        open_slide(path, intent="absolute", registry=registry) as other,
    ):
        whole = relative.facts.size
        box = open_box(whole)
        assert np.array_equal(other.read(box), by_littlecms(PHOTO, lut(), "absolute"))
        assert other.read(box).shape == relative.read(box).shape


def test_grey_is_converted_by_its_grey_profile(tmp_path, registry):
    image = Image.fromarray(PHOTO[:, :, 0])
    image.save(tmp_path / "a.png", icc_profile=grey())
    report = run(tmp_path / "a.png", tmp_path / "o", format="png", registry=registry)
    assert np.array_equal(base(report.target), by_littlecms(image, grey()))


def test_grey_is_converted_by_a_profile_for_rgb_as_browsers_do(tmp_path, registry):
    image = Image.fromarray(PHOTO[:, :, 0])
    image.save(tmp_path / "a.png", icc_profile=matrix())
    report = run(tmp_path / "a.png", tmp_path / "o", format="png", registry=registry)
    assert np.array_equal(base(report.target), by_littlecms(image.convert("RGB"), matrix()))


@pytest.mark.parametrize("color", ["srgb", "keep", "embed"])
def test_cmyk_is_always_converted_and_carries_srgb(color, tmp_path, registry):
    image = Image.fromarray(PHOTO).convert("CMYK")
    image.save(tmp_path / "a.tif", icc_profile=cmyk())
    report = run(tmp_path / "a.tif", tmp_path / "o", format="png", color=color, registry=registry)
    assert np.array_equal(base(report.target), by_littlecms(image, cmyk()))
    assert profiles_of(report.target) == {shipped.SRGB}
    assert any("in any case" in note for note in report.notes) == (color != "srgb")


def test_cmyk_without_a_profile_is_converted_by_a_default_that_is_named(tmp_path, registry):
    import pyvips

    image = Image.fromarray(PHOTO).convert("CMYK")
    image.save(tmp_path / "a.tif")
    report = run(tmp_path / "a.tif", tmp_path / "o", format="png", registry=registry)
    assert np.array_equal(base(report.target), by_littlecms(image, bytes(pyvips.Image.profile_load("cmyk"))))
    assert colour(report.target).profile == "libvips' default for CMYK"


@pytest.mark.parametrize("depth", [8, 16])
def test_lab_becomes_srgb(depth, tmp_path, registry):
    # Under D50, L 54.3, a 80.8, b 69.9 is the pure red of sRGB, within the rounding of 8 bits.
    lab = np.array([round(54.3 * 2.55), 81, 70], np.uint8)
    samples = np.tile(lab, (8, 8, 1)) if depth == 8 else np.tile(lab.astype(np.uint16) << 8, (8, 8, 1))
    tifffile.imwrite(tmp_path / "lab.tif", samples, photometric="cielab")
    report = run(tmp_path / "lab.tif", tmp_path / "o", format="png", registry=registry)
    assert np.abs(base(report.target)[0, 0].astype(int) - (255, 0, 0)).max() <= 6


def test_sixteen_bits_become_eight_before_they_are_converted(tmp_path, registry):
    samples = (PHOTO.astype(np.uint16) << 8) | gradient(*SIZE)
    tifffile.imwrite(tmp_path / "a.tif", samples, photometric="rgb", iccprofile=lut())
    report = run(tmp_path / "a.tif", tmp_path / "o", format="png", registry=registry)
    assert np.array_equal(base(report.target), by_littlecms(PHOTO, lut()))


@pytest.mark.parametrize("color", ["srgb", "keep"])
def test_an_srgb_profile_costs_nothing_and_is_no_news(color, tmp_path, registry):
    path = jpeg(tmp_path / "a.jpg", PHOTO, icc_profile=srgb())
    report = run(path, tmp_path / "o", backend="vips", color=color, registry=registry)
    assert report.notes == ()
    assert report.method == "libvips reads the file itself"
    record = colour(report.target)
    assert (record.profile, record.converted, record.embedded) == ("sRGB built-in", False, None)
    assert record.sha256 == hashlib.sha256(srgb()).hexdigest()
    assert profiles_of(report.target) == {None}


def test_a_profile_counts_as_srgb_up_to_a_difference_of_one(tmp_path, registry):
    def is_converted(data: bytes) -> bool:
        Image.fromarray(PHOTO).save(tmp_path / "a.png", icc_profile=data)
        return plan(spec(tmp_path / "a.png"), registry).colour.converted

    steps = np.linspace(0, 255, 33).round().astype(np.uint8)
    lattice = np.stack(np.meshgrid(steps, steps, steps), -1).reshape(33, -1, 3)
    # sRGB's primaries with another curve: the nearer to its own, the less is moved.
    primaries = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))
    for exponent in (2.1, 2.2, 2.3):
        data = matrix(exponent=exponent, primaries=primaries)
        moved = np.abs(by_littlecms(lattice, data).astype(int) - lattice).max()
        assert is_converted(data) == (moved > 1)


BAD = {
    "broken": (b"no profile at all", "of 17 bytes was left alone: it is broken, or no ICC profile"),
    "cut": (lut()[:700], "was left alone: "),
    "link": (lut(kind=b"link"), "' was left alone: its class is 'link', which describes no picture's colours"),
    "abstract": (lut(kind=b"abst"), "its class is 'abst', which describes no picture's colours"),
    "CMYK": (cmyk(), "' was left alone: it is for CMYK pixels, and these are RGB"),
    "grey": (grey(), "' was left alone: it is for grey pixels, and these are RGB"),
}


@pytest.mark.parametrize("color", ["srgb", "embed"])
@pytest.mark.parametrize("kind", BAD)
def test_a_profile_that_is_none_for_these_pixels_is_named_and_left_alone(kind, color, tmp_path, registry):
    data, said = BAD[kind]
    Image.fromarray(PHOTO).save(tmp_path / "a.png", icc_profile=data)
    report = run(tmp_path / "a.png", tmp_path / "o", format="png", color=color, registry=registry)
    assert np.array_equal(base(report.target), PHOTO)
    assert profiles_of(report.target) == {None}
    (note,) = report.notes
    assert note.startswith("the colour profile ")
    assert said in note
    assert colour(report.target).sha256 == hashlib.sha256(data).hexdigest()


def test_cmyk_with_a_profile_for_rgb_is_converted_by_the_default(tmp_path, registry):
    Image.fromarray(PHOTO).convert("CMYK").save(tmp_path / "a.tif", icc_profile=matrix())
    report = run(tmp_path / "a.tif", tmp_path / "o", registry=registry)
    assert "' was left alone: it is for RGB pixels, and these are CMYK" in report.notes[0]
    assert "libvips' default for CMYK" in report.notes[1]


def test_tiff_and_openslide_hand_out_the_slides_profile(tmp_path, registry):
    # A profile that LittleCMS would write otherwise: its creation date has a day 0.
    data = bytearray(lut())
    data[28:30] = bytes(2)
    path = svs(tmp_path / "a.svs", PHOTO, icc=bytes(data))
    for reader in ("tiff", "openslide"):
        with registry.reader(reader).create().open(path) as source:
            assert source.facts.icc == bytes(data)


@pytest.mark.parametrize("tile", [True, False], ids=["tiled", "stripped"])
def test_grey_tiffs_are_converted(tile, tmp_path, registry):
    samples = photo(300, 200)[:, :, 0]
    how: dict[str, Any] = {"tile": (64, 64)} if tile else {}
    tifffile.imwrite(tmp_path / "a.tif", samples, photometric="minisblack", iccprofile=grey(), **how)
    with open_slide(tmp_path / "a.tif", registry=registry) as source:
        assert np.array_equal(source.read(open_box(source.facts.size)), by_littlecms(samples, grey()))


@pytest.mark.parametrize("name", [*WIDE, "sRGB"])
def test_the_table_gives_the_very_bytes_of_littlecms(name):
    data = {**WIDE, "sRGB": srgb()}[name]
    transform = profiles.transform(data, "RGB")
    chance = np.random.default_rng(3)
    noise = chance.integers(0, 256, (60, 301, 3), dtype=np.uint8)
    table = ColourTable(lambda pixels: converted(transform, pixels))
    for pixels in (PHOTO, noise, noise[3:45, 5:200], PHOTO[:1, :1]):
        assert np.array_equal(table(pixels.copy()), by_littlecms(np.ascontiguousarray(pixels), data))


def test_pixels_that_must_not_be_written_to_are_not():
    table = ColourTable(lambda pixels: 255 - pixels)
    kept = PHOTO.copy()
    kept.flags.writeable = False
    assert np.array_equal(table(kept), 255 - PHOTO)
    assert np.array_equal(kept, PHOTO)


def test_a_table_is_filled_where_colours_are_and_nowhere_else():
    asked = []

    def convert(pixels: np.ndarray) -> np.ndarray:
        asked.append(pixels.size // 3)
        return 255 - pixels

    table = ColourTable(convert)
    flat = np.full((100, 100, 3), 200, np.uint8)
    assert np.array_equal(table(flat.copy()), 255 - flat)
    assert np.array_equal(table(flat + 3), 252 - flat)
    assert asked == [conversions.SIDE**3]


def test_threads_share_a_table(tmp_path, registry):
    from concurrent.futures import ThreadPoolExecutor

    transform = profiles.transform(lut(), "RGB")
    table = ColourTable(lambda pixels: converted(transform, pixels))
    pictures = [photo(60, 50, seed=seed) for seed in range(8)]
    with ThreadPoolExecutor(4) as pool:
        for found, picture in zip(pool.map(table, [picture.copy() for picture in pictures]), pictures, strict=True):
            assert np.array_equal(found, by_littlecms(picture, lut()))


def test_large_pictures_go_by_the_table_and_small_ones_do_not(tmp_path, registry, monkeypatch):
    made = []

    def table(convert: conversions.Convert) -> ColourTable:
        made.append(1)
        return ColourTable(convert)

    monkeypatch.setattr(manager, "ColourTable", table)
    Image.fromarray(PHOTO).save(tmp_path / "a.png", icc_profile=lut())
    small = run(tmp_path / "a.png", tmp_path / "small", format="png", registry=registry)
    assert not made
    monkeypatch.setattr(manager, "TABLE_FROM", 1)
    large = run(tmp_path / "a.png", tmp_path / "large", format="png", registry=registry)
    assert made
    with open_pyramid(small.target) as one, open_pyramid(large.target) as other:
        assert compare(one, other).strength is Equality.PIXELS


@pytest.mark.parametrize("layout", ["dzi", "google"])
def test_the_background_is_converted_with_the_picture(layout, tmp_path, registry):
    image = Image.fromarray(np.dstack([PHOTO, np.where(PHOTO[:, :, 0] > 99, 255, 0)]).astype(np.uint8))
    image.save(tmp_path / "a.png", icc_profile=lut())
    options: dict[str, Any] = {"background": "#4060a0", "format": "png", "layout": layout, "registry": registry}
    report = run(tmp_path / "a.png", tmp_path / "o", **options)
    flat = np.array([[[0x40, 0x60, 0xA0]]], np.uint8)
    expected = by_littlecms(np.where(PHOTO[:, :, :1] > 99, PHOTO, flat), lut())
    with open_pyramid(report.target) as pyramid:
        found = pyramid.decode(TileAddress(pyramid.pyramid.base_level, 0, 0))
    assert np.array_equal(found[: SIZE[1], : SIZE[0]], expected)
    red, green, blue = by_littlecms(flat, lut())[0, 0].tolist()
    becomes = f"#{red:02x}{green:02x}{blue:02x}"
    assert f"the background #4060a0 is a colour of the slide, and becomes {becomes}" in report.notes
    if layout == "google":
        assert (found[SIZE[1] :] == by_littlecms(flat, lut())).all()
    assert verify(report.target, against=tmp_path / "a.png", registry=registry) == []


def test_a_profiles_own_words_get_nowhere(tmp_path, registry, capsys):
    slide = jpeg(tmp_path / "a.jpg", photo(64, 64), icc_profile=lut(name="Jane Doe 1970"))
    for color in ("srgb", "keep", "embed"):
        out = tmp_path / color
        assert run_command(["run", str(slide), "-o", str(out), "--viewer", "--color", color, "--format", "png"]) == 0
        for path in (out.with_suffix(".html"), out.with_suffix(".tileframe.json")):
            assert "Jane" not in path.read_text()
    captured = capsys.readouterr()
    assert "Jane" not in captured.out + captured.err
