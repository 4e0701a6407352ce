"""What the page of a benchmark looks like in a real browser."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import benched
from tests.browser import looking
from tests.browser.looking import PHONE, Opened
from tileframe_bench import charts
from tileframe_bench.page import page
from tileframe_bench.records import Spread, Trial

# Every line of text that can be seen: where it is, what of that its scrolling box shows, and in which SVG it is.
TEXTS = """() => {
  const cut = (box, by) => ({
    left: Math.max(box.left, by.left), right: Math.min(box.right, by.right),
    top: Math.max(box.top, by.top), bottom: Math.min(box.bottom, by.bottom),
  });
  const plain = ({left, right, top, bottom}) => ({left, right, top, bottom});
  const walker = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  const scrolls = [...document.querySelectorAll(".scroll")], found = [];
  while (walker.nextNode()) {
    const node = walker.currentNode, parent = node.parentElement;
    if (!node.data.trim() || parent.closest("title, desc, style") || !parent.checkVisibility()) continue;
    const svg = parent.closest("svg"), scroll = parent.closest(".scroll");
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const rect of svg ? [parent.getBoundingClientRect()] : range.getClientRects()) {
      if (rect.width < 1) continue;
      const box = plain(rect);
      found.push({
        words: node.data.trim(), box, shown: scroll ? cut(box, scroll.getBoundingClientRect()) : box,
        svg: svg && plain(svg.getBoundingClientRect()), scroll: scrolls.indexOf(scroll),
      });
    }
  }
  return found;
}"""

# Of each trial: two for everyone but the loop.
RUNS = 2 * (len(benched.WAYS) - 1) + 1

# What each chart draws of its series, where it is and where the plot boxes are.
MARKS = """own => [...document.querySelectorAll("svg")].filter(svg => svg.checkVisibility()).map(svg => {
  const place = svg.getScreenCTM();
  const boxes = [...svg.querySelectorAll("clipPath rect")].map(rect => {
    const at = name => rect[name].baseVal.value;
    const one = new DOMPoint(at("x"), at("y")).matrixTransform(place);
    const two = new DOMPoint(at("x") + at("width"), at("y") + at("height")).matrixTransform(place);
    return {left: one.x, top: one.y, right: two.x, bottom: two.y};
  });
  const colours = own.map(colour => `rgb(${[1, 3, 5].map(at => parseInt(colour.slice(at, at + 2), 16)).join(", ")})`);
  const marks = [...svg.querySelectorAll("path, use")].filter(one => {
    const style = getComputedStyle(one);
    return !one.closest("defs") && (colours.includes(style.fill) || colours.includes(style.stroke));
  }).map(one => one.getBoundingClientRect()).map(({left, right, top, bottom}) => ({left, right, top, bottom}));
  return {title: svg.getAttribute("aria-label"), boxes, marks};
})"""


@pytest.fixture(scope="module")
def html() -> str:
    return page(benched.bench())


@pytest.fixture
def show(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Opened]]:
    """Open a page's text; at the end, it may have said nothing and asked for nothing."""
    opened: list[tuple[Any, Opened]] = []

    def show_it(text: str, *, name: str = "bench.html", width: int = 1280, height: int = 900, **how: Any) -> Opened:
        path = tmp_path / f"{len(opened)}-{name}"
        path.write_text(text, encoding="utf-8")
        context = browser.new_context(viewport={"width": width, "height": height}, **how)
        one = Opened(context.new_page(), path.as_uri())
        one.page.on("console", lambda message: one.messages.append(message.text))
        one.page.on("pageerror", lambda error: one.messages.append(str(error)))
        one.page.on("request", lambda request: one.requests.append(request.url))
        opened.append((context, one))
        one.page.goto(one.origin)
        return one

    yield show_it
    for context, one in opened:
        context.close()
        assert one.messages == []
        assert set(one.requests) <= {one.origin, "data:,"}


