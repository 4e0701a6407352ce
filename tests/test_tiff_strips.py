"""The reader `tiff` reads TIFFs in strips row by row, as the readers that hold them whole do."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
import tifffile
from PIL import Image

from tests.pictures import damage_tile, gradient, photo
from tests.test_tiff_reader import patched
from tileframe import Access, Box, InputError, Size, Source
from tileframe.pixels import Pixels
from tileframe.registry import Registry

WIDTH, HEIGHT = 301, 203
PHOTO, GRADIENT = photo(WIDTH, HEIGHT), gradient(WIDTH, HEIGHT)
Opener = Callable[[Path], Source]


@pytest.fixture
def tiff(registry: Registry) -> Opener:
    return registry.reader("tiff").create().open


def by_tifffile(path: Path, pixels: Pixels, **how: Any) -> Path:
    tifffile.imwrite(path, pixels, **{"rowsperstrip": 16, "metadata": None, "photometric": "rgb", **how})
    return path


def in_rows(source: Source, rows: int) -> Pixels:
    """The whole picture, read from the top down."""
    size = source.facts.size
    boxes = (Box(0, y, size.width, min(rows, size.height - y)) for y in range(0, size.height, rows))
    return np.concatenate([source.read(box) for box in boxes])


def by_pillow(path: Path) -> Pixels:
    with warnings.catch_warnings(action="ignore"), Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def assert_equal(path: Path, tiff: Opener) -> Pixels:
    """The picture is Pillow's."""
    with tiff(path) as source:
        assert (source.facts.format, source.facts.size) == ("tiff", Size(WIDTH, HEIGHT))
        assert (source.facts.access, source.facts.tile_size) == (Access.ROWS, None)
        found = in_rows(source, 37)
    assert np.array_equal(found, by_pillow(path))
    return found


@pytest.mark.parametrize("rows", [1, 16, 64, 203])
@pytest.mark.parametrize("compression", [None, "lzw", "zlib"])
@pytest.mark.parametrize("predictor", [None, 2])
def test_lossless_strips_are_read(predictor, compression, rows, tmp_path, tiff):
    how: dict[str, Any] = {"predictor": predictor} if compression else {}
    path = by_tifffile(tmp_path / "a.tif", GRADIENT, compression=compression, rowsperstrip=rows, **how)
    assert np.array_equal(assert_equal(path, tiff), GRADIENT)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True], ids=["classic", "big"])
def test_every_byte_order_and_size_of_file_is_read(big, order, tmp_path, tiff):
    path = by_tifffile(tmp_path / "a.tif", GRADIENT, compression="lzw", bigtiff=big, byteorder=order)
    with tiff(path) as source:
        assert np.array_equal(in_rows(source, 37), GRADIENT)


@pytest.mark.parametrize("compression", [None, "lzw", "zlib", "jpeg"])
def test_grey_strips_are_read(compression, tmp_path, tiff):
    grey = np.ascontiguousarray(PHOTO[:, :, 1])
    path = by_tifffile(tmp_path / "a.tif", grey, photometric="minisblack", compression=compression)
    assert_equal(path, tiff)


@pytest.mark.parametrize("subsampling", [(1, 1), (2, 1), (2, 2), (4, 1)])
def test_jpeg_strips_of_every_subsampling_are_read(subsampling, tmp_path, tiff):
    path = by_tifffile(tmp_path / "a.tif", PHOTO, compression="jpeg", photometric="ycbcr", subsampling=subsampling)
    assert_equal(path, tiff)


@pytest.mark.parametrize("how", [{}, {"Q": 95}, {"rgbjpeg": True}], ids=["4:2:0", "4:4:4", "RGB"])
def test_jpeg_strips_with_shared_tables_are_read(how, tmp_path, tiff):
    pyvips.Image.new_from_array(PHOTO).tiffsave(str(tmp_path / "a.tif"), compression="jpeg", **how)
    assert_equal(tmp_path / "a.tif", tiff)


