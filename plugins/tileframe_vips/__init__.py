"""Reader `vips`: rows in order, little memory. Backend `vips`: libvips' dzsave."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tileframe import BackendPlugin, Fit, PluginError, ReaderPlugin, hookimpl

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tileframe import Backend, Job, Reader

HEADS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")
QUICK = 100_000_000
"""Pixels up to which dzsave takes less time than `stream`, whose libraries take longer to load."""
JPEG = ("jpeg", "jpg")
"""Tile formats, by their names, of which dzsave makes the same bytes; others may have encoders of their own."""
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


def _is_quick(job: Job) -> bool:
    """Say whether ``job`` is a small picture that libvips reads itself, to be made anew on a disk, in JPEG tiles.

    Those have the bytes of `stream`'s; dzsave's PNG tiles have its pixels alone.
    """
    plan = job.plan
    if plan.reader != "vips" or plan.pyramid.base.area > QUICK or plan.format not in JPEG:
        return False
    if plan.location.scheme != "file" or plan.live.resume or not plan.live.in_threads:
        return False
    from tileframe_vips.backend import VipsBackend, why_fed

    return why_fed(job) is None and VipsBackend().refuses(job) is None


@hookimpl
def tileframe_readers() -> Sequence[ReaderPlugin]:
    """Offer the reader."""
    return [ReaderPlugin("vips", "large JPEG and PNG, row by row in little memory", _reader, _guess)]


@hookimpl
def tileframe_backends() -> Sequence[BackendPlugin]:
    """Offer dzsave."""
    return [
        BackendPlugin("vips", "libvips' dzsave, made to keep the pixel contract", _backend, speed=50, quick=_is_quick)
    ]
