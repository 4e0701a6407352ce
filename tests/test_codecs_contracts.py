"""The formats of imagecodecs keep the contract of writers."""

from __future__ import annotations

import io
from types import MappingProxyType
from unittest.mock import patch

import numpy as np
import pytest
from PIL import Image

from tileframe.pixels import Pixels
from tileframe.testing import WriterContract
from tileframe_writers import tileframe_writers

OFFERS = {offer.name: offer for offer in tileframe_writers()}


def by_pillow(data: bytes) -> Pixels:
    with Image.open(io.BytesIO(data)) as image:
        assert image.mode == "RGB"
        return np.asarray(image)


def by_libjxl(data: bytes) -> Pixels:
    # The package adds JPEG XL to what Pillow opens when it is imported, in all the tests of this process.
    with patch.object(Image, "ID", list(Image.ID)), patch.dict(Image.OPEN), patch.dict(Image.EXTENSION):
        jxl = pytest.importorskip("pillow_jxl", reason="no other decoder of JPEG XL: pip install -e '.[dev]'")
    _, info, pixels, _, _ = jxl.Decoder()(data)
    assert info.mode == "RGB"
    return np.frombuffer(pixels, np.uint8).reshape(info.height, info.width, 3)


class TestWebpWriter(WriterContract):
    plugin = OFFERS["webp"]
    max_error: int | None = None
    bad_options = ({"quality": 0}, {"quality": 101}, {"effort": 7}, {"quality": 80, "lossless": True})

    def decode(self, data: bytes) -> Pixels:
        return by_pillow(data)


class TestLosslessWebpWriter(TestWebpWriter):
    options = MappingProxyType({"lossless": True, "effort": 0})
    max_error = 0
    without_effect = ("quality",)


class TestAvifWriter(WriterContract):
    plugin = OFFERS["avif"]
    max_error: int | None = None
    bad_options = ({"quality": 0}, {"quality": 101}, {"speed": 11}, {"speed": -1})

    def decode(self, data: bytes) -> Pixels:
        return by_pillow(data)


class TestJxlWriter(WriterContract):
    plugin = OFFERS["jxl"]
    max_error: int | None = None
    bad_options = (
        {"quality": 0},
        {"distance": 25.5},
        {"effort": 0},
        {"quality": 80, "distance": 1.5},
        {"quality": 80, "lossless": True},
    )

    def decode(self, data: bytes) -> Pixels:
        return by_libjxl(data)


class TestLosslessJxlWriter(TestJxlWriter):
    options = MappingProxyType({"lossless": True, "effort": 1})
    max_error = 0
    without_effect = ("quality", "distance")
