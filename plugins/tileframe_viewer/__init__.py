"""A web page that shows pyramids, by OpenSeadragon."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tileframe import ViewerPlugin, hookimpl
from tileframe_viewer.known import FORMATS, LAYOUTS

if TYPE_CHECKING:
    from tileframe import Viewer


def _page() -> Viewer:
    from tileframe_viewer.page import PageViewer

    return PageViewer()


@hookimpl
def tileframe_viewers() -> list[ViewerPlugin]:
    """Offer the page ``NAME.html``."""
    return [ViewerPlugin("page", "NAME.html beside the pyramid, with OpenSeadragon", _page, LAYOUTS, FORMATS)]
