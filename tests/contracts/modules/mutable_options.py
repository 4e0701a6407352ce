"""Options that could change behind the plan's back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tileframe import Writer, WriterPlugin, hookimpl, option


@dataclass
class Options:
    bits: int = option(8, help="Of each sample that are kept.", low=1, high=8)


def make(options: Options) -> Writer:
    raise NotImplementedError


@hookimpl
def tileframe_writers() -> Sequence[WriterPlugin]:
    return [WriterPlugin("raw", "raw pixels", make, Options)]
