"""A web page that shows pyramids, by OpenSeadragon, and the command ``tileframe view``."""

from __future__ import annotations

import click

from tileframe import ViewerPlugin, hookimpl
from tileframe_viewer.command import view
from tileframe_viewer.page import PageViewer
from tileframe_viewer.record import FORMATS, LAYOUTS


@hookimpl
def tileframe_viewers() -> list[ViewerPlugin]:
    """Offer the page ``NAME.html``."""
    return [ViewerPlugin("page", "NAME.html beside the pyramid, with OpenSeadragon", PageViewer, LAYOUTS, FORMATS)]


@hookimpl
def tileframe_add_commands(cli: click.Group) -> None:
    """Add ``view``."""
    cli.add_command(view)