def keep(opened: Opened, name: str) -> None:
    """Keep a picture of the whole page, as `Opened.keep` does of the screen."""
    if looking.SHOTS:
        Path(looking.SHOTS).mkdir(parents=True, exist_ok=True)
        opened.page.screenshot(path=Path(looking.SHOTS, f"{name}.png"), full_page=True)


def faults(opened: Opened) -> list[str]:
    """Every two texts of which one lies on the other, and every text that leaves its picture or the page."""
    texts = sorted(opened.page.evaluate(TEXTS), key=lambda text: text["box"]["top"])
    assert len(texts) > 5
    return [*overlaps(texts), *cuts(texts, opened.page.evaluate("document.documentElement.clientWidth"))]


def overlaps(texts: list[dict[str, Any]]) -> list[str]:
    found = []
    for place, one in enumerate(texts):
        for other in texts[place + 1 :]:
            if other["box"]["top"] > one["box"]["bottom"]:
                break
            # Within a box that scrolls nothing may overlap, whatever part of it is shown.
            part = "box" if one["scroll"] == other["scroll"] else "shown"
            if common(one[part], other[part]):
                found.append(f"{one['words']!r} lies on {other['words']!r}")
    return found


def common(one: dict[str, float], other: dict[str, float]) -> bool:
    """Whether two boxes share more than their edges."""
    across = min(one["right"], other["right"]) - max(one["left"], other["left"])
    down = min(one["bottom"], other["bottom"]) - max(one["top"], other["top"])
    return across > 1 and down > 1.5


def cuts(texts: list[dict[str, Any]], width: float) -> list[str]:
    page_box = {"left": 0, "top": 0, "right": width, "bottom": 1e9}
    found = []
    for text in texts:
        around = text["svg"] or (page_box if text["scroll"] < 0 else None)
        if around and not inside(text["box"], around):
            found.append(f"{text['words']!r} is cut off")
    return found


def inside(box: dict[str, float], around: dict[str, float], slack: float = 0.5) -> bool:
    lower = all(box[side] >= around[side] - slack for side in ("left", "top"))
    return lower and all(box[side] <= around[side] + slack for side in ("right", "bottom"))


SCREENS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": PHONE,
    "phone-dark": {**PHONE, "color_scheme": "dark"},
}


@pytest.mark.parametrize("screen", SCREENS)
def test_no_text_lies_on_another_and_none_is_cut_off(show, html, screen):
    opened = show(html, **SCREENS[screen])
    opened.page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    assert faults(opened) == []
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= opened.page.viewport_size["width"]
    opened.page.reload()
    keep(opened, f"bench-{screen}")


@pytest.mark.parametrize("font", ["DejaVu Sans", "Verdana", "Arial Narrow", "serif"])
def test_another_font_does_not_make_text_overlap(show, html, font):
    opened = show(html)
    opened.page.add_style_tag(content=f"body, svg {{ font-family: '{font}' !important }}")
    assert faults(opened) == []


def test_paper_is_light_and_complete(show, html):
    opened = show(html, width=680, color_scheme="dark")
    opened.page.emulate_media(media="print")
    assert faults(opened) == []
    assert opened.page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert opened.page.locator("#repeat dd").first.is_visible(), "what paper cannot open is printed"
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= 680
    keep(opened, "bench-paper")


def test_a_planted_overlap_is_found(show, html):
    opened = show(html)
    title, subtitle = (opened.page.locator("svg text", has_text=words).first for words in ("Time: pl", "Median of"))
    subtitle.evaluate("(one, y) => one.setAttribute('y', y)", title.get_attribute("y"))
    opened.page.evaluate("document.querySelector('h3').style.marginTop = '-60px'")
    found = faults(opened)
    assert any("'Time: plaza.jpg' lies on 'Median of the runs" in fault for fault in found)
    assert any("lies on 'plaza.jpg'" in fault or "'plaza.jpg' lies on" in fault for fault in found)


