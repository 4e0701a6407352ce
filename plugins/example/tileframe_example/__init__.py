"""NumPy arrays as slides, and tiles in BMP.

This module is imported whenever ``tileframe`` starts, so it imports nothing heavy: the factories do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tileframe import Fit, PluginError, Reader, ReaderPlugin, Writer, WriterPlugin, hookimpl, option

MAGIC = b"\x93NUMPY"


@dataclass(frozen=True, slots=True)
class NpyOptions:
    """What can be said of an array, by ``--reader-option NAME=VALUE``."""

    mpp: float | None = option(None, help="Micrometres per pixel, which no array knows.", low=0.001, high=1000)


def _guess(path: Path, head: bytes) -> Fit:
    return Fit.NATIVE if head.startswith(MAGIC) else Fit.NONE


def _npy(options: NpyOptions) -> Reader:
    try:
        from tileframe_example.npy import NpyReader
    except ImportError as error:
        raise PluginError(f"the npy reader needs numpy ({error})") from error
    return NpyReader(options.mpp)


def _bmp() -> Writer:
    try:
        from tileframe_example.bmp import BmpWriter
    except ImportError as error:
        raise PluginError(f"the bmp format needs numpy ({error})") from error
    return BmpWriter()


@hookimpl
def tileframe_readers() -> Sequence[ReaderPlugin]:
    """Offer NumPy arrays."""
    summary = "NumPy arrays of unsigned integers: grey, RGB, with or without alpha"
    return [ReaderPlugin("npy", summary, _npy, _guess, NpyOptions)]


@hookimpl
def tileframe_writers() -> Sequence[WriterPlugin]:
    """Offer BMP."""
    return [WriterPlugin("bmp", "BMP tiles, lossless, and no work to decode", _bmp)]
