"""Kinds of values on the command line, and the options that go to plugins."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

import click

from tileframe.options import parse_pairs

PAGE = "Which picture of a file with several, from 0: short for --reader-option page=N; default: the largest main one."
FILE = click.Path(readable=False)
"""The text as it was written: shells complete it as the name of a file, and nothing is looked at."""


class TileSize(click.ParamType["int | str"]):
    """A number of pixels, or ``native``."""

    name = "integer"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        """Return the number, or the word."""
        if value != "native" and not value.removeprefix("-").isdecimal():
            self.fail(f"'{value}' is no number of pixels, nor 'native'", param, ctx)
        return value if value == "native" else int(value)


def taking_alone(values: Mapping[str, str]) -> type[click.Command]:
    """Return the class of a command that takes the options in ``values`` alone, too, as if with these values.

    Click would take what follows for the value. Another value is given after ``=``.
    """

    class TakingAlone(click.Command):
        def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
            return super().parse_args(ctx, [f"{word}={values[word]}" if word in values else word for word in args])

    return TakingAlone


def plugin_options(*kinds: str) -> Callable[[Any], Any]:
    """Return a decorator that adds ``--KIND-option NAME=VALUE`` for each kind of plugin: a dict ``KIND_options``."""

    def pairs(ctx: click.Context, param: click.Parameter, words: tuple[str, ...]) -> dict[str, str]:
        return parse_pairs(words, param.opts[0])

    def add(command: Any) -> Any:
        for kind in reversed(kinds):
            names = f"--{kind}-option", f"{kind}_options"
            text = f"An option of the {kind}; may be given again. `tileframe plugins NAME` lists them."
            click.option(*names, multiple=True, metavar="NAME=VALUE", callback=pairs, help=text)(command)
        return command

    return add


def one_of(flag: str, default: Enum, *, help: str, metavar: str | None = None) -> Callable[[Any], Any]:
    """Return a decorator that adds an option whose values are the words of an enum, and which gives a member of it."""
    kind = type(default)

    def member(ctx: click.Context, param: click.Parameter, word: str) -> Enum:
        return kind(word)

    words = click.Choice([one.value for one in kind])
    how: dict[str, Any] = {"default": default.value, "show_default": True, "help": help, "metavar": metavar}
    return click.option(flag, type=words, callback=member, **how)