def test_a_planted_cut_is_found(show, html):
    opened = show(html)
    opened.page.locator("svg text", has_text="Time: pl").first.evaluate("one => one.setAttribute('x', 540)")
    opened.page.evaluate("document.querySelector('h1').style.marginLeft = '-90px'")
    assert [fault for fault in faults(opened) if fault.endswith("is cut off")] == [
        "'Benchmark of Deep Zoom backends' is cut off",
        "'Time: plaza.jpg' is cut off",
    ]


def test_every_chart_has_its_marks(show, html):
    opened = show(html)
    opened.page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    found = opened.page.evaluate(MARKS, list(charts.colours(benched.WAYS).values()))
    assert len(found) == 3 * 2 + 9 * RUNS
    for chart in found:
        seen = [mark for mark in chart["marks"] if any(is_drawn(mark, box) for box in chart["boxes"])]
        bars = 3 * len(benched.WAYS)
        assert len(seen) >= (4 if chart["title"].startswith("Over time") else bars), chart["title"]


def is_drawn(mark: dict[str, float], box: dict[str, float]) -> bool:
    """Whether a mark has an extent, and lies in the plot box."""
    return inside(mark, box, 2) and max(mark["right"] - mark["left"], mark["bottom"] - mark["top"]) > 3


def test_longer_bars_took_longer(show):
    opened = show(charts.time_bars([benched.trial()]), name="time.svg")
    found = opened.page.evaluate(MARKS, list(charts.colours(benched.WAYS).values()))[0]
    widths = [mark["right"] - mark["left"] for mark in found["marks"]]
    assert len(widths) == len(benched.WAYS)
    assert widths == sorted(widths)
    assert widths[0] > 15, "the fastest can be seen"


def odd_trial() -> Trial:
    """One with names that are long, strange, or want to be HTML."""
    name = "a very long name of a slide that somebody thought of on a <b>Friday</b> & never changed 文字文字 $x_1$.svs"
    trial = benched.trial(name)
    entries = [
        dataclasses.replace(entry, name=f"{entry.name} {'and so on ' * place}<i>&amp;</i>", way="word " * 30)
        for place, entry in enumerate(trial.entries)
    ]
    marks = benched.unranked(entries[0], *["a tile is not like that of the reference " * 3] * 4)
    return dataclasses.replace(trial, entries=(marks, *entries[1:]), baseline=entries[3].name)


@pytest.mark.parametrize("screen", ["light", "phone"])
def test_long_and_strange_names_are_shown_as_they_are(show, screen):
    bench = dataclasses.replace(benched.bench([odd_trial()]), command=f"tileframe bench {'x' * 400}")
    opened = show(page(bench), **SCREENS[screen])
    assert faults(opened) == []
    assert opened.page.locator("b").count() == 0
    assert "<b>Friday</b> & never" in opened.text("#fastest h3")
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= opened.page.viewport_size["width"]
    keep(opened, f"bench-odd-{screen}")


@pytest.mark.parametrize("looks", [0, 1])
def test_a_short_run_has_its_chart(show, looks):
    opened = show(charts.timeline(benched.entry("stream", 1), benched.run(0.02, looks=looks), 2), name="run.svg")
    assert faults(opened) == []


def scaling(log: bool) -> str:
    series = {
        name: [(size, Spread(size / pace, size / pace * 0.9, size / pace * 1.2)) for size in (25, 100, 400, 1600)]
        for name, (pace, _, _) in benched.WAYS.items()
    }
    return charts.lines(series, x="megapixels", y="seconds", log=log)


@pytest.mark.parametrize("log", [False, True])
def test_lines_have_names_that_do_not_overlap(show, log):
    opened = show(f"<!doctype html><title>lines</title>{scaling(log)}")
    assert faults(opened) == []
    found = opened.page.evaluate(MARKS, list(charts.colours(benched.WAYS).values()))[0]
    seen = [mark for mark in found["marks"] if any(is_drawn(mark, box) for box in found["boxes"])]
    assert len(seen) >= 5 * len(benched.WAYS), "a line and four points each"
    keep(opened, f"bench-lines-{'log' if log else 'linear'}")
