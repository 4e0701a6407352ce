"""Implements a hook that nobody calls."""

from __future__ import annotations

from tileframe import hookimpl


@hookimpl
def tileframe_writer() -> list[object]:
    return []
