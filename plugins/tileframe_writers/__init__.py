"""Tile formats: JPEG and PNG."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from tileframe import PluginError, Writer, WriterPlugin, hookimpl


def _jpeg(quality: int | None, *, suffix: str) -> Writer:
    try:
        from tileframe_writers.jpeg import JpegWriter
    except ImportError as error:
        raise PluginError(f"the jpeg format needs imagecodecs and simplejpeg ({error})") from error
    return JpegWriter(quality, suffix=suffix)


def _png(quality: int | None) -> Writer:
    try:
        from tileframe_writers.png import PngWriter
    except ImportError as error:
        raise PluginError(f"the png format needs imagecodecs ({error})") from error
    return PngWriter(quality)


@hookimpl
def tileframe_writers() -> Sequence[WriterPlugin]:
    """Offer JPEG under both its suffixes, and PNG."""
    return [
        WriterPlugin("jpeg", "JPEG tiles that end in .jpeg", partial(_jpeg, suffix="jpeg")),
        WriterPlugin("jpg", "JPEG tiles that end in .jpg", partial(_jpeg, suffix="jpg")),
        WriterPlugin("png", "PNG tiles, lossless", _png),
    ]
