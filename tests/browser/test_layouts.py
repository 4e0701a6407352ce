"""OpenSeadragon, in a real browser, opens every layout and shows its pixels."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import tileframe_viewer
from tests.browser.looking import Picture, decoded, screenshot
from tests.browser.tabs import Tab
from tileframe import Layout, Pyramid, Size, tiles_of
from tileframe.testing.cases import cut, levels, smooth
from tileframe_layouts import tileframe_layouts

OFFERS = {offer.name: offer for offer in tileframe_layouts()}
LIBRARY = Path(tileframe_viewer.__file__).parent / "vendor/openseadragon/openseadragon.min.js"
PAGE = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<style>body { margin: 0; background: #fff } #view { width: 600px; height: 400px }</style>
<div id="view"></div><script src="openseadragon.min.js"></script><script>
const viewer = OpenSeadragon({
  id: "view", showNavigationControl: false, animationTime: 0, drawer: "canvas", imageSmoothingEnabled: false,
  minPixelRatio: 1, visibilityRatio: 0, tileSources: SOURCE,
});
const failed = [];
viewer.addHandler("open-failed", event => failed.push(event.message));
viewer.addHandler("tile-load-failed", event => failed.push(event.message + " " + event.tile.getUrl()));
</script>
"""
CASES = [*((name, (1021, 769)) for name in sorted(OFFERS)), ("google", (301, 1100)), ("iiif3", (200, 150))]
WIDTH, HEIGHT = 600, 400
"""Of the view."""


def made(name: str, size: tuple[int, int], suffix: str, **options: str) -> tuple[Layout, Pyramid]:
    offer = OFFERS[name]
    pyramid = Pyramid(Size(*size), offer.tile_size, offer.overlap)
    return offer.create("slide", suffix, pyramid, options=offer.resolved(options, "layout")), pyramid


def source(name: str, size: tuple[int, int], suffix: str) -> str:
    """What OpenSeadragon is given, in JavaScript."""
    layout, pyramid = made(name, size, suffix)
    facts = {"width": size[0], "height": size[1], "tileSize": pyramid.tile_size}
    if name == "zoomify":
        told = {"type": "zoomifytileservice", "tilesUrl": "slide/", "fileFormat": suffix}
        return json.dumps({**facts, **told})
    if name == "google":
        sizes = json.dumps({**facts, "minLevel": 0, "maxLevel": len(layout.levels) - 1})
        return f"Object.assign({sizes}, {{getTileUrl: (level, x, y) => `slide/${{level}}/${{y}}/${{x}}.{suffix}`}})"
    return json.dumps(OFFERS[name].descriptor.format(name="slide"))


def write(folder: Path, name: str, size: tuple[int, int], suffix: str, **options: str) -> None:
    """Write a pyramid by the pixel contract."""
    layout, pyramid = made(name, size, suffix, **options)
    planes = levels(smooth(Size(*size)))
    copies = {tile: key for key, tile in layout.extras.items()}
    for tile in tiles_of(layout, pyramid):
        part = cut(planes[tile.level], pyramid.tile_box(tile))
        if layout.pads:
            rest = [(0, pyramid.tile_size - part.shape[0]), (0, pyramid.tile_size - part.shape[1]), (0, 0)]
            part = np.pad(part, rest, constant_values=0)  # black, on a white page: it must not be seen
        for key in (layout.key(tile), copies.get(tile)):
            if key is not None:
                (folder / key).parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(part).save(folder / key)
    for key, data in layout.descriptor().items():
        (folder / key).write_bytes(data)


@dataclass
class Shown:
    """A page with a pyramid, and what was asked for and not found."""

    page: Any
    missing: list[str]

    def wait(self) -> None:
        self.page.wait_for_function("failed.length || (viewer.isOpen() && viewer.world.getItemAt(0).getFullyLoaded())")
        self.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        assert self.page.evaluate("failed") == []
        assert self.missing == []

    def whole(self) -> Picture:
        """The picture as it is at first: all of it."""
        self.wait()
        return self.picture()

    def last_corner(self, width: int, height: int) -> Picture:
        """The base, pixel for pixel, with its right bottom corner in the middle."""
        self.page.evaluate(
            """([x, y]) => {
                const item = viewer.world.getItemAt(0);
                viewer.viewport.zoomTo(item.imageToViewportZoom(1), null, true);
                viewer.viewport.panTo(item.imageToViewportCoordinates(x, y), true);
            }""",
            [width, height],
        )
        self.page.wait_for_timeout(100)
        self.wait()
        return self.picture()

    def picture(self) -> Picture:
        return decoded(screenshot(self.page, {"x": 0, "y": 0, "width": WIDTH, "height": HEIGHT}))


