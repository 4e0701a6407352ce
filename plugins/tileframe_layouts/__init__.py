"""Layouts: Deep Zoom, Zoomify, Google Maps, and IIIF Image API 3 as static files."""

from __future__ import annotations

from collections.abc import Sequence

from tileframe import LayoutPlugin, hookimpl
from tileframe_layouts import dzi, google, iiif3, zoomify


@hookimpl
def tileframe_layouts() -> Sequence[LayoutPlugin]:
    """Offer what dzsave writes, with its defaults of tile size and overlap."""
    return [
        LayoutPlugin(
            "dzi",
            "Deep Zoom: NAME.dzi and NAME_files/LEVEL/COL_ROW.jpeg",
            dzi.DziLayout,
            descriptor="{name}.dzi",
            read=dzi.read,
        ),
        LayoutPlugin(
            "zoomify",
            "Zoomify: NAME/ImageProperties.xml, NAME/TileGroupN/LEVEL-COL-ROW.jpg",
            zoomify.ZoomifyLayout,
            descriptor="{name}/ImageProperties.xml",
            read=zoomify.read,
            tile_size=256,
            overlap=0,
        ),
        LayoutPlugin(
            "google",
            "Google Maps, full square tiles: NAME/LEVEL/ROW/COL.jpg",
            google.GoogleLayout,
            tile_size=256,
            overlap=0,
        ),
        LayoutPlugin(
            "iiif3",
            "IIIF 3, level 0: NAME/info.json, NAME/X,Y,W,H/W,H/0/default.jpg",
            iiif3.Iiif3Layout,
            descriptor="{name}/info.json",
            read=iiif3.read,
            tile_size=512,
            overlap=0,
            options=iiif3.Iiif3Options,
        ),
    ]
