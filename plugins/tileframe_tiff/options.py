"""What can be chosen of a TIFF. Nothing heavy is imported here: every command reads it."""

from __future__ import annotations

from tileframe import option
from tileframe.frozen import dataclass


@dataclass(frozen=True)
class TiffOptions:
    """Which of several pictures, and which part of it."""

    page: int | None = option(None, help="Picture of the file, counted from 0; default: the largest main one.", low=0)
    channel: int | None = option(None, help="Channel, counted from 0, as grey; default: all of RGB, or 0.", low=0)
    z: int | None = option(None, help="Focal plane, counted from 0; default: 0.", low=0)
