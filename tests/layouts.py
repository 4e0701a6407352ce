"""The layouts as plugins offer them, for one pyramid called ``name``; and what dzsave writes for each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyvips

from tileframe import Layout, LayoutPlugin, Pyramid, Size
from tileframe.pixels import Pixels
from tileframe_layouts import tileframe_layouts

OFFERS = {offer.name: offer for offer in tileframe_layouts()}
DZSAVE = {"dzi": "dz", "zoomify": "zoomify", "google": "google", "iiif3": "iiif3"}
OTHERS = ["zoomify", "google", "iiif3"]
SIZES = [(1, 1), (1, 300), (255, 255), (256, 512), (300, 200), (513, 257), (1021, 769)]
SIDES = [None, 60]
"""Tile sizes: the layout's own, and one that makes many tiles."""
ADDED_BY_DZSAVE = ("vips-properties.xml", "blank.png")


def made(name: str, size: tuple[int, int], side: int | None = None, suffix: str = "png", **options: str) -> Layout:
    offer = OFFERS[name]
    pyramid = Pyramid(Size(*size), side or offer.tile_size, offer.overlap)
    return offer.create("name", suffix, pyramid, options=offer.resolved(options, "layout"))


def pyramid_of(offer: LayoutPlugin, size: tuple[int, int], side: int | None = None) -> Pyramid:
    return Pyramid(Size(*size), side or offer.tile_size, offer.overlap)


def dzsave(folder: Path, pixels: Pixels, layout: str, **how: Any) -> dict[str, bytes]:
    """Every file that dzsave writes for the layout, by key; google leaves out blank tiles unless told not to."""
    image = pyvips.Image.new_from_array(pixels).copy(interpretation="srgb")
    image.dzsave(str(folder / "name"), layout=DZSAVE[layout], skip_blanks=-1, **how)
    paths = (path for path in folder.rglob("*") if path.is_file() and path.name not in ADDED_BY_DZSAVE)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
