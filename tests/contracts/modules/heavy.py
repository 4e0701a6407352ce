"""Imports an image library."""

from __future__ import annotations

import PIL.Image

from tileframe import hookimpl

MODES = PIL.Image.MODES


@hookimpl
def tileframe_writers() -> list[object]:
    return []
