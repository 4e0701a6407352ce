"""`tileframe demo`: the newcomer's first command."""

import shutil
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import openslide
import pytest

from tileframe import Box, OptionError, Size
from tileframe_demo import sample
from tileframe_demo.command import sample_size
from tileframe_demo.svs import SvsWriter
from tileframe_demo.tissue import GLASS, Tissue
from tileframe_start.command import run_command

SIZE = sample_size(1)


@pytest.fixture
def opened(monkeypatch):
    """What the browser would be opened by, were there a screen."""
    opened = Mock(return_value=True)
    monkeypatch.setattr("webbrowser.open", opened)
    monkeypatch.setenv("DISPLAY", ":0")
    return opened


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo") / "new" / "sample"
    assert run_command(["demo", "-o", str(folder), "--megapixels", "1"]) == 0
    return folder


@pytest.fixture(scope="module")
def slide(folder):
    with openslide.OpenSlide(folder / "tileframe-demo.svs") as slide:
        yield slide


@pytest.fixture(scope="module")
def base_pixels(slide):
    return np.asarray(slide.read_region((0, 0), 0, slide.dimensions).convert("RGB"))


def test_demo_makes_a_slide_and_its_pyramid_and_nothing_else(folder):
    assert {path.name for path in folder.iterdir()} == {
        "tileframe-demo.svs",
        "tileframe-demo.dzi",
        "tileframe-demo.sha256",
        "tileframe-demo.tileframe.json",
        "tileframe-demo_files",
        "tileframe-demo.html",
        "tileframe-viewer",
    }


def test_demo_says_where_both_are_and_what_to_do_next_and_opens_nothing(tmp_path, monkeypatch, capsys, opened):
    monkeypatch.chdir(tmp_path)
    assert run_command(["demo", "--megapixels", "1", "--workers", "1"]) == 0
    assert opened.call_count == 0
    out, err = capsys.readouterr()
    slide = Path("tileframe-demo", "tileframe-demo.svs")
    assert f"{slide}  the slide, {SIZE}" in out
    assert f"{slide.with_suffix('.dzi')}  its pyramid, 12 levels" in out
    assert f"{slide.with_suffix('.html')}\n" in out
    assert f"drawing a slide, {SIZE}" in err
    assert all(line.startswith("tileframe: ") for line in err.splitlines())

    command = next(line.split() for line in out.splitlines() if line.startswith("  tileframe run"))
    assert run_command(command[1:]) == 0


def test_openslide_takes_the_slide_for_one_of_aperio(slide):
    assert slide.properties[openslide.PROPERTY_NAME_VENDOR] == "aperio"
    assert float(slide.properties[openslide.PROPERTY_NAME_MPP_X]) == 0.25
    assert float(slide.properties[openslide.PROPERTY_NAME_MPP_Y]) == 0.25
    assert float(slide.properties[openslide.PROPERTY_NAME_OBJECTIVE_POWER]) == 40
    assert slide.properties["openslide.level[0].tile-width"] == "256"
    assert list(slide.associated_images) == ["thumbnail"]


def test_slide_has_three_native_levels_of_the_same_picture(slide, base_pixels):
    assert slide.level_downsamples == (1, 4, 16)
    for level, (width, height) in enumerate(slide.level_dimensions):
        pixels = slide.read_region((0, 0), level, (width, height)).convert("RGB")
        expected = base_pixels.reshape(height, 4**level, width, 4**level, 3).mean(axis=(1, 3))
        assert np.abs(np.asarray(pixels) - expected).mean() < 8  # JPEG, of a picture full of edges


def test_slide_shows_what_was_drawn(base_pixels):
    drawn = Tissue(SIZE).draw(Box(0, 0, SIZE.width, SIZE.height))
    assert np.abs(base_pixels.astype(int) - drawn).mean() < 4


def test_picture_has_glass_eosin_and_nuclei(base_pixels):
    red, green, blue = np.moveaxis(base_pixels.astype(int), 2, 0)
    glass = (np.abs(base_pixels.astype(int) - GLASS) < 4).all(axis=2)
    pink = (red > 170) & (green < red - 40) & (blue > green)
    nuclei = (red < 130) & (green < 110) & (blue > red)
    assert 0.2 < glass.mean() < 0.7
    assert pink.mean() > 0.1
    assert nuclei.mean() > 0.03


def test_slide_is_the_same_every_time(folder, tmp_path):
    again = tmp_path / "again.svs"
    sample.write_sample(again, SIZE, workers=3, progress=lambda pixels: None)
    assert again.read_bytes() == (folder / "tileframe-demo.svs").read_bytes()


