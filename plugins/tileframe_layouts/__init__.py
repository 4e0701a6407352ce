"""Layouts: Deep Zoom, Zoomify, Google Maps, and IIIF Image API 3 as static files."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from tileframe import LayoutPlugin, hookimpl
from tileframe_layouts.options import Iiif3Options

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any


def _later(module: str, name: str) -> Callable[..., Any]:
    """Return what calls a function of a module here, which is loaded then: every command reads the list below."""

    def call(*arguments: Any) -> Any:
        return getattr(import_module(f"tileframe_layouts.{module}"), name)(*arguments)

    return call


@hookimpl
def tileframe_layouts() -> Sequence[LayoutPlugin]:
    """Offer what dzsave writes, with its defaults of tile size and overlap."""
    return [
        LayoutPlugin(
            "dzi",
            "Deep Zoom: NAME.dzi and NAME_files/LEVEL/COL_ROW.jpeg",
            _later("dzi", "DziLayout"),
            descriptor="{name}.dzi",
            read=_later("dzi", "read"),
        ),
        LayoutPlugin(
            "zoomify",
            "Zoomify: NAME/ImageProperties.xml, NAME/TileGroupN/LEVEL-COL-ROW.jpg",
            _later("zoomify", "ZoomifyLayout"),
            descriptor="{name}/ImageProperties.xml",
            read=_later("zoomify", "read"),
            tile_size=256,
            overlap=0,
        ),
        LayoutPlugin(
            "google",
            "Google Maps, full square tiles: NAME/LEVEL/ROW/COL.jpg",
            _later("google", "GoogleLayout"),
            tile_size=256,
            overlap=0,
        ),
        LayoutPlugin(
            "iiif3",
            "IIIF 3, level 0: NAME/info.json, NAME/X,Y,W,H/W,H/0/default.jpg",
            _later("iiif3", "Iiif3Layout"),
            descriptor="{name}/info.json",
            read=_later("iiif3", "read"),
            tile_size=512,
            overlap=0,
            options=Iiif3Options,
        ),
    ]
