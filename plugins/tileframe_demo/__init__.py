"""The command ``tileframe demo``: draws a sample slide and tiles it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tileframe import hookimpl
from tileframe.cli.later import Later

if TYPE_CHECKING:
    import click


@hookimpl
def tileframe_add_commands(cli: click.Group) -> None:
    """Add ``demo``."""
    help = "Draw a sample slide, make its pyramid and a page to look at it, and say what to do next."
    cli.add_command(Later("demo", "tileframe_demo.command:demo", help))
