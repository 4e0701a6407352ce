"""Slides that `tileframe serve` tiles on the fly, in a real browser."""

from __future__ import annotations

import io
import json
import time
from typing import Any

import numpy as np
from PIL import Image

from tests.asking import got, server
from tests.pictures import damage_tile, photo, png, svs

FIRST_TILE = "performance.getEntriesByName('tileframe-first-tile').length > 0"
RED = 176, 0, 32
"""The frame of the picture that stands for what cannot be read."""


def wait(page: Any, expression: str) -> None:
    """Wait until ``expression`` is true; Playwright's own way evaluates texts in the page, whose policy forbids it."""
    deadline = time.monotonic() + 20
    while not page.evaluate(expression):
        assert time.monotonic() < deadline, expression
        page.wait_for_timeout(50)


def shows(screenshot: bytes, colour: tuple[int, int, int]) -> bool:
    samples = np.asarray(Image.open(io.BytesIO(screenshot)).convert("RGB")).astype(int)
    return bool((np.abs(samples - colour).max(axis=2) < 8).sum() > 100)


def test_the_gallery_leads_to_slides_and_what_is_damaged_is_a_picture_that_says_so(tmp_path, browser):
    svs(tmp_path / "sound.svs", photo(700, 500))
    damage_tile(svs(tmp_path / "damaged.svs", photo(700, 500), levels=(1,)), 1)
    (tmp_path / "broken.svs").write_bytes(b"II*\0broken")
    with server(tmp_path, "--passthrough=never", "--tile-size=256", "--overlap=0") as (_, port):
        ids = {one["name"]: one["id"] for one in json.loads(got(port, "/index.json")[1])["slides"]}
        page = browser.new_context(viewport={"width": 800, "height": 600}).new_page()
        requests, errors = [], []
        page.on("request", lambda request: requests.append(request.url))
        page.on("pageerror", lambda error: errors.append(f"{error}"))
        page.on("console", lambda message: errors.append(message.text) if "Content Security" in message.text else None)
        page.goto(f"http://127.0.0.1:{port}/")
        shown = "[...document.images].length == 3 && [...document.images].every((one) => one.naturalWidth > 1)"
        wait(page, shown)  # of what is broken, too
        page.get_by_text("sound.svs").click()
        page.wait_for_url(f"**/slides/{ids['sound.svs']}/")
        wait(page, FIRST_TILE)
        assert page.locator("#problem").is_hidden()
        page.goto(f"http://127.0.0.1:{port}/slides/{ids['damaged.svs']}/#x=350&y=250&zoom=1")
        wait(page, FIRST_TILE)
        deadline = time.monotonic() + 20
        while not shows(page.screenshot(), RED):
            assert time.monotonic() < deadline
        page.goto(f"http://127.0.0.1:{port}/slides/{ids['broken.svs']}/")
        assert "broken.svs: no reader can open it" in page.locator("p").inner_text()
        page.context.close()
    assert errors == []
    assert {url.split("/")[2] for url in requests if not url.startswith("data:")} == {f"127.0.0.1:{port}"}


def test_openseadragon_opens_the_image_api(tmp_path, browser):
    pixels = np.zeros((300, 400, 3), np.uint8)
    pixels[:, 200:] = 255
    png(tmp_path / "a.png", pixels)
    with server(tmp_path, "--format=png") as (_, port):
        (slide,) = json.loads(got(port, "/index.json")[1])["slides"]
        page = browser.new_context().new_page()
        page.goto(f"http://127.0.0.1:{port}/slides/{slide['id']}/")
        wait(page, FIRST_TILE)
        info = f"/iiif/3/{slide['id']}/info.json"
        found = page.evaluate(f"""() => {{
            const source = new OpenSeadragon.IIIFTileSource({got(port, info)[1].decode()});
            return [source.width, source.height, source.getTileUrl(source.maxLevel, 0, 0)];
        }}""")
        page.context.close()
        assert found[:2] == [400, 300]
        status, tile = got(port, found[2].partition(f":{port}")[2])
        assert (status, tile[:2]) == (200, b"\xff\xd8")
