"""NumPy arrays as slides, and tiles in BMP.

This module is imported whenever ``tileframe`` starts, so it imports nothing heavy: the factories do.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tileframe import Fit, PluginError, Reader, ReaderPlugin, Writer, WriterPlugin, hookimpl

MAGIC = b"\x93NUMPY"


def _guess(path: Path, head: bytes) -> Fit:
    return Fit.NATIVE if head.startswith(MAGIC) else Fit.NONE


def _npy() -> Reader:
    try:
        from tileframe_example.npy import NpyReader
    except ImportError as error:
        raise PluginError(f"the npy reader needs numpy ({error})") from error
    return NpyReader()


def _bmp(quality: int | None) -> Writer:
    try:
        from tileframe_example.bmp import BmpWriter
    except ImportError as error:
        raise PluginError(f"the bmp format needs numpy ({error})") from error
    return BmpWriter(quality)


@hookimpl
def tileframe_readers() -> Sequence[ReaderPlugin]:
    """Offer NumPy arrays."""
    return [ReaderPlugin("npy", "NumPy arrays of unsigned integers: grey, RGB, with or without alpha", _npy, _guess)]


@hookimpl
def tileframe_writers() -> Sequence[WriterPlugin]:
    """Offer BMP."""
    return [WriterPlugin("bmp", "BMP tiles, lossless, and no work to decode", _bmp)]
