"""JPEG and PNG tiles."""

from __future__ import annotations

import io
import struct
import sys
from typing import Any

import imagecodecs
import numpy as np
import pytest
import pyvips
from PIL import Image

from tests.pictures import gradient, photo
from tileframe import CheckError, Encoding, OptionError, Size, Writer
from tileframe.records import OptionValue
from tileframe.registry import Registry

SHAPES = [(1, 1), (1, 17), (17, 1), (254, 254), (256, 200)]


def made(registry: Registry, name: str, **options: OptionValue) -> Writer:
    plugin = registry.writer(name)
    return plugin.create(options=plugin.resolved(options, "format"))


def pillow(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("name", "options"), [("jpeg", {"quality": 75}), ("jpeg", {"quality": 95}), ("jpg", {"quality": 1}), ("png", {})]
)
def test_a_tile_decodes_to_what_another_decoder_reads(name, options, shape, registry):
    writer = made(registry, name, **options)
    data = writer.encode(photo(*shape))
    assert np.array_equal(writer.decode(data), pillow(data))
    assert writer.size(data) == Size(*shape)


def test_the_size_of_a_jpeg_is_its_own_whatever_was_seen_before(registry):
    writer = made(registry, "jpeg", quality=75)
    # A table with what looks like the header of a scan in it, before the frame header, which has the size.
    odd = bytearray(writer.encode(photo(64, 48)))
    table = odd.index(b"\xff\xdb") + 5
    odd[table : table + 4] = b"\xff\xda\0\4"
    other = bytearray(odd)
    frame = other.index(b"\xff\xc0") + 5
    other[frame : frame + 4] = struct.pack(">HH", 40, 56)
    tiles = [(writer.encode(photo(*shape)), Size(*shape)) for shape in SHAPES]
    tiles += [(bytes(odd), Size(64, 48)), (bytes(other), Size(56, 40))]
    for first in tiles:
        for data, size in (first, first, *tiles):
            assert writer.size(data) == size


@pytest.mark.parametrize("shape", SHAPES)
def test_png_tiles_give_back_every_pixel(shape, registry):
    writer = made(registry, "png")
    assert np.array_equal(writer.decode(writer.encode(gradient(*shape))), gradient(*shape))


@pytest.mark.parametrize("quality", [1, 50, 75, 89, 90, 95, 100])
def test_jpeg_tiles_are_pillows_byte_for_byte_but_for_the_jfif_header(quality, registry):
    tile = photo(254, 200)
    expected = io.BytesIO()
    Image.fromarray(tile).save(expected, "JPEG", quality=quality, subsampling="4:4:4" if quality >= 90 else "4:2:0")
    header, rest = expected.getvalue()[:20], expected.getvalue()[20:]
    assert header.startswith(b"\xff\xd8\xff\xe0\0\x10JFIF\0")
    assert made(registry, "jpeg", quality=quality).encode(tile) == b"\xff\xd8" + rest


@pytest.mark.parametrize("name", ["jpeg", "png"])
def test_a_strip_of_a_larger_array_is_encoded_like_a_copy_of_it_and_left_alone(name, registry):
    writer, large = made(registry, name), photo(400, 300)
    before, part = large.copy(), large[10:110, 33:133]
    assert writer.encode(part) == writer.encode(part.copy())
    assert np.array_equal(large, before)


@pytest.mark.parametrize("name", ["jpeg", "png"])
def test_a_transposed_array_is_encoded_like_a_copy_of_it(name, registry):
    writer, turned = made(registry, name), photo(60, 40).transpose(1, 0, 2)
    assert writer.encode(turned) == writer.encode(turned.copy(order="C"))


@pytest.mark.parametrize("name", ["jpeg", "png"])
@pytest.mark.parametrize("keep", ["half", "minus one byte", "nothing", "half and an end", "a bit flipped", "text"])
def test_damaged_tiles_are_refused(name, keep, registry):
    writer = made(registry, name)
    data = writer.encode(photo(254, 254))
    half, end = data[: len(data) // 2], data[-2:] if name == "jpeg" else data[-12:]
    flipped = bytearray(data)
    flipped[len(data) // 2] ^= 0x40
    damaged = {
        "half": half, "minus one byte": data[:-1], "nothing": b"", "half and an end": half + end,
        "a bit flipped": bytes(flipped), "text": b"hello, world",
    }[keep]  # fmt: skip
    if (name, keep) == ("jpeg", "a bit flipped"):
        pytest.skip("JPEG data has no checksum: a digest tells, not a decoder")
    with pytest.raises(CheckError):
        writer.decode(damaged)


@pytest.mark.parametrize("name", ["jpeg", "png"])
def test_the_size_of_no_tile_is_an_error(name, registry):
    for data in (b"", b"hello, world", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"):
        with pytest.raises(CheckError):
            made(registry, name).size(data)


@pytest.mark.parametrize("quality", [0, 101, -5, "101", "good", 75.5])
def test_a_quality_out_of_range_is_refused_with_its_value(quality, registry):
    shown = f"'{quality}'" if quality == "good" else f"{quality}"
    with pytest.raises(OptionError, match=f"^quality of the format jpeg must be from 1 to 100, not {shown}$"):
        made(registry, "jpeg", quality=quality)


def test_a_quality_may_be_a_text_as_on_the_command_line(registry):
    assert made(registry, "jpeg", quality="90").encoding.quality == 90


def test_png_takes_no_quality(registry):
    with pytest.raises(OptionError, match=r"^the format png has no option 'quality' \(have: none\)$"):
        made(registry, "png", quality=80)


def test_the_encoding_says_all_that_another_encoder_must_know(registry: Registry):
    assert made(registry, "jpeg").encoding == Encoding("jpeg", "jpeg", False, 75, "420")
    assert made(registry, "jpg", quality=90).encoding == Encoding("jpeg", "jpg", False, 90, "444")
    assert made(registry, "png").encoding == Encoding("png", "png", True)


def test_grey_png_tiles_of_other_tools_decode_to_rgb(registry):
    grey = gradient(20, 10)[:, :, 0]
    found = made(registry, "png").decode(bytes(imagecodecs.png_encode(np.ascontiguousarray(grey))))
    assert np.array_equal(found, np.dstack([grey] * 3))


@pytest.mark.parametrize("end", [b"", b"\xff\xd9"], ids=["cut", "ended"])
@pytest.mark.parametrize("share", [0.3, 0.8, 0.98])
def test_libvips_alone_finds_a_jpeg_tile_that_lacks_data_as_the_decoder_does(share, end, registry, monkeypatch):
    writer: Any = made(registry, "jpeg", quality=75)
    whole = writer.encode(photo(254, 254))
    decode, asked = type(writer).decode, list[bytes]()
    monkeypatch.setitem(sys.modules, "pyvips", pyvips)
    monkeypatch.delitem(sys.modules, "simplejpeg", raising=False)

    def asks(self: object, data: bytes) -> object:
        asked.append(data)
        return decode(self, data)

    monkeypatch.setattr(type(writer), "decode", asks)
    writer.refuse_damaged(whole)
    assert asked == []
    with pytest.raises(CheckError, match="is a damaged JPEG"):
        writer.refuse_damaged(whole[: int(share * len(whole))] + end)


def test_a_jpeg_tile_with_more_data_than_rows_is_refused_where_its_decoder_is_loaded(registry):
    writer: Any = made(registry, "jpeg", quality=75)
    whole = writer.encode(photo(254, 254))
    writer.decode(whole)
    with pytest.raises(CheckError, match="extraneous bytes"):
        writer.refuse_damaged(whole[:-2] + bytes(range(1, 100)) + whole[-2:])
