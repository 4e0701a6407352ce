"""A summary of two lines."""

from __future__ import annotations

from collections.abc import Sequence

from tileframe import Writer, WriterPlugin, hookimpl


def make() -> Writer:
    raise NotImplementedError


@hookimpl
def tileframe_writers() -> Sequence[WriterPlugin]:
    return [WriterPlugin("raw", "raw\npixels", make)]
