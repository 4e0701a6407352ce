"""A name with a capital, and a summary beyond the line."""

from __future__ import annotations

from collections.abc import Sequence

from tileframe import Writer, WriterPlugin, hookimpl


def make() -> Writer:
    raise NotImplementedError


@hookimpl
def tileframe_writers() -> Sequence[WriterPlugin]:
    return [WriterPlugin("Raw", "raw pixels, " + "and on and on " * 9, make)]
