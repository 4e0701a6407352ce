"""What tileframe asks of every plugin, reader and tile format; each class is filled with tests by the kit."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from tileframe.pixels import Pixels
from tileframe.testing import PluginContract, ReaderContract, WriterContract
from tileframe_example import tileframe_readers, tileframe_writers


class TestPlugin(PluginContract):
    module = "tileframe_example"


class TestNpy(ReaderContract):
    plugin = tileframe_readers()[0]
    suffix = "npy"
    bad_options = ({"mpp": 0}, {"mpp": "small"})

    def make(self, path: Path, pixels: Pixels) -> Path:
        np.save(path, pixels)
        return path


class TestBmp(WriterContract):
    plugin = tileframe_writers()[0]
    max_error = 0  # lossless

    def decode(self, data: bytes) -> Pixels:
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(image)