def test_any_part_is_drawn_as_in_the_whole():
    tissue = Tissue(Size(1536, 1024))
    whole = tissue.draw(Box(0, 0, 1536, 1024)).astype(int)
    for box in (Box(512, 0, 512, 512), Box(300, 200, 256, 512), Box(1280, 768, 256, 256)):
        part = tissue.draw(box)
        # Pillow's coefficients are rounded; a shift or a missing cell would be seen at once.
        assert np.abs(whole[box.y : box.bottom, box.x : box.right] - part).max() <= 8


def test_second_demo_replaces_the_first(folder, tmp_path):
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    assert run_command(["demo", "-o", str(tmp_path), "--megapixels", "1.5"]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "tileframe-demo.dzi",
        "tileframe-demo.html",
        "tileframe-demo.sha256",
        "tileframe-demo.svs",
        "tileframe-demo.tileframe.json",
        "tileframe-demo_files",
        "tileframe-viewer",
    ]
    with openslide.OpenSlide(tmp_path / "tileframe-demo.svs") as slide:
        assert Size(*slide.dimensions) == (size := sample_size(1.5)) != SIZE
    assert f'Width="{size.width}"' in (tmp_path / "tileframe-demo.dzi").read_text()


# Where nothing is said, none is opened: see above.
@pytest.mark.parametrize(("option", "pages"), [("--open", 1), pytest.param("--no-open", 0, marks=pytest.mark.thorough)])
def test_the_page_is_opened_where_that_is_asked_for(option, pages, tmp_path, opened):
    assert run_command(["demo", "-o", str(tmp_path), "--megapixels", "1", option]) == 0
    assert opened.call_count == pages


@pytest.mark.parametrize(
    ("failure", "code"),
    [(OSError(28, "No space left on device"), 4), (KeyboardInterrupt(), 130)],
    ids=["full disk", "Ctrl-C"],
)
def test_demo_that_breaks_off_leaves_nothing(tmp_path, monkeypatch, capsys, failure, code):
    def fail(self, box):
        raise failure

    monkeypatch.setattr(Tissue, "draw", fail)
    assert run_command(["demo", "-o", str(tmp_path / "a" / "b"), "--megapixels", "1"]) == code
    assert list(tmp_path.iterdir()) == []
    assert "Traceback" not in capsys.readouterr().err


def test_demo_that_breaks_off_keeps_the_slide_of_the_last_one(tmp_path, monkeypatch):
    slide = tmp_path / "tileframe-demo.svs"
    slide.write_bytes(b"the last one")
    monkeypatch.setattr(SvsWriter, "add_thumbnail", lambda writer, pixels: 1 / 0)
    assert run_command(["demo", "-o", str(tmp_path), "--megapixels", "1"]) == 1
    assert [path.name for path in tmp_path.iterdir()] == [slide.name]
    assert slide.read_bytes() == b"the last one"


def test_folder_that_cannot_be_written_is_one_line(tmp_path, capsys):
    (tmp_path / "file").write_text("not a folder")
    assert run_command(["demo", "-o", str(tmp_path / "file" / "demo"), "--megapixels", "1"]) == 4
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("tileframe: ")
    assert "cannot be written" in last


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--megapixels", "0.5"], "a demo slide has from 1 to 2000 megapixels, not 0.5"),
        (["--megapixels", "nan"], "a demo slide has from 1 to 2000 megapixels, not nan"),
        (["--megapixels", "2001"], "a demo slide has from 1 to 2000 megapixels, not 2001"),
        (["--workers", "0"], "the number of workers must be 1 or more, not 0"),
    ],
    ids=" ".join,
)
def test_wrong_value_is_told_in_one_line_before_anything_is_made(tmp_path, capsys, options, message):
    assert run_command(["demo", "-o", str(tmp_path / "demo"), *options]) == 2
    assert capsys.readouterr().err == f"tileframe: {message}\n"
    assert list(tmp_path.iterdir()) == []


def test_sample_is_three_by_two_of_whole_tiles():
    assert sample_size(100) == Size(12288, 8192)
    for megapixels in (1, 1.5, 7, 64, 333, 2000):
        size = sample_size(megapixels)
        assert size.width % 256 == size.height % 256 == 0
        assert size.area == pytest.approx(megapixels * 1e6, rel=0.3)
    with pytest.raises(OptionError, match="megapixels"):
        sample_size(0)
