"""Commands that are loaded when they are called."""

from __future__ import annotations

from typing import Any

import click

from tileframe.distributions import loaded
from tileframe.errors import PluginError, one_line


class Later(click.Command):
    """Stands for the command at ``place``, ``module:object``, of which nothing else is known than ``name`` and help.

    So ``tileframe --help``, and every other command, does without its options and all that they need.
    """

    def __init__(self, name: str, place: str, help: str) -> None:
        super().__init__(name, help=help)
        self._place = place

    def loaded(self) -> click.Command:
        """Return the command itself; `PluginError` if it is not there, or cannot be imported."""
        try:
            command = loaded(self._place)
        except (ImportError, AttributeError) as error:
            raise PluginError(f"the command '{self.name}' is broken: {one_line(error)}") from error
        if not isinstance(command, click.Command):
            raise PluginError(f"the command '{self.name}' is broken: {self._place} is {command!r}, and no command")
        return command

    def make_context(self, *arguments: Any, **options: Any) -> click.Context:
        """Return its context, in which click goes on with the command itself."""
        return self.loaded().make_context(*arguments, **options)
