"""The page of each layout, in loose files."""

from __future__ import annotations

import numpy as np
import pytest

import tileframe
from tests.browser.looking import HEIGHT, canvas, page_of, psnr
from tests.pictures import photo, png
from tileframe_viewer.known import LAYOUTS
from tileframe_viewer.page import PageViewer

SIZE = (1500, 1000)
VIEW = "#x=750&y=500&zoom=1"


@pytest.fixture(scope="module")
def slide(tmp_path_factory):
    return png(tmp_path_factory.mktemp("layouts") / "slide.png", photo(*SIZE))


@pytest.fixture
def laid_out(slide, tmp_path):
    """Put a pyramid and its page into the test's folder."""

    def make(layout, name=None, **options):
        name = name or layout
        tileframe.run(slide, tmp_path / name, layout=layout, format="png", **options)
        pyramid = tileframe.open_pyramid(tmp_path / (f"{name}.dzi" if layout == "dzi" else name))
        PageViewer().write([pyramid])
        return pyramid

    return make


@pytest.mark.parametrize(
    "layout",
    # Of dzi, test_page.py shows it.
    [pytest.param(name, marks=pytest.mark.thorough) if name == "dzi" else name for name in LAYOUTS],
)
@pytest.mark.parametrize("as_file", [False, pytest.param(True, marks=pytest.mark.thorough)], ids=["served", "file"])
def test_every_layout_shows_the_slides_pixels(open_page, laid_out, layout, as_file):
    opened = open_page(page_of(laid_out(layout)), VIEW, as_file=as_file, height=HEIGHT + 1)
    assert not opened.is_seen("#problem")
    assert f"{layout}" in opened.page.locator("#facts").text_content()
    if as_file:
        return  # what a file draws on, no script may read
    shown = canvas(opened)
    height, width = shown.shape[:2]
    x, y = 750 - width // 2, 500 - height // 2
    wanted = photo(*SIZE)[y : y + height, x : x + width].astype(np.int64)
    assert psnr(shown, wanted) > 45


@pytest.mark.parametrize("view", [pytest.param("", marks=pytest.mark.thorough), "#x=1400&y=950&zoom=3.3"])
def test_what_google_tiles_are_padded_with_is_not_shown(open_page, laid_out, view):
    shots = [canvas(open_page(page_of(laid_out(layout)), view)) for layout in ("zoomify", "google")]
    # Where there is no slide, the canvas is empty, and not white as the padding is.
    outside = [(shot == 0).all(axis=2) for shot in shots]
    assert outside[0].any()
    assert (outside[0] == outside[1]).mean() > 0.999
    assert psnr(*shots) > 60


@pytest.mark.parametrize(
    ("one", "other"), [pytest.param("dzi", "zoomify", marks=pytest.mark.thorough), ("iiif3", "google")]
)
def test_two_layouts_of_a_slide_are_shown_at_one_place(open_page, laid_out, one, other):
    geometry = {"tile_size": 256, "overlap": 0}
    pyramids = [laid_out(layout, **geometry) for layout in (one, other)]
    opened = open_page(PageViewer().write(pyramids, comparison=tileframe.compare(*pyramids)))
    opened.press("+", "+", "ArrowRight", "ArrowDown")
    assert psnr(canvas(opened, "a"), canvas(opened, "b")) > 45
    opened.page.keyboard.press("i")
    text = opened.text("#figures")
    assert "Identical" in text
    assert f"{one}" in text
    assert f"{other}" in text


def test_layouts_of_other_tile_sizes_are_shown_at_one_place(open_page, laid_out):
    pyramids = [laid_out("dzi"), laid_out("iiif3")]
    opened = open_page(PageViewer().write(pyramids, comparison=tileframe.compare(*pyramids)))
    opened.press("1", "ArrowRight")
    # Tiles without overlap are drawn a pixel larger, so that no seams are seen.
    assert psnr(canvas(opened, "a"), canvas(opened, "b")) > 30
