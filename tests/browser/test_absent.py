"""Tiles that are left out because they are blank are shown as background, and nobody asks for them."""

from __future__ import annotations

import numpy as np
import pytest

import tileframe
from tests.browser.looking import HEIGHT, canvas, page_of, psnr
from tests.pictures import photo, png
from tileframe_viewer.known import LAYOUTS
from tileframe_viewer.page import PageViewer

COLOUR = (230, 210, 190)
SIZE = (3000, 2000)


@pytest.fixture(scope="module")
def picture():
    pixels = np.full((SIZE[1], SIZE[0], 3), COLOUR, np.uint8)
    pixels[700:1100, 1100:1500] = photo(400, 400)
    return pixels


@pytest.fixture
def sparse(tmp_path, picture):
    """Put a pyramid whose blank tiles are left out, and its page, into the test's folder."""

    def make(name, **how):
        slide = png(tmp_path / "slide.png", picture)
        report = tileframe.run(slide, tmp_path / name, format="png", background="#e6d2be", skip_blank=0, **how)
        assert report.absent > report.tiles / 2
        with tileframe.open_pyramid(report.target) as made:
            PageViewer().write([made])
            return made

    return make


@pytest.mark.parametrize(
    "layout",
    [name if name == "google" else pytest.param(name, marks=pytest.mark.thorough) for name in LAYOUTS],
)
def test_the_background_is_shown_and_no_absent_tile_is_asked_for(open_page, sparse, picture, layout):
    made = sparse("o", layout=layout)
    opened = open_page(page_of(made), "#x=1500&y=900&zoom=1", height=HEIGHT + 1)
    shown = canvas(opened)
    height, width = shown.shape[:2]
    wanted = picture[900 - height // 2 :, 1500 - width // 2 :][:height, :width].astype(np.int64)
    assert psnr(shown, wanted) > 45
    assert (shown[:50] == COLOUR).all()
    asked = {url.partition(f"/{made.layout.folder}/")[2] for url in opened.requests}
    there = {key.removeprefix(f"{made.layout.folder}/") for key in made.files.keys(made.layout.folder)}
    assert asked - {""} <= there
    assert not opened.is_seen("#problem")
    opened.keep(f"absent-{layout}")


def test_so_it_is_in_an_archive(open_page, sparse, picture):
    opened = open_page(page_of(sparse("o.szi")), "#x=1500&y=900&zoom=1", height=HEIGHT + 1)
    shown = canvas(opened)
    height, width = shown.shape[:2]
    assert psnr(shown, picture[900 - height // 2 :, 1500 - width // 2 :][:height, :width].astype(np.int64)) > 45
    assert not opened.is_seen("#problem")


def test_a_tile_that_is_missing_and_not_listed_is_still_told(open_page, sparse, tmp_path):
    made = sparse("o")
    (tmp_path / "o_files" / "12" / "4_2.png").unlink()
    opened = open_page(page_of(made), "#x=1500&y=900&zoom=1", faults=True)
    opened.page.wait_for_selector("#problem:not([hidden])")
    assert "One tile of o could not be loaded: o_files/12/4_2.png is missing" in opened.text("#problem-text")


def test_with_and_without_them_two_pyramids_look_the_same(open_page, sparse, picture, tmp_path):
    made = sparse("o")
    tileframe.run(tmp_path / "slide.png", tmp_path / "whole", format="png")
    with tileframe.open_pyramid(made.target) as one, tileframe.open_pyramid(tmp_path / "whole.dzi") as other:
        page = PageViewer().write([one, other], comparison=tileframe.compare(one, other))
    opened = open_page(page, "#x=1500&y=1000&zoom=0.2")
    assert psnr(canvas(opened, "a"), canvas(opened, "b")) > 45
