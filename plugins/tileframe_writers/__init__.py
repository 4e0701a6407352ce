"""Tile formats: JPEG, PNG, WebP, AVIF and JPEG XL."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

from tileframe import PluginError, WriterPlugin, hookimpl
from tileframe_writers.options import AvifOptions, JpegOptions, JxlOptions, WebpOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tileframe import Writer


def _jpeg(options: JpegOptions, *, suffix: str) -> Writer:
    from tileframe_writers.jpeg import JpegWriter

    _require_installed("jpeg", "imagecodecs", "simplejpeg")
    return JpegWriter(options.quality, suffix=suffix)


def _png() -> Writer:
    from tileframe_writers.png import PngWriter

    _require_installed("png", "imagecodecs")
    return PngWriter()


def _webp(options: WebpOptions) -> Writer:
    _require("webp", "WEBP")
    from tileframe_writers.webp import WebpWriter

    return WebpWriter(options)


def _avif(options: AvifOptions) -> Writer:
    _require("avif", "AVIF")
    from tileframe_writers.avif import AvifWriter

    return AvifWriter(options)


def _jxl(options: JxlOptions) -> Writer:
    _require("jxl", "JPEGXL")
    from tileframe_writers.jxl import JxlWriter

    return JxlWriter(options)


def _require_installed(name: str, *libraries: str) -> None:
    """Raise `PluginError` where one of ``libraries`` is missing; they are loaded when a tile is encoded or decoded."""
    for library in libraries:
        if find_spec(library) is None:
            raise PluginError(f"the {name} format needs {library}: pip install {library}")


def _require(name: str, codec: str) -> None:
    """Raise `PluginError` where imagecodecs is missing, or was built without ``codec``, as some packages of it are."""
    try:
        import imagecodecs
    except ImportError as error:
        raise PluginError(f"the {name} format needs imagecodecs ({error})") from error
    if not getattr(imagecodecs, codec).available:
        wheel = "the wheel from PyPI has it: pip install --force-reinstall imagecodecs"
        raise PluginError(f"the {name} format needs an imagecodecs that was built with {codec}; {wheel}")


@hookimpl
def tileframe_writers() -> Sequence[WriterPlugin]:
    """Offer JPEG under both its suffixes, PNG, and the newer formats of the web."""
    return [
        WriterPlugin("jpeg", "JPEG tiles that end in .jpeg", partial(_jpeg, suffix="jpeg"), JpegOptions),
        WriterPlugin("jpg", "JPEG tiles that end in .jpg", partial(_jpeg, suffix="jpg"), JpegOptions),
        WriterPlugin("png", "PNG tiles, lossless", _png),
        WriterPlugin("webp", "WebP tiles, lossy or lossless", _webp, WebpOptions),
        WriterPlugin("avif", "AVIF tiles, lossy, or lossless at quality 100", _avif, AvifOptions),
        WriterPlugin("jxl", "JPEG XL tiles, lossy or lossless", _jxl, JxlOptions),
    ]
