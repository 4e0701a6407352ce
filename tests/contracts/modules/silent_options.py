"""An option that nobody explains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tileframe import Writer, WriterPlugin, hookimpl


@dataclass(frozen=True)
class Options:
    bits: int = 8


def make(options: Options) -> Writer:
    raise NotImplementedError


@hookimpl
def tileframe_writers() -> Sequence[WriterPlugin]:
    return [WriterPlugin("raw", "raw pixels", make, Options)]
