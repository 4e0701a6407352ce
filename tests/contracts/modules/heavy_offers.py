"""Imports an image library in its hook."""

from __future__ import annotations

from tileframe import hookimpl


@hookimpl
def tileframe_writers() -> list[object]:
    import PIL.Image

    return [] if PIL.Image.MODES else [None]
