"""Pages of archives: tiles are read out of one file by range requests."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

import tileframe
from tests.browser.archives import (
    Counting,
    IgnoresTheEnd,
    RefusesTheEnd,
    WholeOnly,
    large_archive,
    square,
)
from tests.browser.looking import (
    ALL_AT_ONCE,
    HEIGHT,
    ODD_NAMES,
    TILE_SIZE,
    WIDTH,
    base_part,
    canvas,
    colours,
    page_of,
    psnr,
)
from tests.browser.tabs import Tab
from tests.pictures import photo, svs
from tests.running import served
from tileframe import StoredPyramid
from tileframe_viewer.page import PageViewer

BLOCK, TAIL = 16384 + 2048, 1024
"""Of page/members.js: how much of a directory is read at once, and how much of an archive's end."""


@pytest.fixture(scope="session")
def packed(tmp_path_factory):
    """``slide.szi``, made once."""
    folder = tmp_path_factory.mktemp("packed")
    slide = svs(folder / "slide.svs", photo(3000, 2000))
    tileframe.run(slide, folder / "slide.szi", quality=95, tile_size=TILE_SIZE)
    return folder / "slide.szi"


@pytest.fixture
def archive(packed, tmp_path):
    """The page of an archive in the test's folder."""
    return with_page(Path(shutil.copy(packed, tmp_path)))


def with_page(path: Path) -> StoredPyramid:
    with tileframe.open_pyramid(path) as pyramid:
        PageViewer().write([pyramid])
        return pyramid


