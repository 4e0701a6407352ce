"""The bundled plugins keep the contracts of `tileframe.testing`, as a stranger's must."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
import pytest
from PIL import Image

import tileframe_executors
import tileframe_openslide
import tileframe_stream
import tileframe_viewer
import tileframe_vips
import tileframe_writers
from tests.pictures import png, svs
from tileframe import Plugin, Size
from tileframe.pixels import Pixels
from tileframe.testing import (
    BackendContract,
    Case,
    ExecutorContract,
    PluginContract,
    ReaderContract,
    ViewerContract,
    WriterContract,
)

# The rest of the matrix is the PNG's on dzi: what the format or the layout changes shows at edges.
EDGES = [Case(Size(1, 1)), Case(Size(255, 255)), Case(Size(300, 200), 64, 2, stored=(1, 4))]
LAYOUT_CASES = [Case(Size(253, 254)), Case(Size(256, 508)), Case(Size(300, 200), 64, stored=(1, 2, 4))]
P = TypeVar("P", bound=Plugin[Any])


def named(name: str, offers: Sequence[P]) -> P:
    return next(offer for offer in offers if offer.name == name)


def pillow(tile: bytes) -> Pixels:
    with Image.open(io.BytesIO(tile)) as image:
        assert image.mode == "RGB"
        return np.asarray(image)


class TestOpenSlideReader(ReaderContract):
    plugin = named("openslide", tileframe_openslide.tileframe_readers())
    suffix = "svs"

    def make(self, path: Path, pixels: Pixels) -> Path:
        return svs(path, pixels, lossless=True)


class TestImageReader(ReaderContract):
    plugin = named("imageslide", tileframe_openslide.tileframe_readers())
    suffix = "png"

    def make(self, path: Path, pixels: Pixels) -> Path:
        return png(path, pixels)


class TestVipsReader(ReaderContract):
    plugin = named("vips", tileframe_vips.tileframe_readers())
    suffix = "png"

    def make(self, path: Path, pixels: Pixels) -> Path:
        return png(path, pixels)


class TestJpegWriter(WriterContract):
    plugin = named("jpeg", tileframe_writers.tileframe_writers())
    max_error: int | None = None
    bad_options = ({"quality": 0}, {"quality": 101}, {"quality": "good"})

    def decode(self, data: bytes) -> Pixels:
        return pillow(data)


class TestJpgWriterOfHighQuality(TestJpegWriter):
    plugin = named("jpg", tileframe_writers.tileframe_writers())
    options = MappingProxyType({"quality": 95})
    max_error = 8


class TestPngWriter(WriterContract):
    plugin = named("png", tileframe_writers.tileframe_writers())
    bad_options = ({"quality": 80},)

    def decode(self, data: bytes) -> Pixels:
        return pillow(data)


class TestVipsBackend(BackendContract):
    plugin = named("vips", tileframe_vips.tileframe_backends())

    def decode(self, data: bytes) -> Pixels:
        return pillow(data)


class TestVipsBackendOnZoomify(TestVipsBackend):
    layout = "zoomify"
    cases = LAYOUT_CASES


class TestVipsBackendOnJpeg(TestVipsBackend):
    format = "jpeg"
    cases = EDGES


class TestStreamBackend(BackendContract):
    plugin = named("stream", tileframe_stream.tileframe_backends())

    def decode(self, data: bytes) -> Pixels:
        return pillow(data)


class TestStreamBackendOnPaddedTiles(TestStreamBackend):
    layout = "google"
    cases = LAYOUT_CASES


class TestStreamBackendOnJpeg(TestStreamBackend):
    format = "jpeg"
    cases = EDGES


@pytest.mark.thorough
class TestStreamBackendOnJpegOfHighQuality(TestStreamBackendOnJpeg):
    format_options = MappingProxyType({"quality": 95})


class TestOpenSlideBackend(BackendContract):
    plugin = named("openslide", tileframe_openslide.tileframe_backends())
    floor = 45.0

    def decode(self, data: bytes) -> Pixels:
        return pillow(data)


class TestOpenSlideBackendOnPaddedTiles(TestOpenSlideBackend):
    layout = "google"
    cases = LAYOUT_CASES


class TestOpenSlideBackendOnJpeg(TestOpenSlideBackend):
    format = "jpg"
    format_options = MappingProxyType({"quality": 95})
    cases = EDGES
    floor = 38.0  # JPEG makes more of a difference of 1


class TestThreadsExecutor(ExecutorContract):
    plugin = named("threads", tileframe_executors.tileframe_executors())


class TestProcessesExecutor(ExecutorContract):
    plugin = named("processes", tileframe_executors.tileframe_executors())


class TestPage(ViewerContract):
    plugin = named("page", tileframe_viewer.tileframe_viewers())


class TestDemoPlugin(PluginContract):
    module = "tileframe_demo"


class TestExecutorsPlugin(PluginContract):
    module = "tileframe_executors"


class TestLayoutsPlugin(PluginContract):
    module = "tileframe_layouts"


class TestOpenSlidePlugin(PluginContract):
    module = "tileframe_openslide"


class TestStoresPlugin(PluginContract):
    module = "tileframe_stores"


class TestStreamPlugin(PluginContract):
    module = "tileframe_stream"


class TestViewerPlugin(PluginContract):
    module = "tileframe_viewer"


class TestVipsPlugin(PluginContract):
    module = "tileframe_vips"


class TestWritersPlugin(PluginContract):
    module = "tileframe_writers"
