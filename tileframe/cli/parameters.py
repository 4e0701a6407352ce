"""Kinds of values on the command line, and the options that go to plugins."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import click

from tileframe.geometry import Box
from tileframe.options import parse_pairs


class Region(click.ParamType[Box]):
    """A part of the slide, written ``X,Y,WIDTH,HEIGHT``."""

    name = "X,Y,W,H"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Box:
        """Return the box."""
        if isinstance(value, Box):
            return value
        if not re.fullmatch(r"-?[0-9]{1,10}(,-?[0-9]{1,10}){3}", value):
            self.fail(f"'{value}' is no region; write X,Y,WIDTH,HEIGHT in base pixels", param, ctx)
        return Box(*(int(number) for number in value.split(",")))


def plugin_options(*kinds: str) -> Callable[[Any], Any]:
    """Return a decorator that adds ``--KIND-option NAME=VALUE`` for each kind of plugin."""

    def add(command: Any) -> Any:
        for kind in reversed(kinds):
            text = f"An option of the {kind}; may be given again. `tileframe plugins NAME` lists them."
            click.option(f"--{kind}-option", multiple=True, metavar="NAME=VALUE", help=text)(command)
        return command

    return add


def options_of(words: tuple[str, ...], kind: str) -> dict[str, str]:
    """Return the options given as ``--KIND-option NAME=VALUE``."""
    return parse_pairs(words, f"--{kind}-option")
