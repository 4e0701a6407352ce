"""The commands ``run``, ``plugins``, ``info``, ``verify`` and ``compare``."""

from __future__ import annotations

import click

from tileframe import hookimpl
from tileframe_commands.compare import compare
from tileframe_commands.info import info
from tileframe_commands.plugins import plugins
from tileframe_commands.run import run
from tileframe_commands.verify import verify


@hookimpl
def tileframe_add_commands(cli: click.Group) -> None:
    """Add them."""
    for command in (run, plugins, info, verify, compare):
        cli.add_command(command)
