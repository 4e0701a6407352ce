"""The commands that show slides and pyramids in the browser: ``serve``, over HTTP alone, and ``view``, by a page."""

from __future__ import annotations

import click

from tileframe import hookimpl
from tileframe_serve.command import serve
from tileframe_serve.view import view


@hookimpl
def tileframe_add_commands(cli: click.Group) -> None:
    """Add ``serve`` and ``view``."""
    cli.add_command(serve)
    cli.add_command(view)
