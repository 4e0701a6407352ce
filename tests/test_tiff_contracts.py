"""The reader `tiff` keeps the contracts of `tileframe.testing`, tiled and in strips."""

from __future__ import annotations

from pathlib import Path

import tifffile

import tileframe_tiff
from tests.pictures import svs
from tileframe.pixels import Pixels
from tileframe.testing import PluginContract, ReaderContract


class TestTiffPlugin(PluginContract):
    module = "tileframe_tiff"


class TestTiffReaderOfSlides(ReaderContract):
    plugin = tileframe_tiff.tileframe_readers()[0]
    suffix = "svs"

    def make(self, path: Path, pixels: Pixels) -> Path:
        return svs(path, pixels, lossless=True)


class TestTiffReaderOfStrips(TestTiffReaderOfSlides):
    suffix = "tif"

    def make(self, path: Path, pixels: Pixels) -> Path:
        tifffile.imwrite(path, pixels, photometric="rgb", rowsperstrip=16, compression="lzw")
        return path


class TestTiffReaderOfOtherKinds(TestTiffReaderOfSlides):
    """Of those that tifffile decodes."""

    suffix = "tif"

    def make(self, path: Path, pixels: Pixels) -> Path:
        tifffile.imwrite(path, pixels.astype("uint16") << 8, photometric="rgb", tile=(64, 48), compression="zstd")
        return path
