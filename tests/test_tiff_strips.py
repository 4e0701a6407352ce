"""The reader `tiff` reads TIFFs in strips row by row, as the readers that hold them whole do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
import tifffile
from PIL import Image

from tests.pictures import damage_tile, gradient, photo
from tileframe import Access, Box, InputError, Source, UnsupportedInput
from tileframe.pixels import Pixels
from tileframe.registry import Registry

WIDTH, HEIGHT = 301, 203
PHOTO, GRADIENT = photo(WIDTH, HEIGHT), gradient(WIDTH, HEIGHT)
Opener = Callable[[Path], Source]


@pytest.fixture
def tiff(registry: Registry) -> Opener:
    return registry.reader("tiff").make().open


def by_tifffile(path: Path, pixels: Pixels, **how: Any) -> Path:
    tifffile.imwrite(path, pixels, **{"rowsperstrip": 16, "metadata": None, "photometric": "rgb", **how})
    return path


def in_rows(source: Source, rows: int) -> Pixels:
    """The whole picture, read from the top down."""
    size = source.facts.size
    boxes = (Box(0, y, size.width, min(rows, size.height - y)) for y in range(0, size.height, rows))
    return np.concatenate([source.read(box) for box in boxes])


def assert_equal(path: Path, tiff: Opener, registry: Registry) -> Pixels:
    """The picture is `imageslide`'s, and so are its facts."""
    with tiff(path) as ours, registry.reader("imageslide").make().open(path) as theirs:
        assert (ours.facts.format, ours.facts.size) == (theirs.facts.format, theirs.facts.size)
        assert (ours.facts.access, ours.facts.tile_size, ours.facts.notes) == (Access.ROWS, None, theirs.facts.notes)
        found = in_rows(ours, 37)
        assert np.array_equal(found, theirs.read(Box(0, 0, WIDTH, HEIGHT)))
        return found


@pytest.mark.parametrize("rows", [1, 16, 64, 203])
@pytest.mark.parametrize("compression", [None, "lzw", "zlib"])
@pytest.mark.parametrize("predictor", [None, 2])
def test_lossless_strips_are_read(predictor, compression, rows, tmp_path, tiff, registry):
    how: dict[str, Any] = {"predictor": predictor} if compression else {}
    path = by_tifffile(tmp_path / "a.tif", GRADIENT, compression=compression, rowsperstrip=rows, **how)
    assert np.array_equal(assert_equal(path, tiff, registry), GRADIENT)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True], ids=["classic", "big"])
def test_every_byte_order_and_size_of_file_is_read(big, order, tmp_path, tiff, registry):
    path = by_tifffile(tmp_path / "a.tif", GRADIENT, compression="lzw", bigtiff=big, byteorder=order)
    assert_equal(path, tiff, registry)


@pytest.mark.parametrize("compression", [None, "lzw", "zlib", "jpeg"])
def test_grey_strips_are_read(compression, tmp_path, tiff, registry):
    grey = np.ascontiguousarray(PHOTO[:, :, 1])
    path = by_tifffile(tmp_path / "a.tif", grey, photometric="minisblack", compression=compression)
    assert_equal(path, tiff, registry)


@pytest.mark.parametrize("subsampling", [(1, 1), (2, 1), (2, 2), (4, 1)])
def test_jpeg_strips_of_every_subsampling_are_read(subsampling, tmp_path, tiff, registry):
    path = by_tifffile(tmp_path / "a.tif", PHOTO, compression="jpeg", photometric="ycbcr", subsampling=subsampling)
    assert_equal(path, tiff, registry)


@pytest.mark.parametrize("how", [{}, {"Q": 95}, {"rgbjpeg": True}], ids=["4:2:0", "4:4:4", "RGB"])
def test_jpeg_strips_with_shared_tables_are_read(how, tmp_path, tiff, registry):
    pyvips.Image.new_from_array(PHOTO).tiffsave(str(tmp_path / "a.tif"), compression="jpeg", **how)
    assert_equal(tmp_path / "a.tif", tiff, registry)


def test_what_pillow_writes_is_read(tmp_path, tiff, registry):
    for compression in ("tiff_jpeg", "jpeg", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "raw"):
        path = tmp_path / f"{compression}.tif"
        Image.fromarray(PHOTO).save(path, compression=compression)
        assert_equal(path, tiff, registry)


def test_one_uncompressed_strip_is_read_in_slices(tmp_path, tiff):
    pixels = np.tile(gradient(700, 900), (1, 2, 1))
    path = by_tifffile(tmp_path / "a.tif", pixels, rowsperstrip=900)
    with tiff(path) as source:
        assert np.array_equal(in_rows(source, 100), pixels)
        assert source._strips.page.rows < 900


def test_a_strip_that_fills_the_memory_is_left_to_others(tmp_path, tiff):
    path = by_tifffile(tmp_path / "a.tif", np.zeros((5000, 5000, 3), np.uint8), rowsperstrip=5000, compression="zlib")
    with pytest.raises(UnsupportedInput, match="decodes to more than 64 MB"):
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
        assert source.facts.notes == ("the first of 2 pictures in the file was taken",)
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


@pytest.mark.parametrize("name", ["quad-lzw", "../image-tiff/quad-lzw-compat"])
def test_lzw_of_the_old_kind_is_left_to_others(name, shared_data, tiff):
    with pytest.raises(UnsupportedInput, match="old kind"):
        tiff((shared_data / "odd" / "tiff-odd" / "libtiffpic" / name).with_suffix(
            ".tif" if name == "quad-lzw" else ".tiff"
        ))  # fmt: skip


@pytest.mark.parametrize("name", ["pil168", "tiff_adobe_deflate", "tiff_strip_raw", "hopper_bigtiff",
                                  "tiff_strip_ycbcr_jpeg_2x2_sampling", "libtiffpic/pc260001"])  # fmt: skip
def test_odd_tiffs_in_strips_are_read_as_before(name, shared_data, tiff, registry):
    path = shared_data / "odd" / "tiff-odd" / f"{name}.tif"
    with tiff(path) as ours, registry.reader("imageslide").make().open(path) as theirs:
        size = theirs.facts.size
        assert np.array_equal(in_rows(ours, 50), theirs.read(Box(0, 0, size.width, size.height)))
