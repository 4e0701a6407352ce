"""The command line as one object, for the reference."""

from tileframe.registry import load
from tileframe_start.command import build_cli

cli = build_cli(load())
cli.commands = {name: getattr(command, "loaded", lambda one=command: one)() for name, command in cli.commands.items()}
