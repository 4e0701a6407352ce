"""The command ``tileframe demo``: draws a sample slide and tiles it."""

from __future__ import annotations

import click

from tileframe import hookimpl
from tileframe_demo.command import demo


@hookimpl
def tileframe_add_commands(cli: click.Group) -> None:
    """Add ``demo``."""
    cli.add_command(demo)
