"""The command ``tileframe serve``: slides and finished pyramids over HTTP, as Deep Zoom, Zoomify, XYZ and IIIF."""

from __future__ import annotations

import click

from tileframe import hookimpl
from tileframe_serve.command import serve


@hookimpl
def tileframe_add_commands(cli: click.Group) -> None:
    """Add ``serve``."""
    cli.add_command(serve)
