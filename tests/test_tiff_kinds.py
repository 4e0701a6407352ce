"""The reader `tiff` gives the right pixels of every kind of TIFF: depths, colours, codecs, what is absent or turned."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.pictures import photo
from tests.test_tiff_reader import BYTE_COUNTS, OFFSETS, patched
from tests.test_tiff_reader import tiff as tiff
from tileframe import Access, Box, InputError, Rgb, Samples, Source
from tileframe.pixels import Pixels

PHOTO = photo(150, 101)
GREY = np.ascontiguousarray(PHOTO[:, :, 1])
ALPHA = np.ascontiguousarray(PHOTO[::-1, :, 0])
DEEP = PHOTO.astype(np.uint16) << 8 | 0x5A
STRIPS, TILES = {"rowsperstrip": 16}, {"tile": (64, 64)}


def written(path: Path, samples: Any, how: dict[str, Any], **more: Any) -> Path:
    tifffile.imwrite(path, samples, **{"metadata": None, "photometric": "rgb", **how, **more})
    return path


def all_of(source: Source) -> Pixels:
    """The picture, by as many boxes as it takes for an engine."""
    size = source.facts.size
    return np.concatenate(
        [source.read(Box(0, y, size.width, min(40, size.height - y))) for y in range(0, size.height, 40)]
    )


def over_white(colour: Pixels, alpha: Pixels) -> Pixels:
    a = alpha.astype(np.uint32)[:, :, None]
    mixed: Pixels = ((colour * a + 255 * (255 - a) + 127) // 255).astype(np.uint8)
    return mixed


PALETTE = np.random.default_rng(1).integers(0, 65536, (3, 256), dtype=np.uint16)
PAINTED = (PALETTE >> 8).astype(np.uint8).T[GREY]
KINDS: dict[str, tuple[Any, dict[str, Any], Pixels]] = {
    "16-bit": (DEEP, {}, PHOTO),
    "16-bit big-endian": (DEEP, {"byteorder": ">"}, PHOTO),
    "32-bit": (PHOTO.astype(np.uint32) << 24, {}, PHOTO),
    "16-bit deflate with a predictor": (DEEP, {"compression": "zlib", "predictor": 2}, PHOTO),
    "straight alpha": (np.dstack([PHOTO, ALPHA]), {"extrasamples": ["unassalpha"]}, over_white(PHOTO, ALPHA)),
    "a fourth that is no alpha": (np.dstack([PHOTO, ALPHA]), {"extrasamples": ["unspecified"]}, PHOTO),
    "planes": (np.moveaxis(PHOTO, -1, 0), {"planarconfig": "separate"}, PHOTO),
    "16-bit planes": (np.moveaxis(DEEP, -1, 0), {"planarconfig": "separate", "compression": "lzw"}, PHOTO),
    "white is zero": (GREY, {"photometric": "miniswhite"}, np.dstack([255 - GREY] * 3)),
    "16-bit grey": (GREY.astype(np.uint16) << 8, {"photometric": "minisblack"}, np.dstack([GREY] * 3)),
    "palette": (GREY, {"photometric": "palette", "colormap": PALETTE}, PAINTED),
    "palette of 8 bits": (GREY, {"photometric": "palette", "colormap": PALETTE >> 8}, PAINTED),
    "zstd": (PHOTO, {"compression": "zstd"}, PHOTO),
    "LERC": (PHOTO, {"compression": "lerc"}, PHOTO),
    "lossless WebP": (PHOTO, {"compression": "webp", "compressionargs": {"lossless": True}}, PHOTO),
    "lossless JPEG XL": (PHOTO, {"compression": "jpegxl", "compressionargs": {"lossless": True}}, PHOTO),
    "lossless JPEG 2000": (PHOTO, {"compression": "jpeg2000", "compressionargs": {"level": 0}}, PHOTO),
    "PNG": (PHOTO, {"compression": "png"}, PHOTO),
    "packbits": (PHOTO, {"compression": "packbits"}, PHOTO),
    "LZMA": (PHOTO, {"compression": "lzma"}, PHOTO),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", [STRIPS, TILES], ids=["strips", "tiles"])
def test_every_kind_is_read(how, kind, tmp_path, tiff):
    samples, more, expected = KINDS[kind]
    with tiff(written(tmp_path / "a.tif", samples, how, **more)) as source:
        assert source.facts.access is (Access.ROWS if how is STRIPS else Access.REGIONS)
        assert np.array_equal(all_of(source), expected)


def test_a_fourth_sample_of_which_nothing_is_said_is_alpha(tmp_path, tiff):
    path = written(tmp_path / "a.tif", np.dstack([PHOTO, ALPHA]), TILES, extrasamples=["unassalpha"])
    with tifffile.TiffFile(path) as file:
        place = file.pages.first.tags[338].offset
    with path.open("r+b") as raw:
        raw.seek(place)
        raw.write((337).to_bytes(2, "little"))  # another tag, of text, which nobody looks at
    with tiff(path) as source:
        assert np.array_equal(all_of(source), over_white(PHOTO, ALPHA))


@pytest.mark.parametrize("bits", [1, 2, 4, 6, 10, 12, 14])
def test_every_depth_is_scaled_to_the_full_range(bits, tmp_path, tiff):
    samples = (GREY >> 3 if bits < 6 else GREY.astype(np.uint16) << 2) & ((1 << bits) - 1)
    samples = samples.astype(np.uint16 if bits > 8 else np.uint8)
    path = written(tmp_path / "a.tif", samples, STRIPS, photometric="minisblack", bitspersample=bits)
    expected = samples >> (bits - 8) if bits > 8 else samples.astype(int) * 255 // ((1 << bits) - 1)
    with tiff(path) as source:
        assert np.array_equal(all_of(source)[:, :, 0], expected)


def test_12_bit_and_lossless_jpeg_are_read(tmp_path, tiff):
    deep = GREY.astype(np.uint16) << 8
    path = written(tmp_path / "a.tif", deep, TILES, photometric="minisblack", compression="jpeg",
                   compressionargs={"lossless": True, "bitspersample": 16})  # fmt: skip
    with tiff(path) as source:
        assert np.array_equal(all_of(source)[:, :, 0], GREY)
    twelve = GREY.astype(np.uint16) << 4
    path = written(tmp_path / "b.tif", twelve, TILES, photometric="minisblack", compression="jpeg", bitspersample=12)
    with tiff(path) as source:
        assert np.abs(all_of(source)[:, :, 0].astype(int) - GREY).mean() < 4


def test_cmyk_and_lab_are_handed_to_colour_management(tmp_path, tiff):
    for samples, photometric, kind, expected in (
        (np.dstack([PHOTO, ALPHA]), "separated", Samples.CMYK, np.dstack([PHOTO, ALPHA])),
        (np.dstack([DEEP, DEEP[:, :, :1]]), "separated", Samples.CMYK, np.dstack([PHOTO, PHOTO[:, :, :1]])),
        (PHOTO, "cielab", Samples.LAB, PHOTO),
        (PHOTO, "icclab", Samples.LAB, PHOTO ^ np.array([0, 128, 128], np.uint8)),
    ):
        with tiff(written(tmp_path / "a.tif", samples, TILES, photometric=photometric)) as source:
            assert source.facts.samples is kind
            assert np.array_equal(all_of(source), expected)


def test_ycbcr_that_is_not_jpeg_becomes_rgb(tmp_path, tiff):
    ycbcr = np.asarray(Image.fromarray(PHOTO).convert("YCbCr"))
    path = written(tmp_path / "a.tif", ycbcr, STRIPS, photometric="ycbcr", subsampling=(1, 1), compression="lzw")
    with tiff(path) as source:
        assert np.abs(all_of(source).astype(int) - PHOTO).max() <= 3


@pytest.mark.parametrize("how", [STRIPS, TILES], ids=["strips", "tiles"])
@pytest.mark.parametrize("kind", ["8-bit", "16-bit", "planes", "palette", "zstd"])
@pytest.mark.parametrize("nodata", [None, 9])
def test_what_is_absent_is_background_or_the_no_data_value(nodata, kind, how, tmp_path, tiff):
    more: dict[str, Any] = {} if nodata is None else {"extratags": [(42113, "s", 0, str(nodata), True)]}
    samples: Any = PHOTO
    if kind == "16-bit":
        samples = DEEP
    elif kind == "planes":
        samples, more["planarconfig"] = np.moveaxis(PHOTO, -1, 0), "separate"
    elif kind == "palette":
        samples, more["photometric"], more["colormap"] = GREY, "palette", PALETTE
    elif kind == "zstd":
        more["compression"] = "zstd"
    path = written(tmp_path / "a.tif", samples, how, **more)
    offsets, counts = (OFFSETS, BYTE_COUNTS) if how is TILES else (273, 279)
    for plane in range(3 if kind == "planes" else 1):
        index = 1 + plane * (6 if how is TILES else 7)
        patched(patched(path, counts, index, 0), offsets, index, 0)
    with tiff(path, background=Rgb(10, 200, 30)) as source:
        pixels = all_of(source)
    absent = pixels[:64, 64:128] if how is TILES else pixels[16:32]
    expected: Any = (10, 200, 30)
    if nodata is not None:
        expected = {"16-bit": 0, "palette": (PALETTE >> 8).T[nodata]}.get(kind, nodata)
    assert (absent == expected).all()
    assert (pixels[40:, :60] != expected).any()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_out_upright(orientation, tmp_path, tiff):
    turned = {
        1: PHOTO, 2: PHOTO[:, ::-1], 3: PHOTO[::-1, ::-1], 4: PHOTO[::-1], 5: PHOTO.transpose(1, 0, 2),
        6: np.rot90(PHOTO, -1), 7: np.rot90(PHOTO, 2).transpose(1, 0, 2), 8: np.rot90(PHOTO),
    }  # fmt: skip
    for how in (STRIPS, TILES):
        path = written(tmp_path / "a.tif", PHOTO, how, extratags=[(274, "H", 1, orientation, True)])
        with tiff(path) as source:
            assert source.facts.notes == () if orientation == 1 else "turned" in source.facts.notes[0]
            assert np.array_equal(all_of(source), turned[orientation])


def as_old_jpeg(path: Path, *, whole: bool) -> Path:
    """A grey TIFF of compression 6: bare scans and tables by tags, or one whole JPEG and a strip in the midst of it."""
    jpeg = bytes(imagecodecs.jpeg8_encode(GREY, level=90))
    written(path, GREY, {"rowsperstrip": 101}, photometric="minisblack", extratags=[
        (513, "I", 1, 0, True), (514, "I", 1, len(jpeg), True), (519, "I", 1, 0, True), (520, "I", 1, 0, True),
        (521, "I", 1, 0, True)])  # fmt: skip
    start, scan = path.stat().st_size, jpeg.index(b"\xff\xda")
    with path.open("ab") as file:
        file.write(jpeg)
    codes = [place for place in range(len(jpeg)) if jpeg[place : place + 2] == b"\xff\xc4" and place < scan]
    tables = {519: jpeg.index(b"\xff\xdb") + 5, 520: codes[0] + 5, 521: codes[1] + 5}
    for tag, place in tables.items():
        patched(path, tag, 0, start + place)
    patched(path, 513, 0, start if whole else 0)
    patched(path, 514, 0, len(jpeg) if whole else 0)
    at = scan + 2 + int.from_bytes(jpeg[scan + 2 : scan + 4], "big")
    patched(patched(path, 273, 0, start + at), 279, 0, len(jpeg) - at)
    return patched(path, 259, 0, 6)


@pytest.mark.parametrize("whole", [True, False], ids=["a whole JPEG", "tables and scans"])
def test_old_style_jpeg_is_read(whole, tmp_path, tiff):
    expected = imagecodecs.jpeg8_decode(imagecodecs.jpeg8_encode(GREY, level=90))
    with tiff(as_old_jpeg(tmp_path / "a.tif", whole=whole)) as source:
        assert np.array_equal(all_of(source)[:, :, 0], expected)


def test_a_damaged_tile_of_any_codec_is_refused(tmp_path, tiff):
    for compression in ("zstd", "lzma", "png", "webp", "jpeg2000", "jpegxl"):
        path = written(tmp_path / "a.tif", PHOTO, TILES, compression=compression)
        with tifffile.TiffFile(path) as file:
            offset = file.pages.first.dataoffsets[0]
        with path.open("r+b") as raw:
            raw.seek(offset)
            raw.write(bytes(30))
        with tiff(path) as source, pytest.raises(InputError, match=r"tile 0, 0 of the base cannot be read \(.+\)$"):
            source.read(Box(0, 0, 10, 10))


@pytest.mark.parametrize("components", [1, 4])
def test_jpeg_data_that_end_early_are_refused_though_their_decoder_says_nothing(components, tmp_path, tiff):
    samples = np.dstack([PHOTO, ALPHA]) if components == 4 else GREY
    path = written(tmp_path / "a.tif", samples, TILES, compression="jpeg",
                   photometric="separated" if components == 4 else "minisblack")  # fmt: skip
    with tifffile.TiffFile(path) as file:
        offset, count = file.pages.first.dataoffsets[0], file.pages.first.databytecounts[0]
    data = path.read_bytes()
    half = data[offset : offset + count // 2] + b"\xff\xd9"
    path.write_bytes(data[:offset] + half + data[offset + len(half) :])
    patched(path, BYTE_COUNTS, 0, len(half))
    with tiff(path) as source, pytest.raises(InputError, match="premature end of data"):
        source.read(Box(0, 0, 10, 10))


def test_samples_without_a_full_range_are_refused_in_words(tmp_path, tiff):
    for kind in ("float32", "int16"):
        path = written(tmp_path / "a.tif", np.zeros((9, 9), kind), {}, photometric="minisblack")
        with pytest.raises(InputError, match=r"a\.tif: is a TIFF of signed or floating-point samples, which have no"):
            tiff(path)


def test_a_compression_that_is_not_decoded_is_named(tmp_path, tiff):
    path = patched(written(tmp_path / "a.tif", PHOTO, STRIPS), 259, 0, 32809)
    with pytest.raises(InputError, match=r"a\.tif: is a TIFF of compression 32809, not decoded here"):
        tiff(path)
