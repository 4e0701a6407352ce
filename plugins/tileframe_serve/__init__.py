"""The commands that show slides and pyramids in the browser: ``serve``, over HTTP alone, and ``view``, by a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tileframe import hookimpl
from tileframe.cli.later import Later

if TYPE_CHECKING:
    import click


@hookimpl
def tileframe_add_commands(cli: click.Group) -> None:
    """Add ``serve`` and ``view``."""
    help = "Show slides, pictures and finished pyramids in the browser, without making pyramids first."
    cli.add_command(Later("serve", "tileframe_serve.command:serve", help))
    help = "Write a page that shows a pyramid, whichever tool made it, and open it."
    cli.add_command(Later("view", "tileframe_serve.view:view", help))
