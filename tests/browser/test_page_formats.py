"""The page of each tile format that not every browser shows."""

from __future__ import annotations

import numpy as np
import pytest

import tileframe
from tests.browser.looking import canvas, page_of, psnr
from tests.pictures import photo, png
from tileframe_viewer.page import PageViewer

SIZE = (640, 480)
JXL_SINCE = 156
"""The first Chromium that was seen to show JPEG XL."""
WITHOUT_JXL = ("--disable-features=JXLImageFormat",)


@pytest.fixture
def page(tmp_path):
    """Write a pyramid of a tile format, and its page, into the test's folder."""

    def make(name, target="slide.dzi", **options):
        slide = png(tmp_path / "slide.png", photo(*SIZE))
        tileframe.run(slide, tmp_path / target, format=name, format_options=options)
        pyramid = tileframe.open_pyramid(tmp_path / target)
        PageViewer().write([pyramid])
        return page_of(pyramid)

    return make


@pytest.mark.parametrize(
    ("name", "target", "options"),
    [
        ("webp", "slide.dzi", {"quality": 95}),
        pytest.param("webp", "slide.szi", {"lossless": True}, marks=pytest.mark.thorough),
        ("avif", "slide.szi", {"quality": 85}),
        pytest.param("avif", "slide.dzi", {"quality": 100}, marks=pytest.mark.thorough),
        ("jxl", "slide.dzi", {"quality": 95}),
        pytest.param("jxl", "slide.szi", {"lossless": True}, marks=pytest.mark.thorough),
    ],
    ids=str,
)
def test_the_slides_pixels_are_shown(open_page, page, browser, name, target, options):
    if name == "jxl" and int(browser.version.partition(".")[0]) < JXL_SINCE:
        pytest.skip(f"Chromium {browser.version} does not show JPEG XL")
    opened = open_page(page(name, target, **options), "#x=320&y=240&zoom=1", width=400, height=401)
    assert not opened.is_seen("#problem")
    shown = canvas(opened)
    height, width = shown.shape[:2]
    x, y = 320 - width // 2, 240 - height // 2
    assert psnr(shown, photo(*SIZE)[y : y + height, x : x + width].astype(np.int64)) > 35


@pytest.mark.parametrize("browser", [WITHOUT_JXL], indirect=True)
@pytest.mark.parametrize("as_file", [False, pytest.param(True, marks=pytest.mark.thorough)], ids=["served", "file"])
def test_a_browser_that_cannot_show_them_is_told_which_can(open_page, page, as_file):
    opened = open_page(page("jxl"), as_file=as_file, viewer=False)
    opened.page.wait_for_selector("#problem:not([hidden])")
    assert opened.text("#problem-text") == (
        "This browser cannot show the JPEG XL tiles of slide. Safari 17, Chrome 156 and later can; "
        "for every browser, make the pyramid again with --format jpeg or png."
    )
    assert not [url for url in opened.requests if url.endswith(".jxl")]
    opened.keep("no-jxl")
