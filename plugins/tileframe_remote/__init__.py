"""Slides on web servers and in object stores: read by ranges, or through a bounded cache of copies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tileframe import OriginPlugin, PluginError, hookimpl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tileframe import RemoteSlide

SCHEMES = ("http", "https", "s3", "gs", "az")


def _slide(url: str) -> RemoteSlide:
    try:
        from tileframe_remote.slide import UrlSlide
    except ImportError as error:
        message = f"slides are read from URLs by obstore: pip install 'tileframe[objects]' ({error})"
        raise PluginError(message) from error
    return UrlSlide(url)


@hookimpl
def tileframe_origins() -> Sequence[OriginPlugin]:
    """Offer slides at the URLs of web servers and object stores."""
    return [OriginPlugin("url", "slides at https://, s3://, gs:// and az://", _slide, SCHEMES)]
