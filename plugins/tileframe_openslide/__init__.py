"""Readers `openslide` (whole-slide formats) and `imageslide` (ordinary images); the Deep Zoom backend `openslide`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tileframe import BackendPlugin, Fit, PluginError, ReaderPlugin, hookimpl
from tileframe_openslide.options import ImageOptions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tileframe import Backend, Reader

# Some slides are TIFFs by their first bytes; the reader tiff is asked before, and leaves those to this one.
TIFF_HEADS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
SLIDE_HEADS = (b"ZISRAWFILE", b"SQLite format 3\0")
SLIDE_SUFFIXES = frozenset({".mrxs", ".vms", ".vmu", ".dcm", ".svslide", ".czi"})


def _guess_slide(path: Path, head: bytes) -> Fit:
    is_dicom = head[128:132] == b"DICM"
    known = is_dicom or head.startswith(SLIDE_HEADS) or path.suffix.lower() in SLIDE_SUFFIXES
    if known:
        return Fit.NATIVE
    # Aperio's and other plain tiles of a TIFF are decoded faster without OpenSlide.
    return Fit.GOOD if head.startswith(TIFF_HEADS) else Fit.NONE


def _guess_image(path: Path, head: bytes) -> Fit:
    # Pillow knows some forty formats by more than their first bytes; it is asked last, and says no quickly.
    return Fit.POSSIBLE


def _openslide() -> Reader:
    try:
        from tileframe_openslide.slide import OpenSlideReader
    except (ImportError, OSError) as error:
        raise PluginError(f"the openslide reader needs OpenSlide: pip install openslide-bin ({error})") from error
    return OpenSlideReader()


def _imageslide(options: ImageOptions) -> Reader:
    try:
        from tileframe_openslide.imageslide import ImageReader
    except ImportError as error:
        raise PluginError(f"the imageslide reader needs Pillow ({error})") from error
    return ImageReader(options)


def _deepzoom() -> Backend:
    try:
        from tileframe_openslide.deepzoom import DeepZoomBackend
    except ImportError as error:
        raise PluginError(f"the openslide backend needs Pillow ({error})") from error
    return DeepZoomBackend()


@hookimpl
def tileframe_readers() -> Sequence[ReaderPlugin]:
    """Offer both readers."""
    return [
        ReaderPlugin("openslide", "every slide format that OpenSlide opens", _openslide, _guess_slide),
        ReaderPlugin(
            "imageslide",
            "every picture that Pillow opens but TIFFs, held in memory",
            _imageslide,
            _guess_image,
            options=ImageOptions,
        ),
    ]


@hookimpl
def tileframe_backends() -> Sequence[BackendPlugin]:
    """Offer the Deep Zoom way."""
    return [BackendPlugin("openslide", "tile by tile from the nearest native level", _deepzoom, speed=10, resumes=True)]
