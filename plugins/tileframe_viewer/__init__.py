"""A web page that shows pyramids, by OpenSeadragon."""

from __future__ import annotations

from tileframe import ViewerPlugin, hookimpl
from tileframe_viewer.page import PageViewer
from tileframe_viewer.record import FORMATS, LAYOUTS


@hookimpl
def tileframe_viewers() -> list[ViewerPlugin]:
    """Offer the page ``NAME.html``."""
    return [ViewerPlugin("page", "NAME.html beside the pyramid, with OpenSeadragon", PageViewer, LAYOUTS, FORMATS)]
