"""A plugin with one hook that fails and one that does not."""

from __future__ import annotations

from collections.abc import Sequence

from tileframe import ReaderPlugin, Writer, WriterPlugin, hookimpl


@hookimpl
def tileframe_readers() -> Sequence[ReaderPlugin]:
    raise ZeroDivisionError("no readers today")


@hookimpl
def tileframe_writers() -> Sequence[WriterPlugin]:
    def make() -> Writer:
        raise AssertionError("nobody picks it")

    return [WriterPlugin("sound", "of a plugin that is not to be trusted", make)]