def test_what_pillow_writes_is_read(tmp_path, tiff):
    for compression in ("tiff_jpeg", "jpeg", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "raw"):
        path = tmp_path / f"{compression}.tif"
        Image.fromarray(PHOTO).save(path, compression=compression)
        assert_equal(path, tiff)


def test_one_uncompressed_strip_is_read_in_slices(tmp_path, tiff):
    pixels = np.tile(gradient(700, 900), (1, 2, 1))
    path = by_tifffile(tmp_path / "a.tif", pixels, rowsperstrip=900)
    with tiff(path) as source:
        assert np.array_equal(in_rows(source, 100), pixels)
        assert source._strips.page.rows < 900


def test_a_strip_that_is_the_whole_picture_is_read(tmp_path, tiff):
    pixels = np.zeros((5000, 5000, 3), np.uint8)
    pixels[4000:, 3000:] = 7
    path = by_tifffile(tmp_path / "a.tif", pixels, rowsperstrip=5000, compression="zlib")
    with tiff(path) as source:
        assert np.array_equal(in_rows(source, 1000), pixels)


def test_strips_that_do_not_fit_into_the_memory_are_refused(tmp_path, tiff):
    path = by_tifffile(tmp_path / "a.tif", PHOTO, rowsperstrip=203, compression="zlib")
    for tag in (256, 257, 278):
        patched(path, tag, 0, 2**31 - 1)
    with pytest.raises(InputError, match=r"its strips of 2147483647x2147483647 pixels each take .* GB of memory, and"):
        tiff(path)


@pytest.mark.parametrize("compression", ["jpeg", "lzw", "zlib"])
def test_a_damaged_strip_is_refused_by_its_rows(compression, tmp_path, tiff):
    path = damage_tile(by_tifffile(tmp_path / "a.tif", PHOTO, compression=compression), 3)
    with tiff(path) as source:
        source.read(Box(0, 0, WIDTH, 48))
        with pytest.raises(InputError, match=r"a\.tif: rows 48 to 63 cannot be read \(.+\)"):
            source.read(Box(0, 48, WIDTH, 1))


def test_a_file_cut_short_is_refused(tmp_path, tiff):
    path = by_tifffile(tmp_path / "a.tif", PHOTO, compression="lzw")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"a\.tif: the TIFF is cut short; it should have"):
        tiff(path)


def test_the_first_of_several_pictures_is_taken_and_said(tmp_path, tiff):
    with tifffile.TiffWriter(tmp_path / "a.tif") as file:
        for picture in (PHOTO, GRADIENT):
            file.write(picture, photometric="rgb", metadata=None)
    with tiff(tmp_path / "a.tif") as source:
        assert source.facts.notes == ("the first of 2 pictures in the file was taken; --page N takes another",)
        assert np.array_equal(in_rows(source, 50), PHOTO)


def test_a_colour_profile_is_handed_out_as_it_is(tmp_path, tiff):
    with tiff(by_tifffile(tmp_path / "a.tif", PHOTO, iccprofile=b"any")) as source:
        assert source.facts.icc == b"any"


def test_a_closed_picture_says_so(tmp_path, tiff):
    source = tiff(by_tifffile(tmp_path / "a.tif", PHOTO))
    source.read(Box(0, 0, WIDTH, 1))
    source.close()
    with pytest.raises(InputError, match=r"a\.tif: was closed"):
        source.read(Box(0, 1, WIDTH, 1))


@pytest.mark.parametrize("name", ["libtiffpic/quad-lzw.tif", "image-tiff/quad-lzw-compat.tiff", "pil168.tif",
                                  "tiff_adobe_deflate.tif", "tiff_strip_raw.tif",
                                  "tiff_strip_ycbcr_jpeg_2x2_sampling.tif", "libtiffpic/pc260001.tif"])  # fmt: skip
def test_odd_tiffs_in_strips_are_read_as_pillow_reads_them(name, shared_data, tiff):
    path = shared_data / "odd" / "tiff-odd" / name
    with tiff(path) as source:
        assert np.array_equal(in_rows(source, 50), by_pillow(path))
