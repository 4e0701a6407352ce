"""Tile formats: JPEG and PNG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from tileframe import PluginError, Writer, WriterPlugin, hookimpl, option


@dataclass(frozen=True, slots=True)
class JpegOptions:
    """What can be chosen of JPEG tiles."""

    quality: int = option(75, help="4:2:0 below 90, 4:4:4 from there on.", low=1, high=100)


def _jpeg(options: JpegOptions, *, suffix: str) -> Writer:
    try:
        from tileframe_writers.jpeg import JpegWriter
    except ImportError as error:
        raise PluginError(f"the jpeg format needs imagecodecs and simplejpeg ({error})") from error
    return JpegWriter(options.quality, suffix=suffix)


def _png() -> Writer:
    try:
        from tileframe_writers.png import PngWriter
    except ImportError as error:
        raise PluginError(f"the png format needs imagecodecs ({error})") from error
    return PngWriter()


@hookimpl
def tileframe_writers() -> Sequence[WriterPlugin]:
    """Offer JPEG under both its suffixes, and PNG."""
    return [
        WriterPlugin("jpeg", "JPEG tiles that end in .jpeg", partial(_jpeg, suffix="jpeg"), JpegOptions),
        WriterPlugin("jpg", "JPEG tiles that end in .jpg", partial(_jpeg, suffix="jpg"), JpegOptions),
        WriterPlugin("png", "PNG tiles, lossless", _png),
    ]
