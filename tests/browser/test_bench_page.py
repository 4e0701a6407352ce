"""What the page of a benchmark looks like in a real browser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests import benched
from tests.browser import looking
from tests.browser.looking import PHONE, Opened
from tests.test_bench_page import odd_trial, usual_page
from tileframe_bench.page import page

SCREENS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": PHONE,
    "phone-dark": {**PHONE, "color_scheme": "dark"},
}
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
IMAGES = "[...document.images].map(one => one.complete && one.naturalWidth > 400 && one.naturalHeight > 150)"
# The contrast of every text with what is behind it, the least of all.
CONTRAST = """() => {
  const light = colour => {
    const [red, green, blue] = colour.match(/[\\d.]+/g).slice(0, 3).map(one => one / 255)
      .map(one => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4);
    return 0.05 + 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const ground = one => {
    const colour = getComputedStyle(one).backgroundColor;
    return colour === "rgba(0, 0, 0, 0)" && one.parentElement ? ground(one.parentElement) : colour;
  };
  return Math.min(...[...document.querySelectorAll("h1, p, a, th, td, small, dt, dd, .alarm")].map(one => {
    const pair = [light(getComputedStyle(one).color), light(ground(one))];
    return Math.max(...pair) / Math.min(...pair);
  }));
}"""


@pytest.fixture
def html() -> str:
    return usual_page()


@cache
def odd_page() -> str:
    return page(replace(benched.bench([odd_trial()]), command=f"tileframe bench {'x' * 400}"))


@pytest.fixture
def show(open_page: Callable[..., Opened], tmp_path: Path) -> Callable[..., Any]:
    """Open a page."""

    def show_it(html: str, **how: Any) -> Any:
        path = tmp_path / "bench.html"
        path.write_text(html, encoding="utf-8")
        return open_page(path, as_file=True, viewer=False, **how).page

    return show_it


def keep(shown: Any, name: str) -> None:
    """Keep a picture of the whole page where TILEFRAME_SCREENSHOTS says."""
    if looking.SHOTS:
        shown.screenshot(path=Path(looking.SHOTS, f"{name}.png"), full_page=True)


@pytest.mark.parametrize(
    "screen", ["dark", "phone", *(pytest.param(name, marks=pytest.mark.thorough) for name in ("light", "phone-dark"))]
)
def test_nothing_leaves_the_page_and_text_can_be_read(show, html, screen):
    shown = show(html, **SCREENS[screen])
    keep(shown, f"bench-{screen}")
    shown.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    assert shown.evaluate(OVERFLOW) == 0
    assert shown.evaluate(CONTRAST) >= 4.5
    charts_are_dark = "invert" in shown.evaluate("getComputedStyle(document.images[0]).filter")
    assert charts_are_dark == screen.endswith("dark")


def test_every_chart_is_shown(show, html):
    loaded = show(html).evaluate(IMAGES)
    assert len(loaded) == 2 + 11
    assert all(loaded)


@pytest.mark.parametrize("screen", ["light", pytest.param("phone", marks=pytest.mark.thorough)])
def test_long_and_strange_names_are_shown_as_they_are(show, screen):
    shown = show(odd_page(), **SCREENS[screen])
    assert shown.evaluate(OVERFLOW) == 0
    assert all(shown.evaluate(IMAGES))
    assert shown.locator("#fastest h3").inner_text().startswith("<b>&amp; \"q\" 'a' $x_1$ --> </svg>")
    keep(shown, f"bench-odd-{screen}")


def test_paper_is_light_and_has_the_commands(show, html):
    shown = show(html, width=680, color_scheme="dark")
    shown.emulate_media(media="print")
    assert shown.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert shown.evaluate("getComputedStyle(document.images[0]).filter") == "none"
    assert shown.locator("#repeat dd").first.is_visible()
    assert shown.evaluate(OVERFLOW) == 0
    keep(shown, "bench-paper")
