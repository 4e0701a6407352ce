"""What can be chosen of a picture. Nothing heavy is imported here: every command reads it."""

from __future__ import annotations

from tileframe import option
from tileframe.frozen import dataclass


@dataclass(frozen=True)
class ImageOptions:
    """Which of several pictures."""

    page: int | None = option(None, help="Picture or frame of the file, counted from 0; default: 0.", low=0)
