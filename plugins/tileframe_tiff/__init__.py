"""Reader `tiff`: decodes the tiles and strips of TIFFs itself, and hands out the tiles as they are stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tileframe import Fit, PluginError, ReaderPlugin, hookimpl
from tileframe_tiff.options import TiffOptions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tileframe import Reader

HEADS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""Of files of every byte order, classic and big."""
# TIFFs that hold a small preview alone, of a slide whose data lie in a folder beside them.
PREVIEWS = (".vsi",)


def _guess(path: Path, head: bytes) -> Fit:
    return Fit.NATIVE if head.startswith(HEADS) and path.suffix.lower() not in PREVIEWS else Fit.NONE


def _reader(options: TiffOptions) -> Reader:
    try:
        from tileframe_tiff.reader import TiffReader
    except ImportError as error:
        message = f"the tiff reader needs tifffile, simplejpeg and imagecodecs: pip install them ({error})"
        raise PluginError(message) from error
    return TiffReader(options)


@hookimpl
def tileframe_readers() -> Sequence[ReaderPlugin]:
    """Offer the reader."""
    summary = "Aperio slides, and TIFFs of every kind, tile by tile or row by row"
    return [ReaderPlugin("tiff", summary, _reader, _guess, options=TiffOptions, reads_ranges=True)]
