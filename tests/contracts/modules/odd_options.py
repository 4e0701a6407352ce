"""Options that are no dataclass."""

from __future__ import annotations

from collections.abc import Sequence

from tileframe import Writer, WriterPlugin, hookimpl


class Options:
    bits = 8


def make(options: Options) -> Writer:
    raise NotImplementedError


@hookimpl
def tileframe_writers() -> Sequence[WriterPlugin]:
    return [WriterPlugin("raw", "raw pixels", make, Options)]
