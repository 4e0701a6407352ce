"""Reader `vips`: rows in order, little memory. Backend `vips`: libvips' dzsave."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tileframe import Backend, BackendPlugin, Fit, PluginError, Reader, ReaderPlugin, hookimpl

HEADS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
MISSING = "the {} needs libvips: pip install 'pyvips[binary]' ({})"


def _guess(path: Path, head: bytes) -> Fit:
    return Fit.GOOD if head.startswith(HEADS) else Fit.NONE


def _reader() -> Reader:
    try:
        from tileframe_vips.reader import VipsReader
    except (ImportError, OSError) as error:
        raise PluginError(MISSING.format("vips reader", error)) from error
    return VipsReader()


def _backend() -> Backend:
    try:
        from tileframe_vips.backend import VipsBackend
    except (ImportError, OSError) as error:
        raise PluginError(MISSING.format("vips backend", error)) from error
    return VipsBackend()


@hookimpl
def tileframe_readers() -> Sequence[ReaderPlugin]:
    """Offer the reader."""
    return [ReaderPlugin("vips", "large JPEG and PNG, row by row in little memory", _reader, _guess)]


@hookimpl
def tileframe_backends() -> Sequence[BackendPlugin]:
    """Offer dzsave."""
    return [BackendPlugin("vips", "libvips' dzsave, made to keep the pixel contract", _backend, speed=50)]
