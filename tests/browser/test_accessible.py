"""The pages for those who do not see them, or not well: axe-core finds nothing serious."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tileframe
from tests.browser.looking import PHONE, page_of
from tests.browser.test_serving import shown
from tests.pictures import gradient, png
from tileframe_start.command import run_command
from tileframe_viewer import assets
from tileframe_viewer.page import PageViewer

AXE = Path(assets.__file__).parent / "node_modules" / "axe-core" / "axe.min.js"


def serious(page: Any) -> list[str]:
    """What axe-core finds that is serious or worse, with the elements."""
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: npm ci in plugins/tileframe_viewer")
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = page.evaluate(
        """axe.run({ resultTypes: ["violations"], rules: { "label-content-name-mismatch": { enabled: true } } })
            .then((found) => found.violations)"""
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
    assert serious(opened.page) == []
    opened.page.keyboard.press("?")
    assert serious(opened.page) == []


@pytest.mark.parametrize("scheme", [pytest.param("light", marks=pytest.mark.thorough), "dark"])
def test_the_page_of_two(open_page, made, scheme):
    one, other = made("fine", quality=90), made("coarse", quality=20)
    page = PageViewer().write([one, other], comparison=tileframe.compare(one, other))
    opened = open_page(page, color_scheme=scheme)
    opened.page.keyboard.press("i")
    assert serious(opened.page) == []
    chosen, other_one = opened.page.evaluate(
        """[...document.querySelectorAll(".choice button")].map((button) => getComputedStyle(button).backgroundColor)"""
    )
    assert contrast(chosen, "rgb(39, 46, 53)" if scheme == "dark" else "rgb(237, 240, 243)") >= 3
    assert other_one == "rgba(0, 0, 0, 0)"


@pytest.mark.parametrize("scheme", [pytest.param("light", marks=pytest.mark.thorough), "dark"])
def test_the_gallery_of_several_and_what_a_server_says_of_what_is_not_there(tab, tmp_path, scheme):
    (tmp_path / "in").mkdir()
    for name in ("one", "two"):
        png(tmp_path / "in" / f"{name}.png", gradient(200, 100))
    assert run_command(["run", str(tmp_path / "in"), "-o", f"{tmp_path}/out/", "--viewer", "-q"]) == 0
    page = tab(**PHONE, color_scheme=scheme, as_file=True).page
    page.goto(Path(tmp_path, "out", "index.html").as_uri())
    assert serious(page) == []
    assert page.locator("#search").bounding_box()["height"] >= 44
    with shown(tmp_path / "in") as (origin, _):
        page.goto(f"{origin}/")
        assert page.locator("li").count() == 2
        assert serious(page) == []
        page.goto(f"{origin}/slides/none/")
        assert page.locator("h1").inner_text() == "Not found"
        assert serious(page) == []
        page.goto("about:blank")


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, as WCAG 2 has it."""
    light, dark = sorted((luminance(colour) for colour in (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    """The relative luminance of ``rgb(r, g, b)``."""
    shares = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return sum(factor * share for factor, share in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
