"""The command ``tileframe bench``."""

from __future__ import annotations

import click

from tileframe import hookimpl
from tileframe_bench.command import bench


@hookimpl
def tileframe_add_commands(cli: click.Group) -> None:
    """Add ``tileframe bench``."""
    cli.add_command(bench)
