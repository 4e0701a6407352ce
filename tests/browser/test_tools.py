"""What is done with a view: magnification, ruler, snapshot, light."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.browser.looking import PHONE, WIDTH, Opened, bar, canvas, decoded, page_of
from tests.pictures import MPP
from tileframe_viewer.page import PageViewer


def test_a_magnification_is_chosen_by_menu_and_by_keys(open_page, made):
    opened = open_page(page_of(made()), width=1280, height=800)
    opened.page.select_option("#power", "10")
    opened.wait()
    assert opened.text("#magnification") == "10×"
    assert opened.page.evaluate("document.getElementById('power').selectedOptions[0].textContent") == "10×"
    assert opened.view()["zoom"] == pytest.approx(0.5)
    assert opened.press(".")["zoom"] == pytest.approx(1)
    assert opened.press(".", ",", ",")["zoom"] == pytest.approx(0.5), "at 5× the slide would be smaller than it may be"
    assert opened.page.locator("#power option[value='5']").is_disabled()
    opened.press("0")
    assert opened.page.evaluate("document.activeElement.id") != "power"


@pytest.mark.parametrize(
    "view",
    ["&rotation=90", *(pytest.param(view, marks=pytest.mark.thorough) for view in ("", "&rotation=180&flip=1"))],
)
def test_a_ruler_is_drawn_by_pointer_and_removed(open_page, made, view):
    opened = open_page(page_of(made()), f"#x=1500&y=1000&zoom=1{view}")
    before = opened.view()
    opened.page.click("#ruler-button")
    mouse = opened.page.mouse
    mouse.move(300, 150)
    mouse.down()
    mouse.move(600, 550, steps=4)
    mouse.up()
    opened.wait()
    assert opened.text("#ruler-text") == f"{500 * MPP:.4g} µm"
    assert opened.view() == before, "the slide was moved"
    assert yellow(opened, 450, 350), "the line is not where it was drawn"
    assert opened.page.get_attribute("#ruler-button", "aria-pressed") == "false"
    opened.keep(f"ruler{view}")
    opened.page.click("[data-action=noRuler]")
    opened.wait()
    assert not opened.is_seen("#ruler")
    assert not yellow(opened, 450, 350)


def test_a_ruler_is_drawn_by_keys_and_stays_at_its_place(open_page, made):
    opened = open_page(page_of(made()), "#x=1500&y=1000&zoom=1")
    opened.press("m", "ArrowRight", "m")
    assert opened.text("#ruler-text") == f"{80 * MPP:.4g} µm"
    opened.press("+", "ArrowDown")
    assert opened.text("#ruler-text") == f"{80 * MPP:.4g} µm"
    opened.press("Delete")
    assert not opened.is_seen("#ruler")


@pytest.mark.thorough
def test_a_ruler_is_drawn_by_finger(open_page, made):
    opened = open_page(page_of(made()), "#x=1500&y=1000&zoom=1", **PHONE)
    before = opened.view()
    opened.page.tap("#ruler-button")
    touch = opened.page.context.new_cdp_session(opened.page)
    for kind, x in [("touchStart", 100), ("touchMove", 150), ("touchMove", 300), ("touchEnd", None)]:
        points = [] if x is None else [{"x": x, "y": 300}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
        # A finger that is quick flings, and the browser takes the next tap to stop that.
        opened.page.wait_for_timeout(100)
    opened.wait()
    assert opened.text("#ruler-text") == f"{200 * MPP:.4g} µm"
    assert opened.view() == before
    opened.page.tap("[data-action=noRuler]")
    opened.wait()
    assert not opened.is_seen("#ruler")


@pytest.mark.thorough
def test_a_snapshot_of_two_is_divided_by_the_curtain(open_page, made):
    page = PageViewer().write([made("fine", quality=90), made("coarse", quality=20)])
    opened = open_page(page, "#x=1500&y=1000&zoom=1&mode=curtain&curtain=0.25")
    with opened.page.expect_download() as told:
        opened.page.keyboard.press("d")
    saved = decoded(Path(told.value.path()).read_bytes())
    edge = WIDTH // 4
    assert np.array_equal(saved[:400, :edge], canvas(opened, "a")[:400, :edge])
    assert np.array_equal(saved[:400, edge:], canvas(opened, "b")[:400, edge:])


@pytest.mark.parametrize("how", [{}, pytest.param(PHONE, marks=pytest.mark.thorough)], ids=["desktop", "phone"])
def test_a_snapshot_is_what_is_seen_with_its_scale_bar(open_page, made, how):
    opened = open_page(page_of(made()), "#x=1500&y=1000&zoom=1", **how)
    seen = canvas(opened)
    with opened.page.expect_download() as told:
        opened.page.click("[data-action=snapshot]")
    assert told.value.suggested_filename == "slide-x1500-y1000-zoom1.png"
    saved = decoded(Path(told.value.path()).read_bytes())
    assert saved.shape == seen.shape
    assert np.array_equal(saved[: seen.shape[0] // 2], seen[: seen.shape[0] // 2])
    ratio = how.get("device_scale_factor", 1)
    row = saved[-16 * ratio - ratio]
    assert int((row == 0).all(axis=1).sum()) == pytest.approx(bar(opened)[0] * ratio, abs=2)


def test_light_is_changed_by_keys_seen_saved_and_reset(open_page, made):
    opened = open_page(page_of(made()), "#x=1500&y=1000&zoom=1")
    part = {"x": 300, "y": 300, "width": 200, "height": 200}
    plain = decoded(opened.page.screenshot(clip=part))
    opened.page.keyboard.press("b")
    opened.page.focus("#gamma")
    for _ in range(20):
        opened.page.keyboard.press("ArrowRight")  # it moves the slider, and not the slide
    assert opened.text("label[for=gamma] output") == "2.00"
    assert opened.view()["x"] == 1500
    changed = decoded(opened.page.screenshot(clip=part))
    wanted = np.round(255 * (plain / 255) ** 0.5)
    assert np.abs(changed - wanted).max() <= 2
    opened.page.focus("#stages .slide .openseadragon-canvas")
    with opened.page.expect_download() as told:
        opened.page.keyboard.press("d")
    top = round(opened.box("#stage-a")["y"])
    saved = decoded(Path(told.value.path()).read_bytes())[300 - top : 500 - top, 300:500]
    assert np.abs(saved - wanted).max() <= 1
    opened.keep("light")
    opened.page.click("#light-reset")
    assert np.array_equal(decoded(opened.page.screenshot(clip=part)), plain)
    opened.page.keyboard.press("Escape")
    assert not opened.is_seen("#light")


def test_a_page_that_was_opened_as_a_file_says_that_it_saves_nothing(open_page, made):
    opened = open_page(page_of(made()), as_file=True)
    opened.page.keyboard.press("d")
    opened.page.wait_for_function("document.getElementById('toast').textContent.includes('--serve')")


def test_a_picture_that_the_browser_cannot_make_is_told(open_page, made):
    opened = open_page(page_of(made()))
    opened.page.evaluate("() => { HTMLCanvasElement.prototype.toBlob = (done) => done(null); }")
    opened.page.keyboard.press("d")
    opened.page.wait_for_function("document.getElementById('toast').textContent.includes('too large')")


def yellow(opened: Opened, x: int, y: int) -> bool:
    """Whether there is something of the ruler's colour at that place of the screen."""
    clip = {"x": x - 4, "y": y - 4, "width": 9, "height": 9}
    return bool((decoded(opened.page.screenshot(clip=clip)) == (0xFF, 0xD4, 0)).all(axis=2).any())


def test_the_tools_fit_a_phone(open_page, made):
    opened = open_page(page_of(made()), **PHONE)
    for button in opened.page.locator("#tools button:visible, #tools select:visible").all():
        box = button.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert box["y"] + box["height"] <= 844
