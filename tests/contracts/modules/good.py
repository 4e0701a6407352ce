"""Nothing is wrong here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tileframe import Writer, WriterPlugin, hookimpl, option


@dataclass(frozen=True, slots=True)
class Options:
    """What can be chosen."""

    bits: int = option(8, help="Of each sample that are kept.", low=1, high=8)
    order: str = option("rgb", help="Of the samples.", choices=("rgb", "bgr"))
    planar: bool = option(False, help="Whether each colour is by itself.")
    gamma: float | None = option(None, help="Undone before; none by default.", low=0.1)


def make(options: Options) -> Writer:
    raise NotImplementedError


@hookimpl
def tileframe_writers() -> Sequence[WriterPlugin]:
    return [WriterPlugin("raw-8", "raw pixels, for tests", make, Options)]
