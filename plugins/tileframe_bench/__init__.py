"""The command ``tileframe bench``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tileframe import hookimpl
from tileframe.cli.later import Later

if TYPE_CHECKING:
    import click


@hookimpl
def tileframe_add_commands(cli: click.Group) -> None:
    """Add ``tileframe bench``."""
    help = "Compare the backends, and what people write without tileframe, on SLIDE... or on built-in inputs."
    cli.add_command(Later("bench", "tileframe_bench.command:bench", help))
