"""Nothing is wrong here."""

from __future__ import annotations

from collections.abc import Sequence

from tileframe import Writer, WriterPlugin, hookimpl


def make(quality: int | None) -> Writer:
    raise NotImplementedError


@hookimpl
def tileframe_writers() -> Sequence[WriterPlugin]:
    return [WriterPlugin("raw-8", "raw pixels, for tests", make)]