@pytest.fixture
def show(tab: Callable[..., Tab], origin: str, tmp_path: Path) -> Callable[..., Shown]:
    """Open a page of the test's folder, in which OpenSeadragon is given a tile source."""

    def open_it(tile_source: str, *, before: Callable[[str], None] | None = None) -> Shown:
        if before is not None:
            before(origin)
        shutil.copy(LIBRARY, tmp_path)
        (tmp_path / "page.html").write_text(PAGE.replace("SOURCE", tile_source))
        shown.page.goto(f"{origin}/page.html")
        return shown

    missing = list[str]()
    listeners = {"response": lambda got: missing.append(got.url) if got.status >= 400 else None}
    shown = Shown(tab(listeners, width=700, height=500).page, missing)
    shown.page.set_default_timeout(15_000)
    return open_it


def expected_whole(size: tuple[int, int]) -> Picture:
    """The picture as large as it fits into the view, in its middle."""
    page = np.full((HEIGHT, WIDTH, 3), 255, np.int64)
    scale = min(WIDTH / size[0], HEIGHT / size[1])
    width, height = round(size[0] * scale), round(size[1] * scale)
    left, top = (WIDTH - width) // 2, (HEIGHT - height) // 2
    small = Image.fromarray(smooth(Size(*size))).resize((width, height), Image.Resampling.BILINEAR)
    page[top : top + height, left : left + width] = np.asarray(small)
    return page


def expected_corner(size: tuple[int, int]) -> Picture:
    """The last pixel of the base in the middle of the view, and white beyond it."""
    page = np.full((HEIGHT, WIDTH, 3), 255, np.int64)
    shown = smooth(Size(*size))[-(HEIGHT // 2) :, -(WIDTH // 2) :]
    bottom, right = HEIGHT // 2, WIDTH // 2
    page[bottom - shown.shape[0] : bottom, right - shown.shape[1] : right] = shown
    return page


def different(one: Picture, other: Picture) -> float:
    """How many of the pixels are clearly unlike, from 0 to 1."""
    return float((np.abs(one - other).max(axis=2) > 8).mean())


@pytest.mark.parametrize(("name", "size"), CASES, ids=str)
def test_every_layout_is_shown_from_the_whole_to_the_last_pixel(name, size, show, tmp_path):
    write(tmp_path, name, size, "png")
    shown = show(source(name, size, "png"))
    # Tiles without overlap are drawn a pixel larger, over the edge of the picture.
    assert different(shown.whole(), expected_whole(size)) < 0.02
    assert different(shown.last_corner(*size), expected_corner(size)) < 0.02


def test_jpeg_tiles_have_the_suffix_that_each_client_asks_for(show, tmp_path):
    for name in sorted(OFFERS):
        write(tmp_path, name, (300, 200), "jpeg")
        shown = show(source(name, (300, 200), "jpeg" if name == "dzi" else "jpg"))
        assert different(shown.whole(), expected_whole((300, 200))) < 0.02


ROUNDED_UP = """{
  width: 1025, height: 700, tileSize: 256, minLevel: 0, maxLevel: 3,
  across(level) { return Math.ceil(this.width / 2 ** (this.maxLevel - level) / 256); },
  down(level) { return Math.ceil(this.height / 2 ** (this.maxLevel - level) / 256); },
  getTileUrl(level, x, y) {
    let number = y * this.across(level) + x;
    for (let above = 0; above < level; above++) number += this.across(above) * this.down(above);
    return `slide/TileGroup${number >> 8}/${level}-${x}-${y}.jpg`;
  },
}"""
"""In docs/layouts.md: OpenSeadragon's own source rounds level sizes down, and would take 3 levels here for the 4."""


def test_zoomify_whose_sides_do_not_halve_evenly_is_shown_by_the_source_of_the_docs(show, tmp_path):
    write(tmp_path, "zoomify", (1025, 700), "jpeg")
    shown = show(ROUNDED_UP)
    assert different(shown.whole(), expected_whole((1025, 700))) < 0.02
    assert different(shown.last_corner(1025, 700), expected_corner((1025, 700))) < 0.02
    docs = Path(__file__).parents[2] / "docs/layouts.md"
    assert ROUNDED_UP.partition("across")[2] in docs.read_text(encoding="utf-8")


def test_iiif_is_opened_from_any_page_by_the_url_that_it_was_given(show, tmp_path):
    def write_with(origin: str) -> None:
        write(tmp_path / "deep/er", "iiif3", (1021, 769), "webp", id=f"{origin}/deep/er")

    shown = show('"deep/er/slide/info.json"', before=write_with)
    assert different(shown.whole(), expected_whole((1021, 769))) < 0.02