def test_an_archive_shows_the_slides_pixels(open_page, archive, made):
    opened = open_page(page_of(archive), "#x=1500&y=1000&zoom=1", height=HEIGHT + 1)
    shown = canvas(opened)
    height, width = shown.shape[:2]
    assert width == WIDTH
    folder = made(quality=95)
    assert psnr(shown, base_part(folder, 1500 - WIDTH // 2, 1000 - height // 2, width, height)) > 40
    assert not opened.is_seen("#problem")
    opened.keep("archive")


def test_of_an_archive_only_parts_are_asked_for_and_the_panel_says_that_it_is_one_file(open_page, archive):
    opened = open_page(page_of(archive))
    parts = [url for url in opened.requests if url.endswith(".szi")]
    assert len(parts) > 5
    assert not [url for url in opened.requests if url.endswith((".jpeg", ".dzi"))]
    opened.page.keyboard.press("i")
    assert "dzi, in one file: slide.szi" in opened.text("#facts")


def test_libvips_archive_is_shown(open_page, tmp_path, packed):
    pyvips = pytest.importorskip("pyvips")
    image = pyvips.Image.new_from_array(photo(1500, 1000)).copy(interpretation="srgb")
    image.dzsave(str(tmp_path / "theirs.szi"), container="szi")
    pyramid = with_page(tmp_path / "theirs.szi")
    opened = open_page(page_of(pyramid), "#x=750&y=500&zoom=0.8", height=HEIGHT + 1)
    assert not opened.is_seen("#problem")
    assert colours(canvas(opened)) > 1000


@pytest.mark.parametrize(
    "layout", ["google", *(pytest.param(name, marks=pytest.mark.thorough) for name in ("dzi", "iiif3", "zoomify"))]
)
def test_a_zip_of_any_layout_is_shown(open_page, tmp_path, layout):
    slide = svs(tmp_path / "in.svs", photo(1500, 1000))
    tileframe.run(slide, tmp_path / "packed.zip", layout=layout)
    opened = open_page(page_of(with_page(tmp_path / "packed.zip")), "#x=750&y=500&zoom=0.8")
    assert not opened.is_seen("#problem")
    assert colours(canvas(opened)) > 1000


@pytest.mark.parametrize(
    "name",
    [ALL_AT_ONCE, *(pytest.param(name, marks=pytest.mark.thorough) for name in ODD_NAMES)],
)
def test_an_archive_of_any_name_is_shown(open_page, packed, tmp_path, name):
    tileframe.run(packed.with_name("slide.svs"), tmp_path / f"{name}.szi")
    pyramid = with_page(tmp_path / f"{name}.szi")
    opened = open_page(page_of(pyramid).rename(tmp_path / "page.html"), width=480, height=360)
    assert not opened.is_seen("#problem")


def test_a_renamed_archive_is_shown(open_page, archive, tmp_path):
    (tmp_path / "slide.szi").rename(tmp_path / "other.szi")
    opened = open_page(page_of(with_page(tmp_path / "other.szi")))
    assert not opened.is_seen("#problem")


def test_an_archive_and_a_folder_are_shown_at_one_place(open_page, archive, made):
    folder = made("loose", quality=95)
    with tileframe.open_pyramid(archive.location) as packed:
        page = PageViewer().write([folder, packed], comparison=tileframe.compare(folder, packed))
    opened = open_page(page)
    opened.press("+", "+", "ArrowRight")
    assert psnr(canvas(opened, "a"), canvas(opened, "b")) > 45
    opened.page.keyboard.press("i")
    assert "Identical" in opened.text("#figures .verdict")


@pytest.fixture(scope="session")
def large(tmp_path_factory):
    """Folders with the page of a large archive, and how long its directory is; made once for each size."""

    @cache
    def make(side: int) -> tuple[Path, int]:
        folder = tmp_path_factory.mktemp("large")
        length = large_archive(folder / "slide.szi", square(side))
        with_page(folder / "slide.szi")
        return folder, length

    return make


@pytest.mark.parametrize(
    ("side", "members"), [pytest.param(25_500, 13_000, marks=pytest.mark.thorough), (59_000, 70_000)]
)
def test_the_first_view_needs_one_block_of_a_large_directory(tab, large, side, members):
    folder, length = large(side)
    assert square(side).tile_count > members
    directory, tiles = read_of(tab, folder, length)
    assert directory == [TAIL, BLOCK]
    assert tiles
    assert sum(directory) < length / 40


def test_a_link_to_the_base_of_a_large_archive_needs_few_blocks(tab, large):
    folder, length = large(59_000)
    directory, tiles = read_of(tab, folder, length, "#x=30000&y=40000&zoom=1")
    assert len(tiles) >= 30
    assert sum(directory) < length / 8


def read_of(tab: Callable[..., Tab], folder: Path, directory: int, view: str = "") -> tuple[list[int], list[int]]:
    """How many bytes were read of the directory of ``slide.szi``, and of its tiles, until all of a view was shown."""
    counting = Counting(folder)
    with served(counting) as origin:
        page = tab(width=1280, height=800).page
        page.goto(f"{origin}/slide.html{view}")
        page.wait_for_timeout(300)
        page.wait_for_selector("#stages[aria-busy=false]")
        assert page.evaluate("performance.getEntriesByName('tileframe-first-tile').length") == 1
        page.goto("about:blank")
    start = (folder / "slide.szi").stat().st_size - directory - 98
    # A tile's part may reach a little into the directory: more is asked for than its header may need.
    of_directory = [length for at, length in counting.parts if at >= start]
    return of_directory, [length for at, length in counting.parts if at < start]


@pytest.mark.parametrize("kind", [pytest.param(IgnoresTheEnd, marks=pytest.mark.thorough), RefusesTheEnd])
def test_a_server_that_counts_from_the_start_only_will_do(tab, archive, tmp_path, kind):
    with served(kind(tmp_path, [tmp_path])) as origin:
        page = tab().page
        page.goto(f"{origin}/slide.html")
        page.wait_for_selector("#stages[aria-busy=false]")
        assert page.evaluate("performance.getEntriesByName('tileframe-first-tile').length") == 1
        page.goto("about:blank")


def test_a_server_without_ranges_is_told_of(tab, archive, tmp_path):
    with served(WholeOnly(tmp_path, [tmp_path])) as origin:
        page = tab().page
        page.goto(f"{origin}/slide.html")
        page.wait_for_selector("#problem:not([hidden])")
        text = page.locator("#problem-text").inner_text()
        page.goto("about:blank")
    assert "does not answer range requests" in text
    assert "tileframe view slide.szi --serve" in text


def test_a_page_of_an_archive_opened_as_a_file_says_how_to_serve_it(open_page, archive):
    opened = open_page(page_of(archive), as_file=True, faults=True)
    text = opened.text("#problem-text")
    assert "opened as a file" in text
    assert "tileframe view slide.szi --serve" in text
    assert opened.messages == []


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda path: path.unlink(), "slide.szi is not where this page expects it"),
        (lambda path: path.write_bytes(path.read_bytes()[:-30]), "slide.szi is no ZIP archive, or it is cut"),
    ],
    ids=["missing", "cut"],
)
def test_an_archive_that_cannot_be_read_is_told_and_tried_again(open_page, archive, packed, tmp_path, harm, said):
    harm(tmp_path / "slide.szi")
    opened = open_page(page_of(archive), faults=True)
    opened.page.wait_for_selector("#problem:not([hidden])")
    assert said in opened.text("#problem-text")
    shutil.copy(packed, tmp_path)
    opened.page.click("#problem-again")
    opened.wait()
    assert not opened.is_seen("#problem")
    assert colours(opened.shot("#stage-a")) > 100


def test_the_policy_of_an_archives_page_allows_its_own_server_and_no_more(open_page, archive, made):
    def policy(page: Path) -> list[str]:
        found = open_page(page).page.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content")
        return [rule.strip() for rule in found.split(";")]

    loose = policy(page_of(made("loose")))
    packed = policy(page_of(archive))
    assert [rule for rule in packed if rule not in loose] == ["connect-src 'self'"]
    assert [rule for rule in loose if rule.startswith("connect-src")] == []
