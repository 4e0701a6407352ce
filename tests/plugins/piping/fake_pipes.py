"""A stranger's command, which loses the process that it talks to."""

from __future__ import annotations

import os

import click

from tileframe import hookimpl


@hookimpl
def tileframe_add_commands(cli: click.Group) -> None:
    cli.add_command(click.Command("talk", callback=talk))


def talk() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    os.write(writer, b"are you there?")
