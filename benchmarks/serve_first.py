"""Seconds from the start of `tileframe serve SLIDE` until a browser that is open shows the slide."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import tifffile

from tileframe import Size, open_slide
from tileframe.pixels import Pixels
from tileframe_bench.processes import in_own_process
from tileframe_bench.workloads import WORKLOADS
from tileframe_demo.pictures import section

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
SIDE, TILE, ROUNDS = 131_072, 512, 3
THUMBNAIL = """new Promise((done, failed) => {
    setTimeout(() => failed(new Error("no thumbnail within 60 seconds")), 60000);
    const look = () =>
        [...document.images].some(one => one.complete && one.naturalWidth > 0) ? done() : requestAnimationFrame(look);
    look();
})"""
SPARSE = 16
"""One tile of so many is there, in each direction."""


def first_pictures(slide: Path, asked: argparse.Namespace) -> list[tuple[str, ...]]:
    """Return a row for each slide: that of the other figures, and two far larger ones with little in them."""
    from playwright.sync_api import sync_playwright

    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    figures = "megapixels", "address printed", "gallery's picture", "all tiles in sight", "CPU of the server"
    rows: list[tuple[str, ...]] = [("seconds until", *figures)]
    large = {
        f"sparse, {name}": in_own_process(_Sparse(levels)) for name, levels in (("with levels", 3), ("without", 0))
    }
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        for name, path in {slide.name: slide, **large}.items():
            times = np.median([_once(path, opened.new_page()) for _ in range(ROUNDS)], axis=0)
            area = SIDE * SIDE if name in large else _area(path)
            rows.append((name, f"{area / 1e6:,.0f}", *(f"{one:.2f}" for one in times)))
        opened.close()
    return rows


def _once(slide: Path, page: Any) -> tuple[float, float, float, float]:
    """Serve ``slide`` and open it as a user does: the address that is printed, then its first link."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "tileframe", "serve", "--port", "0", f"{slide}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            printed = time.perf_counter()
            page.goto(address)
            page.evaluate(THUMBNAIL)  # not `wait_for_function`, which the page's policy forbids
            thumbnail = time.perf_counter()
            page.locator("li a").first.click()
            page.wait_for_selector("#stages[aria-busy=false]")
            shown, cpu = time.perf_counter(), sum(psutil.Process(process.pid).cpu_times()[:2])
        finally:
            page.close()
            process.terminate()
            process.wait(30)
    return printed - start, thumbnail - start, shown - start, cpu


def _area(path: Path) -> int:
    with open_slide(path) as source:
        return source.facts.size.area


class _Sparse:
    """Draws a tiled TIFF of 17 gigapixels of which a few tiles are there, with smaller levels or without."""

    def __init__(self, levels: int) -> None:
        self._levels = levels

    def __call__(self) -> Path:
        """Return its path; it is drawn if it does not exist."""
        path = WORKLOADS["svs"].path.with_name(f"sparse-{SIDE}-{self._levels}.tif")
        partial = path.with_suffix(".partial")
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            drawn = section(Size(TILE, TILE), 3, WORKLOADS["svs"].colour).numpy()
            with tifffile.TiffWriter(partial, bigtiff=True) as file:
                for step in range(self._levels + 1):
                    side = SIDE >> 2 * step
                    file.write(
                        _tiles(drawn, side // TILE), shape=(side, side, 3), dtype="uint8", tile=(TILE, TILE),
                        photometric="ycbcr", compression="jpeg", subfiletype=min(step, 1), metadata=None,
                    )  # fmt: skip
            partial.replace(path)
        return path


def _tiles(drawn: Pixels, across: int) -> Iterator[Pixels | None]:
    for index in range(across * across):
        yield drawn if index % across % SPARSE == 0 and index // across % SPARSE == 0 else None
