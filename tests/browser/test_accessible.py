"""The page for those who do not see it, or not well: axe-core finds nothing serious."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tileframe
from tests.browser.looking import PHONE, Opened, page_of
from tileframe_viewer import assets
from tileframe_viewer.page import PageViewer

AXE = Path(assets.__file__).parent / "node_modules" / "axe-core" / "axe.min.js"


def serious(opened: Opened) -> list[str]:
    """What axe-core finds that is serious or worse, with the elements."""
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: npm ci in plugins/tileframe_viewer")
    opened.page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = opened.page.evaluate(
        "axe.run({ rules: { 'label-content-name-mismatch': { enabled: true } } }).then((found) => found.violations)"
    )
    return [
        f"{one['id']}: {[node['html'][:120] for node in one['nodes']]}"
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("how", [{}, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.thorough)])
def test_the_page_of_a_slide(open_page, made, how, scheme):
    opened = open_page(page_of(made()), color_scheme=scheme, **how)
    for key in "iba":
        opened.page.keyboard.press(key)
    assert serious(opened) == []
    opened.page.keyboard.press("?")
    assert serious(opened) == []


@pytest.mark.parametrize("scheme", [pytest.param("light", marks=pytest.mark.thorough), "dark"])
def test_the_page_of_two(open_page, made, scheme):
    one, other = made("fine", quality=90), made("coarse", quality=20)
    page = PageViewer().write([one, other], comparison=tileframe.compare(one, other))
    opened = open_page(page, color_scheme=scheme)
    opened.page.keyboard.press("i")
    assert serious(opened) == []
    chosen, other_one = opened.page.evaluate(
        """[...document.querySelectorAll(".choice button")].map((button) => getComputedStyle(button).backgroundColor)"""
    )
    assert contrast(chosen, "rgb(39, 46, 53)" if scheme == "dark" else "rgb(237, 240, 243)") >= 3
    assert other_one == "rgba(0, 0, 0, 0)"


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, as WCAG 2 has it."""
    light, dark = sorted((luminance(colour) for colour in (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    """The relative luminance of ``rgb(r, g, b)``."""
    shares = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return sum(factor * share for factor, share in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
