"""BMP tiles."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tileframe import CheckError, OptionError
from tileframe_example import tileframe_writers

WRITER = tileframe_writers()[0]
PIXELS = np.arange(5 * 7 * 3, dtype=np.uint8).reshape(5, 7, 3)


@pytest.mark.parametrize("width", [1, 2, 3, 4, 7])
def test_pillow_reads_what_we_encode(width):
    part = PIXELS[:, :width]
    with Image.open(io.BytesIO(WRITER.create().encode(part))) as image:
        assert np.array_equal(np.asarray(image), part)


def test_we_read_what_pillow_encodes():
    buffer = io.BytesIO()
    Image.fromarray(PIXELS).save(buffer, "BMP", dpi=(0, 0))
    assert np.array_equal(WRITER.create().decode(buffer.getvalue()), PIXELS)


@pytest.mark.parametrize("place", range(54))
def test_damage_anywhere_in_the_header_is_seen(place):
    data = bytearray(WRITER.create().encode(PIXELS))
    data[place] ^= 0x41
    with pytest.raises(CheckError):
        WRITER.create().decode(bytes(data))


def test_the_density_is_an_option():
    writer = WRITER.create(options=WRITER.resolved({"dpi": "300"}, "format"))
    with Image.open(io.BytesIO(writer.encode(PIXELS))) as image:
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.01)


def test_there_is_no_quality():
    with pytest.raises(OptionError, match="the format bmp has no option 'quality'"):
        WRITER.resolved({"quality": 80}, "format")
