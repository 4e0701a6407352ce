"""The commands ``run``, ``plugins``, ``info``, ``verify`` and ``compare``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tileframe import hookimpl
from tileframe.cli.later import Later

if TYPE_CHECKING:
    import click


COMMANDS = {
    "run": "Make the pyramid of SLIDE; of several, or of all in a folder, into the folder given by -o.",
    "plugins": "List what is installed, and what is broken; with NAME, or the s3 of s3://, what it is and its options.",
    "info": "Say what is known of SLIDE, or of a finished pyramid.",
    "verify": "Check PYRAMID: a descriptor, an archive or a folder, of any tool. Exits with 5 if anything is wrong.",
    "compare": "Say how equal the pyramids A and B are: in layout, in the base, or in all pixels.",
}
"""What each begins its help with."""


@hookimpl
def tileframe_add_commands(cli: click.Group) -> None:
    """Add them."""
    for name, help in COMMANDS.items():
        cli.add_command(Later(name, f"tileframe_commands.{name}:{name}", help))
