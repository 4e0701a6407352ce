"""What can be chosen of the stores. Nothing heavy is imported here: every command reads it."""

from __future__ import annotations

from tileframe import option
from tileframe.frozen import dataclass


@dataclass(frozen=True)
class DiskOptions:
    """What can be chosen of a pyramid on a disk."""

    sync: bool = option(True, help="Whether all is on the disk before it is shown, so that a power cut loses nothing.")
