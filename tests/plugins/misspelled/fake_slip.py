"""A plugin whose author mistyped a hook."""

from __future__ import annotations

from collections.abc import Sequence

from tileframe import ReaderPlugin, hookimpl


@hookimpl
def tileframe_readerz() -> Sequence[ReaderPlugin]:
    return []
