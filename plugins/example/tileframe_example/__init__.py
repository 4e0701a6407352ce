"""A plugin of every kind: NumPy arrays as slides, tiles in BMP, and those that docs/plugins.md shows.

This module is imported whenever ``tileframe`` starts, so it imports nothing heavy, and neither do those below, whose
hooks become its own: the factories do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tileframe import Fit, PluginError, Reader, ReaderPlugin, Writer, WriterPlugin, hookimpl, option
from tileframe_example.batch import tileframe_add_commands as tileframe_add_commands
from tileframe_example.database import tileframe_stores as tileframe_stores
from tileframe_example.flat import tileframe_layouts as tileframe_layouts
from tileframe_example.plain import tileframe_backends as tileframe_backends
from tileframe_example.pool import tileframe_executors as tileframe_executors
from tileframe_example.sheet import tileframe_viewers as tileframe_viewers
from tileframe_example.weight import tileframe_checks as tileframe_checks
from tileframe_example.zipped import tileframe_origins as tileframe_origins

MAGIC = b"\x93NUMPY"


@dataclass(frozen=True, slots=True)
class NpyOptions:
    """What can be said of an array, by ``--reader-option NAME=VALUE``."""

    mpp: float | None = option(None, help="Micrometres per pixel, which no array knows.", low=0.001, high=1000)


@dataclass(frozen=True, slots=True)
class BmpOptions:
    """What can be said of tiles, by ``--format-option NAME=VALUE``."""

    dpi: int = option(0, help="Pixels per inch, for programs that print; 0 is none.", low=0, high=10000)


def _guess(path: Path, head: bytes) -> Fit:
    return Fit.NATIVE if head.startswith(MAGIC) else Fit.NONE


def _npy(options: NpyOptions) -> Reader:
    try:
        from tileframe_example.npy import NpyReader
    except ImportError as error:
        raise PluginError(f"the npy reader needs numpy ({error})") from error
    return NpyReader(options.mpp)


def _bmp(options: BmpOptions) -> Writer:
    try:
        from tileframe_example.bmp import BmpWriter
    except ImportError as error:
        raise PluginError(f"the bmp format needs numpy ({error})") from error
    return BmpWriter(options.dpi)


@hookimpl
def tileframe_readers() -> Sequence[ReaderPlugin]:
    """Offer NumPy arrays."""
    summary = "NumPy arrays of unsigned integers: grey, RGB, with or without alpha"
    return [ReaderPlugin("npy", summary, _npy, _guess, NpyOptions)]


@hookimpl
def tileframe_writers() -> Sequence[WriterPlugin]:
    """Offer BMP."""
    return [WriterPlugin("bmp", "BMP tiles, lossless, and no work to decode", _bmp, BmpOptions)]
