"""Colour management: the profiles that tiles carry, pass-through, and what is said and checked."""

from __future__ import annotations

import hashlib
import io
import json

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from tests import profiles
from tests.pictures import jpeg, photo, png, svs
from tests.profiles import base, by_littlecms, colour, grey, lut, matrix, profiles_of, srgb
from tileframe import (
    Equality,
    OptionError,
    PluginError,
    compare,
    open_pyramid,
    run,
    verify,
)
from tileframe import registry as registry_module
from tileframe_colour import srgb as shipped
from tileframe_start.command import run_command

SIZE = (70, 50)
PHOTO = photo(*SIZE)
LUT = f"sha256:{hashlib.sha256(lut()).hexdigest()[:8]}"
"""What it is called: its own description could be anything."""


# By `stream` and libvips, which writes profiles itself, each profile in each format, and none in one; by the backend
# openslide, whose tiles are encoded as those of `stream` are, one.
LESS = {("keep", "png"): (), ("keep", "jpeg"): ("stream", "vips"), ("embed", "jpeg"): ("stream", "vips", "openslide")}


@pytest.mark.parametrize(
    ("color", "tile_format", "backend"),
    [
        pytest.param(color, tile_format, backend, marks=[] if is_quick else [pytest.mark.thorough])
        for color in ("srgb", "embed", "keep")
        for tile_format in ("jpeg", "png")
        for backend in ("stream", "vips", "openslide")
        for is_quick in [backend in LESS.get((color, tile_format), ("stream", "vips"))]
    ],
)
def test_every_tile_carries_the_profile_of_its_pixels(color, tile_format, backend, tmp_path, registry):
    path = jpeg(tmp_path / "a.jpg", photo(600, 300), icc_profile=lut())
    reader = "imageslide" if backend == "openslide" else "vips"
    report = run(
        path, tmp_path / "o", color=color, format=tile_format, backend=backend, reader=reader, registry=registry
    )
    expected = {"srgb": shipped.SRGB, "embed": lut(), "keep": None}[color]
    assert profiles_of(report.target) == {expected}
    assert colour(report.target).embedded == (expected and hashlib.sha256(expected).hexdigest())
    assert verify(report.target, against=path, registry=registry) == []


@pytest.mark.parametrize("color", ["srgb", "embed"])
def test_webp_tiles_carry_it_too(color, tmp_path, registry):
    path = jpeg(tmp_path / "a.jpg", PHOTO, icc_profile=lut())
    for number, options in enumerate(({}, {"lossless": True})):
        report = run(
            path, tmp_path / f"{number}", color=color, format="webp", format_options=options, registry=registry
        )
        assert profiles_of(report.target) == {shipped.SRGB if color == "srgb" else lut()}
        assert verify(report.target, against=path, registry=registry) == []


def test_a_large_profile_takes_several_segments_of_a_jpeg(tmp_path, registry):
    large = lut(name="x" * 200_000)
    path = png(tmp_path / "a.png", PHOTO)
    Image.fromarray(PHOTO).save(path, icc_profile=large)
    report = run(path, tmp_path / "o", color="embed", registry=registry)
    assert profiles_of(report.target) == {large}


def test_a_profile_too_large_for_a_tile_is_refused_before_the_work(tmp_path, registry):
    large = lut() + bytes(17_000_000)
    tifffile.imwrite(tmp_path / "a.tif", PHOTO, photometric="rgb", iccprofile=large)
    with pytest.raises(
        OptionError, match=f"a jpeg tile cannot carry a colour profile of {len(large)} bytes; give --color"
    ):
        run(tmp_path / "a.tif", tmp_path / "o", color="embed", registry=registry)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.tif"]


@pytest.mark.parametrize("tile_format", ["avif", "jxl"])
def test_formats_that_take_no_profile_refuse_to_embed_one_and_are_srgb_without(tile_format, tmp_path, registry):
    path = jpeg(tmp_path / "a.jpg", PHOTO, icc_profile=lut())
    with pytest.raises(OptionError, match=f"{tile_format} tiles carry no colour profile here; give --color srgb"):
        run(path, tmp_path / "o", color="embed", format=tile_format, registry=registry)
    assert not (tmp_path / "o.dzi").exists()
    report = run(path, tmp_path / "o", format=tile_format, registry=registry)
    assert colour(report.target).converted
    assert colour(report.target).embedded is None


def test_a_grey_profile_cannot_be_embedded_and_is_converted(tmp_path, registry):
    image = Image.fromarray(PHOTO[:, :, 0])
    image.save(tmp_path / "a.png", icc_profile=grey())
    report = run(tmp_path / "a.png", tmp_path / "o", format="png", color="embed", registry=registry)
    assert np.array_equal(base(report.target), by_littlecms(image, grey()))
    assert profiles_of(report.target) == {shipped.SRGB}


def test_workers_in_other_processes_convert_too(tmp_path, registry):
    path = svs(tmp_path / "a.svs", photo(600, 500), icc=lut())
    made = [
        run(path, tmp_path / f"{executor}", executor=executor, workers=2, format="png", registry=registry)
        for executor in ("threads", "processes")
    ]
    with open_pyramid(made[0].target) as one, open_pyramid(made[1].target) as other:
        assert compare(one, other).strength is Equality.PIXELS
    assert profiles_of(made[1].target) == {shipped.SRGB}


