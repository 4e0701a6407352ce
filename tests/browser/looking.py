"""A page that is open in the browser, and ways to look at it."""

from __future__ import annotations

import base64
import io
import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.pyramids import assembled
from tileframe import StoredPyramid

Picture: TypeAlias = NDArray[np.int64]
"""(height, width, 3)"""

SHOTS = os.environ.get("TILEFRAME_SCREENSHOTS")
TILE_SIZE = 1020
WIDTH, HEIGHT = 960, 600
"""Of the window: a computer's, and small, for each pixel is drawn, sent and compared many times."""
ODD_NAMES = ["a b", "50%", "a#b?c", "grün 試", "a&b;'c\"", "$title"]
ALL_AT_ONCE = " ".join(ODD_NAMES)
PHONE: dict[str, Any] = {
    "width": 390,
    "height": 844,
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 2,
}


@dataclass
class Opened:
    """A page that was opened, and what the browser had to say of it."""

    page: Any
    origin: str
    """What the addresses of all that it may ask for begin with."""
    messages: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def wait(self) -> None:
        """Wait until every tile that is in sight is drawn, and the address is that of the view."""
        self.page.wait_for_timeout(300)
        self.page.wait_for_selector("#stages[aria-busy=false]")
        self.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def view(self) -> dict[str, float]:
        """The view that the page's address names, once the page has written it there."""
        self.page.wait_for_function("new URLSearchParams(location.hash.slice(1)).has('zoom')")
        fields = self.page.evaluate("Object.fromEntries(new URLSearchParams(location.hash.slice(1)))")
        return {name: float(value) for name, value in fields.items() if name != "mode"}

    def go(self, view: str) -> None:
        """Follow a link to ``view``."""
        self.page.evaluate("hash => { location.hash = hash }", view)
        self.wait()

    def press(self, *keys: str) -> dict[str, float]:
        """Press keys, and return the view after that."""
        for key in keys:
            self.page.keyboard.press(key)
        self.wait()
        return self.view()

    def text(self, selector: str) -> str:
        """What is written there."""
        return str(self.page.locator(selector).inner_text())

    def is_seen(self, selector: str) -> bool:
        """Whether it is shown."""
        return bool(self.page.locator(selector).is_visible())

    def box(self, selector: str) -> dict[str, float]:
        """Where something is on the screen: x, y, width, height."""
        found: dict[str, float] = self.page.locator(selector).bounding_box()
        return found

    def shot(self, selector: str) -> Picture:
        """A picture of a part of the screen."""
        return decoded(screenshot(self.page, self.box(selector)))

    def keep(self, name: str) -> None:
        """Keep a picture of the screen in the folder ``TILEFRAME_SCREENSHOTS``, if that is set."""
        if SHOTS:
            Path(SHOTS).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=Path(SHOTS, f"{name}.png"))


def screenshot(page: Any, clip: dict[str, float] | None = None) -> bytes:
    """A PNG of what is shown, or of a part of it; Playwright's own is made smaller, which takes four times as long."""
    session = page.context.new_cdp_session(page)
    how = {} if clip is None else {"clip": {**clip, "scale": 1}}
    taken = session.send("Page.captureScreenshot", {"format": "png", "optimizeForSpeed": True, **how})
    session.detach()
    return base64.b64decode(taken["data"])


def page_of(pyramid: StoredPyramid) -> Path:
    """The page beside a pyramid."""
    return pyramid.location.page


def canvas(opened: Opened, stage: str = "a") -> Picture:
    """What the canvas of a stage shows."""
    url = opened.page.evaluate(f"document.querySelector('#stage-{stage} canvas').toDataURL('image/png')")
    return decoded(base64.b64decode(url.partition(",")[2]))


def decoded(png: bytes) -> Picture:
    """The pixels of a PNG."""
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("RGB")).astype(np.int64)


def colours(picture: Picture) -> int:
    """How many colours there are in a picture, of every fourth row and column: of all, it takes a second."""
    return len(np.unique(picture[::4, ::4] @ [1 << 16, 1 << 8, 1]))


def psnr(one: Picture, other: Picture) -> float:
    """How alike two pictures are, in dB."""
    return float(10 * math.log10(255**2 / max(float(((one - other) ** 2).mean()), 1e-9)))


def base_part(pyramid: StoredPyramid, x: int, y: int, width: int, height: int) -> Picture:
    """A part of the base."""
    base = assembled(Path(pyramid.target), pyramid.pyramid.level_count - 1)
    return base[y : y + height, x : x + width].astype(np.int64)


def bar(opened: Opened) -> tuple[float, float]:
    """The scale bar: its length on the screen, and the micrometres that it stands for."""
    number, unit = opened.text("#scale-text").split()
    return opened.box("#scale-line")["width"], float(number.replace(",", "")) * {"µm": 1, "mm": 1000}[unit]


def apart(one: dict[str, float], other: dict[str, float]) -> bool:
    """Whether two boxes have nothing in common."""
    across = one["x"] + one["width"] <= other["x"] or other["x"] + other["width"] <= one["x"]
    down = one["y"] + one["height"] <= other["y"] or other["y"] + other["height"] <= one["y"]
    return across or down
