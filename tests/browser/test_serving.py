"""Slides that `tileframe serve` tiles on the fly, in a real browser."""

from __future__ import annotations

import io
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import tileframe
from tests.browser.test_annotations import square, written
from tests.pictures import damage_tile, photo, svs
from tests.running import served
from tileframe import Passthrough
from tileframe.registry import load
from tileframe_serve.app import App
from tileframe_serve.files import Files
from tileframe_serve.settings import Settings
from tileframe_viewer import assets

FIRST_TILE = "performance.getEntriesByName('tileframe-first-tile').length > 0"
RED = 176, 0, 32
"""The frame of the picture that stands for what cannot be read."""
CLIENTS = """<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="leaflet.css">
<style>div { position: absolute; top: 0; left: 0; width: 400px; height: 300px; } #seadragon { left: 500px; }</style>
<div id="leaflet"></div><div id="seadragon"></div>
<script src="leaflet.js"></script><script src="leaflet-iiif.js"></script><script src="openseadragon.min.js"></script>
<script>
  const map = L.map("leaflet", { center: [0, 0], zoom: 0, crs: L.CRS.Simple, zoomControl: false, attributionControl: false });
  const layer = L.tileLayer.iiif("INFO", { fadeAnimation: false }).on("load", () => { window.leaflet = true; }).addTo(map);
  const viewer = OpenSeadragon({ id: "seadragon", tileSources: ["INFO"], drawer: "canvas", showNavigationControl: false, immediateRender: true });
  viewer.world.addHandler("add-item", ({ item }) => item.addHandler("fully-loaded-change", () => { window.seadragon = true; }));
</script>"""  # noqa: E501 - a page
"""A page of another site, with two public viewers of IIIF."""


@contextmanager
def shown(*paths: Path, **asked: Any) -> Iterator[tuple[str, dict[str, str]]]:
    """Where ``paths`` are served, and the ids of what is, by name."""
    app = App(Settings(paths=tuple(map(str, paths)), **asked), load())
    with served(app) as origin:
        yield origin, {entry.name: entry.id for entry in app.served.catalogue.entries.values()}


def wait(page: Any, expression: str) -> None:
    """Wait until ``expression`` is true; Playwright's own way evaluates texts in the page, whose policy forbids it."""
    deadline = time.monotonic() + 20
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, expression
        page.wait_for_timeout(50)


def samples(screenshot: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(screenshot)).convert("RGB")).astype(int)


def shows(screenshot: bytes, colour: tuple[int, int, int]) -> bool:
    return bool((np.abs(samples(screenshot) - colour).max(axis=2) < 8).sum() > 100)


def test_the_gallery_leads_to_slides_with_what_is_beside_them_and_what_is_damaged_says_so(tmp_path, tab):
    svs(tmp_path / "sound.svs", photo(700, 500))
    damage_tile(svs(tmp_path / "damaged.svs", photo(700, 500), levels=(1,)), 1)
    (tmp_path / "broken.svs").write_bytes(b"II*\0broken")
    written(tmp_path / "sound.geojson", square(100, 100, 200, name="a square"))
    with shown(tmp_path, passthrough=Passthrough.NEVER, tile_size=256, overlap=0, associated=True) as (origin, ids):
        requests, errors = list[str](), list[str]()
        listeners = {
            "request": lambda request: requests.append(request.url),
            "pageerror": lambda error: errors.append(f"{error}"),
            "console": lambda message: errors.append(message.text) if "Content Security" in message.text else None,
        }
        page = tab(listeners, width=800, height=600).page
        page.goto(f"{origin}/")
        wait(page, "[...document.images].length == 3 && [...document.images].every((one) => one.naturalWidth > 1)")
        page.get_by_text("sound.svs").click()
        page.wait_for_url(f"**/slides/{ids['sound.svs']}/")
        wait(page, FIRST_TILE)
        wait(page, "document.querySelector('#annotations-note').textContent == '1 annotation from sound.geojson.'")
        page.keyboard.press("k")
        assert page.locator("#strip figcaption").inner_text() == "thumbnail"
        wait(page, "document.querySelector('#strip img').naturalWidth == 88")
        assert page.locator("#problem").is_hidden()
        page.goto(f"{origin}/slides/{ids['damaged.svs']}/#x=350&y=250&zoom=1")
        wait(page, FIRST_TILE)
        deadline = time.monotonic() + 20
        while not shows(page.screenshot(), RED):
            assert time.monotonic() < deadline
        page.goto(f"{origin}/slides/{ids['broken.svs']}/")
        assert "broken.svs: no reader can open it" in page.locator("p").first.inner_text()
        page.goto("about:blank")
    assert errors == []
    assert [url for url in requests if not url.startswith((f"{origin}/", "data:", "about:"))] == []


def test_a_served_page_whose_tiles_are_all_missing_says_so_and_loads_no_longer(tmp_path, tab):
    tileframe.run(svs(tmp_path / "slide.svs", photo(700, 500)), tmp_path / "out" / "empty")
    shutil.rmtree(tmp_path / "out" / "empty_files")
    with shown(tmp_path / "out") as (origin, ids):
        page = tab(width=800, height=600).page
        page.goto(f"{origin}/slides/{ids['empty.dzi']}/")
        page.wait_for_selector("#problem:not([hidden])")
        assert "The tiles of empty.dzi could not be loaded" in page.locator("#problem-text").inner_text()
        page.wait_for_selector("#stages[aria-busy=false]")  # nothing more will come
        page.goto("about:blank")


def test_openseadragon_and_leaflet_show_a_served_slide_by_iiif_in_a_page_of_another_site(tmp_path, tab):
    modules = Path(assets.__file__).parent / "node_modules"
    files = [modules / "leaflet/dist/leaflet.js", modules / "leaflet/dist/leaflet.css",
             modules / "leaflet-iiif/leaflet-iiif.js", assets.VENDOR / "openseadragon.min.js"]  # fmt: skip
    if missing := [path.name for path in files if not path.is_file()]:
        pytest.skip(f"{', '.join(missing)}: not installed: npm ci in plugins/tileframe_viewer")
    site = tmp_path / "site"
    site.mkdir()
    for path in files:
        shutil.copy(path, site)
    quarters = np.array([[(200, 0, 0), (0, 160, 0)], [(0, 0, 200), (250, 200, 0)]], np.uint8)
    slide = svs(tmp_path / "slide.svs", quarters.repeat(600, 0).repeat(800, 1), lossless=True, levels=(1,))
    with served(Files(site, [site])) as other, shown(slide, cors=(other,)) as (origin, ids):
        info = f"{origin}/iiif/3/{ids['slide.svs']}/info.json"
        (site / "index.html").write_text(CLIENTS.replace("INFO", info), encoding="utf-8")
        page = tab(width=900, height=300).page
        page.goto(f"{other}/index.html")
        wait(page, "window.leaflet && window.seadragon")
        deadline = time.monotonic() + 20
        while wrong := wrongly_shown(samples(page.screenshot()), quarters):  # tiles fade in
            assert time.monotonic() < deadline, wrong
        page.goto("about:blank")


def wrongly_shown(picture: Any, quarters: Any) -> list[tuple[int, int]]:
    """Return the places in either client's picture whose colour is not that of their quarter."""
    places = {(left + 150 + 100 * col, 120 + 60 * row): quarters[row, col]
              for left in (0, 500) for row in (0, 1) for col in (0, 1)}  # fmt: skip
    return [(x, y) for (x, y), colour in places.items() if np.abs(picture[y, x] - colour).max() >= 8]