def test_pass_through_of_other_colours_needs_keep_or_embed(tmp_path, registry, capsys):
    path = svs(tmp_path / "a.svs", photo(600, 500), icc=lut())
    assert run_command(["run", f"{path}", "-o", f"{tmp_path / 'o'}", "--passthrough", "-q"]) == 2
    assert f"converted to sRGB from '{LUT}'; give --color keep or embed" in capsys.readouterr().err
    for color, expected in (("keep", None), ("embed", lut())):
        report = run(path, tmp_path / color, passthrough=True, color=color, registry=registry)
        assert report.passed_through
        assert profiles_of(report.target) == {expected}
        assert verify(report.target, against=path, registry=registry) == []


def test_pass_through_where_it_can_be_encodes_what_must_be_converted(tmp_path, registry):
    path = svs(tmp_path / "a.svs", photo(600, 500), icc=lut())
    report = run(path, tmp_path / "o", passthrough="auto", registry=registry)
    assert report.passed_through == 0
    assert any("give --color keep or embed" in note for note in report.notes)


def test_pass_through_of_srgb_needs_nothing(tmp_path, registry):
    path = svs(tmp_path / "a.svs", photo(600, 500), icc=srgb())
    assert run(path, tmp_path / "o", passthrough=True, registry=registry).passed_through


def test_verify_against_the_slide_finds_colours_that_were_not_converted(tmp_path, registry):
    path = svs(tmp_path / "a.svs", photo(600, 500), icc=lut())
    report = run(path, tmp_path / "o", color="keep", registry=registry)
    manifest = tmp_path / "o.tileframe.json"
    manifest.write_text(manifest.read_text().replace('"asked": "keep"', '"asked": "srgb"'))
    assert any(finding.check == "against" for finding in verify(report.target, against=path, registry=registry))


def test_a_pyramid_of_another_tool_is_compared_with_the_colours_as_they_are(tmp_path, registry):
    path = svs(tmp_path / "a.svs", photo(600, 500), icc=matrix(primaries=profiles.PROPHOTO, exponent=1.8))
    report = run(path, tmp_path / "o", color="keep", format="png", registry=registry)
    (tmp_path / "o.tileframe.json").unlink()
    (tmp_path / "o.sha256").unlink()
    assert verify(report.target, against=path, registry=registry) == []


def test_compare_tells_the_same_numbers_of_other_colours(tmp_path, registry):
    path = jpeg(tmp_path / "a.jpg", PHOTO, icc_profile=lut())
    kept, embedded = (run(path, tmp_path / color, color=color, registry=registry) for color in ("keep", "embed"))
    with open_pyramid(kept.target) as one, open_pyramid(embedded.target) as other:
        (note,) = compare(one, other).notes
        assert f"'{LUT}', which the tiles do not carry; and" in note
        assert compare(one, one).notes == ()


def test_info_tells_what_becomes_of_the_colours(tmp_path, registry, capsys):
    path = svs(tmp_path / "a.svs", PHOTO, icc=lut())
    assert run_command(["info", f"{path}"]) == 0
    assert capsys.readouterr().out.count(f"converted to sRGB from '{LUT}', relative colorimetric") == 1
    assert run_command(["info", f"{path}", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["colour"]["sha256"] == hashlib.sha256(lut()).hexdigest()
    assert "icc" not in told["facts"]


def test_a_note_is_said_once_on_stderr(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    jpeg(tmp_path / "a.jpg", PHOTO, icc_profile=lut())
    assert run_command(["run", "a.jpg", "--json", "--color", "keep"]) == 0
    out, err = capsys.readouterr()
    note = f"colours: the numbers are those of '{LUT}', which the tiles do not carry"
    assert err == f"tileframe: {note}\n"
    assert json.loads(out)["notes"] == [note]


@pytest.mark.parametrize("words", [["--color", "adobe"], ["--intent", "pretty"]], ids=" ".join)
def test_unknown_words_are_refused(words, tmp_path, capsys):
    jpeg(tmp_path / "a.jpg", PHOTO)
    assert run_command(["run", f"{tmp_path / 'a.jpg'}", "-o", f"{tmp_path / 'o'}", *words]) == 2
    with pytest.raises(OptionError, match=f"{words[0][2:]} is one of .*, not '{words[1]}'"):
        run(tmp_path / "a.jpg", tmp_path / "o", **{words[0][2:]: words[1]})


def test_without_its_plugin_a_profile_is_an_error_and_its_lack_is_none(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TILEFRAME_PLUGINS", "openslide,layouts,stores,stream,writers")
    monkeypatch.chdir(tmp_path)
    png(tmp_path / "plain.png", PHOTO)
    assert run_command(["run", "plain.png"]) == 0
    Image.fromarray(PHOTO).save(tmp_path / "a.png", icc_profile=lut())
    assert run_command(["run", "a.png"]) == 6
    assert "no plugin that is loaded manages colours" in capsys.readouterr().err


def test_two_plugins_that_manage_colours_are_one_too_many(shown, tmp_path, registry):
    Image.fromarray(PHOTO).save(tmp_path / "a.png", icc_profile=lut())
    both = registry_module.load([shown("plain_colours")])
    with pytest.raises(PluginError, match="more than one plugin manages colours: as-they-are and icc"):
        run(tmp_path / "a.png", tmp_path / "o", registry=both)


def test_pillow_reads_the_embedded_profile_back_as_a_profile(tmp_path, registry):
    path = jpeg(tmp_path / "a.jpg", PHOTO, icc_profile=lut())
    report = run(path, tmp_path / "o", registry=registry)
    (data,) = profiles_of(report.target)
    assert data is not None
    assert ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(data))).strip() == "uRGB"
