"""What goes wrong is told, and what is hostile does nothing."""

from __future__ import annotations

import json
import shutil

import pytest

import tileframe
from tests.browser.looking import ALL_AT_ONCE, ODD_NAMES, colours, page_of
from tests.running import served
from tileframe_serve.files import Files
from tileframe_viewer.assets import FOLDER
from tileframe_viewer.page import PageViewer


def test_metadata_is_text_whatever_it_holds(open_page, made, tmp_path):
    name = "</script><script>alert(1)</script><img src=x onerror=alert(2)>&amp;$title"
    pyramid = made()
    record = tmp_path / "slide.tileframe.json"
    manifest = json.loads(record.read_text())
    manifest["plan"]["source"]["name"] = name
    manifest["plan"]["notes"] = [name, "<!-- <script>"]
    record.write_text(json.dumps(manifest))
    PageViewer().write([tileframe.open_pyramid(pyramid.target)])
    opened = open_page(page_of(pyramid))
    opened.page.on("dialog", lambda dialog: pytest.fail("a script ran"))
    opened.page.keyboard.press("i")
    opened.wait()
    assert opened.page.locator("#facts dd").first.inner_text() == name
    assert opened.page.locator("#facts img, #facts script").count() == 0


def test_the_policy_lets_no_inline_script_run(open_page, made):
    opened = open_page(page_of(made()))
    opened.page.evaluate(
        """() => { const script = document.createElement('script'); script.textContent = 'window.ran = true';
        document.body.append(script) }"""
    )
    assert opened.page.evaluate("window.ran") is None
    assert "Content Security Policy" in opened.messages.pop()
    policy = opened.page.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content")
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy


@pytest.mark.parametrize("name", [ALL_AT_ONCE, *(pytest.param(name, marks=pytest.mark.thorough) for name in ODD_NAMES)])
@pytest.mark.parametrize("as_file", [False, pytest.param(True, marks=pytest.mark.thorough)], ids=["served", "file"])
def test_any_name_works(open_page, made, tmp_path, name, as_file):
    made(size=(600, 400))
    folder = tmp_path / "odd"
    folder.mkdir()
    for path in tmp_path.glob("slide*"):
        if path.name != "slides":
            path.rename(folder / path.name.replace("slide", name, 1))
    (folder / f"{name}.tileframe.json").unlink()
    page = PageViewer().write([tileframe.open_pyramid(folder / f"{name}.dzi")])
    plain = page.rename(folder / "page.html")  # what a browser makes of the page's own name is its own affair
    opened = open_page(plain, as_file=as_file, width=480, height=360)
    assert not opened.is_seen("#problem")
    assert opened.page.title() == name


def test_one_missing_tile_is_named_and_the_others_are_shown(open_page, made, tmp_path):
    pyramid = made()
    (tmp_path / "slide_files" / "12" / "1_1.jpeg").unlink()
    opened = open_page(page_of(pyramid), "#x=1400&y=900&zoom=0.2", faults=True)
    opened.wait()  # for others, before which it would be all that is known of
    opened.go("#x=1400&y=900&zoom=1")
    opened.page.wait_for_selector("#problem:not([hidden])")
    assert "One tile of slide could not be loaded: slide_files/12/1_1.jpeg is missing" in opened.text("#problem-text")
    opened.page.click("#problem-close")
    assert not opened.is_seen("#problem")
    opened.keep("one-tile-missing")


@pytest.mark.parametrize("as_file", [False, pytest.param(True, marks=pytest.mark.thorough)], ids=["served", "file"])
def test_missing_tiles_are_told(open_page, made, tmp_path, as_file):
    pyramid = made()
    shutil.move(tmp_path / "slide_files", tmp_path / "away")
    opened = open_page(page_of(pyramid), as_file=as_file, faults=True)
    opened.page.wait_for_selector("#problem:not([hidden])")
    text = opened.text("#problem-text")
    assert "The tiles of slide could not be loaded" in text
    assert "slide_files/" in text
    assert opened.page.locator("#problem").get_attribute("role") == "alert"
    opened.page.wait_for_selector("#stages[aria-busy=false]")  # nothing more will come
    opened.keep("no-tiles")
    shutil.move(tmp_path / "away", tmp_path / "slide_files")
    opened.page.click("#problem-again")
    opened.wait()
    assert not opened.is_seen("#problem")
    assert colours(opened.shot("#stage-a")) > 100


def test_a_missing_library_is_told(open_page, made, tmp_path):
    pyramid = made()
    for path in (tmp_path / FOLDER).glob("openseadragon-*.js"):
        path.unlink()
    opened = open_page(page_of(pyramid), faults=True)
    opened.page.wait_for_selector("#problem:not([hidden])")
    assert "OpenSeadragon could not be loaded" in opened.text("#problem-text")
    opened.keep("no-library")


def test_a_page_without_its_folder_says_so(tab, made, tmp_path):
    made()
    shutil.rmtree(tmp_path / FOLDER)
    with served(Files(tmp_path, [tmp_path])) as origin:  # another server: of the usual one, the browser knows the style
        page = tab().page
        page.goto(f"{origin}/slide.html")
        assert f"the folder {FOLDER} beside it" in page.locator("#starting").inner_text()
        page.goto("about:blank")
