"""The page of two pyramids: side by side, with a curtain, and with the figures of their comparison."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import tileframe
from tests.browser.looking import PHONE, TILE_SIZE, apart, canvas, psnr
from tileframe import Comparison, StoredPyramid
from tileframe_viewer.page import PageViewer


@pytest.fixture(scope="module")
def compared():
    """Compare two pyramids, once for each pair of names: those of a name are the same in every test here."""
    known: dict[tuple[str, str], Comparison] = {}

    def compare(one: StoredPyramid, other: StoredPyramid) -> Comparison:
        names = one.location.name, other.location.name
        if names not in known:
            known[names] = tileframe.compare(one, other)
        return known[names]

    return compare


@pytest.fixture
def pair(made, compared):
    """The page of one slide at two qualities, and their comparison."""
    one, other = made("fine", quality=90), made("coarse", quality=20)
    comparison = compared(one, other)
    return PageViewer().write([one, other], comparison=comparison), comparison


@pytest.fixture
def twins(made, compared):
    """The page of two pyramids with the same pixels, so that what is shown of them must be the same."""
    one, other = made("one"), made("two")
    return PageViewer().write([one, other], comparison=compared(one, other))


def test_both_show_the_same_place(open_page, twins):
    opened = open_page(twins)
    left, right = opened.box("#stage-a"), opened.box("#stage-b")
    assert left["width"] == right["width"]
    assert apart(left, right)
    for keys in (["+", "+", "ArrowRight"], ["r"], ["f"], ["-"]):
        opened.press(*keys)
        assert psnr(canvas(opened, "a"), canvas(opened, "b")) > 45, keys


def test_either_can_be_moved(open_page, twins):
    opened = open_page(twins)
    right = opened.box("#stage-b")
    mouse = opened.page.mouse
    mouse.move(right["x"] + 300, right["y"] + 200)
    mouse.wheel(0, -300)
    opened.wait()
    mouse.down()
    mouse.move(right["x"] + 200, right["y"] + 150, steps=4)
    mouse.up()
    opened.wait()
    assert psnr(canvas(opened, "a"), canvas(opened, "b")) > 45
    opened.page.set_viewport_size({"width": 1100, "height": 600})
    opened.wait()
    assert psnr(canvas(opened, "a"), canvas(opened, "b")) > 45


@pytest.mark.thorough
def test_the_curtain_shows_one_and_then_the_other(open_page, pair):
    opened = open_page(pair[0], "#x=1500&y=1000&zoom=1&mode=curtain&curtain=0.5")
    stage = opened.box("#stages")
    assert opened.box("#stage-a") == opened.box("#stage-b")
    first, second = canvas(opened, "a"), canvas(opened, "b")
    shown = opened.shot("#stages")
    middle = int(stage["width"] / 2)
    rows = slice(100, 300)
    assert np.array_equal(shown[rows, : middle - 30], first[rows, : middle - 30])
    assert np.array_equal(shown[rows, middle + 30 :], second[rows, middle + 30 :])
    assert not np.array_equal(first, second)
    opened.keep("curtain")


def test_the_curtain_is_drawn_by_mouse_and_keys(open_page, pair):
    opened = open_page(pair[0])
    opened.page.click("#curtain-button")
    opened.wait()
    stage, handle = opened.box("#stages"), opened.box("#curtain")
    mouse = opened.page.mouse
    mouse.move(handle["x"] + handle["width"] / 2, 400)
    mouse.down()
    mouse.move(stage["x"] + stage["width"] / 4, 400, steps=4)
    mouse.up()
    opened.wait()
    slider = opened.page.locator("#curtain")
    assert slider.get_attribute("aria-valuenow") == "25"
    assert slider.get_attribute("role") == "slider"
    before = opened.view()
    assert before["curtain"] == pytest.approx(0.25, abs=0.01)
    after = opened.press("ArrowRight", "ArrowRight")
    assert after["curtain"] == pytest.approx(before["curtain"] + 0.04)
    assert (after["x"], after["y"]) == (before["x"], before["y"]), "the keys moved the curtain, not the slide"
    assert opened.press("Home")["curtain"] == 0
    assert opened.press("End")["curtain"] == 1
    assert opened.press("[")["curtain"] == pytest.approx(0.95)


def test_the_figures_are_those_of_compare(open_page, pair):
    opened = open_page(pair[0])
    view = opened.press("i")
    assert view["zoom"] * 3000 == pytest.approx(opened.box("#stage-a")["width"], rel=0.01), "the whole slide, still"
    text = opened.text("#figures")
    assert "The same layout, with other pixels." in text
    for level in pair[1].levels:
        if level.psnr is not None:
            assert f"{level.psnr:.1f} dB" in text
    opened.keep("side-with-figures")


def test_the_worst_tile_is_gone_to_and_framed(open_page, pair):
    page, comparison = pair
    opened = open_page(page)
    opened.page.click("#worst-button")
    opened.wait()
    _, _, place = comparison.levels[-1].worst.partition("/")
    col, row = (int(number) for number in place.split("_"))
    assert opened.page.locator(".outline").count() == 2
    view, frame, stage = opened.view(), opened.box("#stage-a .outline"), opened.box("#stage-a")
    left = (frame["x"] - stage["x"] - stage["width"] / 2) / view["zoom"] + view["x"]
    top = (frame["y"] - stage["y"] - stage["height"] / 2) / view["zoom"] + view["y"]
    assert (left, top) == pytest.approx((col * TILE_SIZE, row * TILE_SIZE), abs=2)
    assert frame["width"] == pytest.approx(TILE_SIZE * view["zoom"], abs=2)
    opened.keep("worst")


@pytest.mark.thorough
def test_a_level_of_the_table_leads_to_its_worst_tile(open_page, pair):
    opened = open_page(pair[0])
    opened.page.keyboard.press("i")
    button = opened.page.get_by_role("button", name="show the worst tile of level 10")
    assert button.get_attribute("aria-label").startswith(button.inner_text()), "who speaks to it says what is seen"
    button.click()
    opened.wait()
    assert opened.page.locator(".outline").count() == 2


def test_a_link_restores_mode_and_curtain(open_page, twins):
    opened = open_page(twins, "#x=1500&y=1000&zoom=1&mode=curtain&curtain=0.3")
    assert opened.page.locator("#stages").get_attribute("data-mode") == "curtain"
    assert opened.page.locator("#curtain").get_attribute("aria-valuenow") == "30"
    assert opened.view()["zoom"] == 1, "the row of modes was shown after the view was set, and changed it"
    opened.go("#x=1500&y=1000&zoom=1&mode=side")
    assert not opened.is_seen("#curtain")
    assert psnr(canvas(opened, "a"), canvas(opened, "b")) > 45


def test_identical_pyramids_are_said_to_be(open_page, twins):
    opened = open_page(twins)
    assert not opened.is_seen("#worst-button")
    opened.page.keyboard.press("i")
    assert "Identical" in opened.text("#figures .verdict")


def test_pyramids_of_other_sizes_are_shown_at_the_same_place(open_page, made):
    one, other = made("large"), made("small", size=(1500, 1000))
    page = PageViewer().write([one, other], comparison=tileframe.compare(one, other))
    opened = open_page(page)
    opened.page.keyboard.press("i")
    text = opened.text("#figures")
    assert "Different" in text
    assert "the size is 3000x2000 and 1500x1000" in text
    opened.press("Escape", "+", "ArrowRight")
    drawn = [canvas(opened, stage).any(axis=2) for stage in "ab"]
    assert (drawn[0] == drawn[1]).mean() > 0.99


@pytest.mark.parametrize("mode", ["side", pytest.param("curtain", marks=pytest.mark.thorough)])
def test_a_phone_sees_both(open_page, pair, mode):
    opened = open_page(pair[0], f"#x=1500&y=1000&zoom=0.3&mode={mode}", **PHONE)
    for part in ("#top", "#about", "#modes", "#tools", "#stage-a", "#stage-b", "#measure", "#overview"):
        box = opened.box(part)
        assert box["x"] >= 0, part
        assert box["x"] + box["width"] <= 390, part
        assert box["y"] + box["height"] <= 844, part
    if mode == "side":
        assert apart(opened.box("#stage-a"), opened.box("#stage-b"))
    assert apart(opened.box("#measure"), opened.box("#overview"))
    opened.keep(f"phone-{mode}")


def test_the_keys_of_the_help_are_the_documented_ones(open_page, pair):
    opened = open_page(pair[0])
    opened.page.keyboard.press("?")
    keys = set(opened.page.locator("#help kbd").all_inner_texts()) - set("←→↑↓")
    table = (Path(__file__).parents[2] / "docs" / "viewer.md").read_text(encoding="utf-8")
    rows = [line.split(" | ")[0] for line in table.splitlines() if line.startswith("| `")]
    assert keys | {"k"} == set(re.findall(r"`(.|Delete)`", "".join(rows))), "k is there only where pictures are"
