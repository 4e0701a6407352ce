"""Reader `tiff`: decodes the tiles and strips of TIFFs itself, and hands out the tiles as they are stored."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tileframe import Fit, PluginError, Reader, ReaderPlugin, hookimpl

HEADS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def _guess(path: Path, head: bytes) -> Fit:
    return Fit.NATIVE if head.startswith(HEADS) else Fit.NONE


def _reader() -> Reader:
    try:
        from tileframe_tiff.reader import TiffReader
    except ImportError as error:
        message = f"the tiff reader needs tifffile, simplejpeg and imagecodecs: pip install them ({error})"
        raise PluginError(message) from error
    return TiffReader()


@hookimpl
def tileframe_readers() -> Sequence[ReaderPlugin]:
    """Offer the reader."""
    return [ReaderPlugin("tiff", "Aperio slides and TIFFs of 8-bit RGB or grey, tile by tile", _reader, _guess)]
