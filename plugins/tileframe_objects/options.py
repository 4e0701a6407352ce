"""What can be chosen of pyramids in object stores. Nothing heavy is imported here: every command reads it."""

from __future__ import annotations

from tileframe import option
from tileframe.frozen import dataclass

SCHEMES = ("s3", "az", "gs", "memory")
RETRY, TIMEOUT = 180.0, 30.0
"""Seconds for which a request that fails is sent again, and after which an answer is not waited for any longer."""


@dataclass(frozen=True)
class ObjectOptions:
    """What can be chosen of a pyramid in an object store."""

    content_type: str = option("", help="Content-Type of the tiles, or of the archive; empty: by the file's ending.")
    cache_control: str = option("", help="Cache-Control of tiles and archives, as 'public, max-age=31536000'.")
    descriptor_cache_control: str = option("", help="Cache-Control of all that is no tile, as 'no-cache'.")
    requests: int = option(64, low=1, high=1024, help="The most requests at a time.")
    retry: float = option(RETRY, low=0, high=3600, help="Seconds for which a request that fails is sent again.")
    timeout: float = option(TIMEOUT, low=0.1, high=3600, help="Seconds after which no answer is waited for any longer.")
