"""What is done with a view: magnification, ruler, snapshot, light."""

from __future__ import annotations

import pytest

from tests.browser.looking import PHONE, page_of


def test_a_magnification_is_chosen_by_menu_and_by_keys(open_page, made):
    opened = open_page(page_of(made()))
    opened.page.select_option("#power", "10")
    opened.wait()
    assert opened.text("#magnification") == "10×"
    assert opened.view()["zoom"] == pytest.approx(0.5)
    assert opened.press(".")["zoom"] == pytest.approx(1)
    assert opened.press(".", ",", ",")["zoom"] == pytest.approx(0.5), "at 5× the slide would be smaller than it may be"
    assert opened.page.locator("#power option[value='5']").is_disabled()
    opened.press("0")
    assert opened.page.evaluate("document.activeElement.id") != "power"


def test_the_tools_fit_a_phone(open_page, made):
    opened = open_page(page_of(made()), **PHONE)
    for button in opened.page.locator("#tools button:visible, #tools select:visible").all():
        box = button.bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
        assert box["y"] + box["height"] <= 844
