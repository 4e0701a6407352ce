"""What can be chosen of the layouts. Nothing heavy is imported here: every command reads it."""

from __future__ import annotations

from tileframe import option
from tileframe.frozen import dataclass


@dataclass(frozen=True)
class Iiif3Options:
    """The options of the layout."""

    id: str = option("", help="URL of the folder in which NAME/ will be published; else info.json has a relative id")
