"""The reader `tiff` hands out tiles as they are stored, as JPEGs that every decoder shows alike; and JPEG 2000."""

from __future__ import annotations

import io
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import pyvips
import simplejpeg
import tifffile
from PIL import Image

from tests.pictures import photo
from tests.test_tiff_reader import (
    APERIO,
    BYTE_COUNTS,
    PHOTO,
    Opener,
    assert_equal,
    by_tifffile,
    by_vips,
    patched,
    whole,
)
from tests.test_tiff_reader import openslide as openslide
from tests.test_tiff_reader import tiff as tiff
from tileframe import Box, CompressedTiles, InputError, Size, Source, UnsupportedInput
from tileframe.pixels import Pixels
from tileframe_tiff import jp2k, jpegs


def decoded(tile: bytes) -> dict[str, Pixels]:
    """A JPEG by all decoders at hand."""
    with Image.open(io.BytesIO(tile)) as image:
        assert image.mode == "RGB"
        pillow = np.asarray(image)
    return {
        "Pillow": pillow,
        "libvips": pyvips.Image.new_from_buffer(tile, "").numpy(),
        "simplejpeg": simplejpeg.decode_jpeg(tile, strict=True),
        "imagecodecs": imagecodecs.jpeg8_decode(tile),
    }


def assert_all_show(path: Path, tiff: Opener, openslide: Opener) -> None:
    """Every tile decodes, by every decoder, to what OpenSlide reads there."""
    with tiff(path) as ours, openslide(path) as theirs:
        assert isinstance(ours, CompressedTiles)
        assert ours.refuses_compressed() is None
        size, side = ours.facts.size, ours.facts.tile_size
        assert side is not None
        for row in range(0, -(-size.height // side.height), 3):
            for col in range(0, -(-size.width // side.width), 3):
                box = Box(col * side.width, row * side.height, side.width, side.height)
                box = box.clipped(Box(0, 0, size.width, size.height))
                expected = theirs.read(box)
                tile = ours.compressed_tile(col, row)
                assert tile is not None
                for name, pixels in decoded(tile).items():
                    assert np.array_equal(pixels[: box.height, : box.width], expected), (name, box)


@pytest.mark.parametrize("name", ["CMU-1-Small-Region.svs", "aperio_pyramid.svs", "generic_bigtiff.tif"])
def test_tiles_of_real_slides_show_what_openslide_reads(name, shared_data, tiff, openslide):
    assert_all_show(shared_data / "slides" / name, tiff, openslide)


@pytest.mark.parametrize("how", [{}, {"Q": 95}, {"rgbjpeg": True}], ids=["4:2:0", "4:4:4", "RGB"])
def test_tiles_with_shared_tables_show_what_openslide_reads(how, tmp_path, tiff, openslide):
    assert_all_show(by_vips(tmp_path / "a.tif", PHOTO, compression="jpeg", **how), tiff, openslide)


@pytest.mark.parametrize("photometric", ["rgb", "ycbcr"])
def test_tiles_without_shared_tables_show_what_openslide_reads(photometric, tmp_path, tiff, openslide):
    path = by_tifffile(tmp_path / "a.tif", PHOTO, compression="jpeg", photometric=photometric)
    assert_all_show(path, tiff, openslide)


def scan(jpeg: bytes) -> bytes:
    return jpeg[jpeg.index(b"\xff\xda") :]


@pytest.mark.parametrize("shared", [True, False], ids=["shared tables", "tables of its own"])
def test_the_scan_is_the_slides_own_byte_for_byte(shared, tmp_path, tiff):
    path = tmp_path / "a.tif"
    if shared:
        by_vips(path, PHOTO, compression="jpeg")
    else:
        by_tifffile(path, PHOTO, compression="jpeg", photometric="ycbcr")
    with tifffile.TiffFile(path) as file, tiff(path) as source:
        page = file.pages.first
        file.filehandle.seek(page.dataoffsets[6])
        stored = file.filehandle.read(page.databytecounts[6])
        assert isinstance(source, CompressedTiles)
        tile = source.compressed_tile(1, 1)
    assert tile is not None
    assert scan(tile) == scan(stored)
    assert tile[2:4] == b"\xff\xee"
    assert b"JFIF" not in tile


def compressed(source: Source) -> CompressedTiles:
    assert isinstance(source, CompressedTiles)
    return source


def test_a_missing_tile_is_none(tmp_path, tiff):
    path = patched(by_tifffile(tmp_path / "a.tif", PHOTO, compression="jpeg"), BYTE_COUNTS, 0, 0)
    with tiff(path) as source:
        assert compressed(source).compressed_tile(0, 0) is None
        assert compressed(source).compressed_tile(1, 0)
        assert compressed(source).refuses_compressed() is None


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ({"compression": "lzw"}, "no JPEGs, but of TIFF compression 5"),
        ({"compression": "jpeg", "photometric": "minisblack"}, "1 components, not 3"),
    ],
)
def test_tiles_that_not_all_viewers_show_are_refused(how, why, tmp_path, tiff):
    pixels = PHOTO[:, :, 0].copy() if "photometric" in how else PHOTO
    with tiff(by_tifffile(tmp_path / "a.tif", pixels, **how)) as source:
        assert why in (compressed(source).refuses_compressed() or "")


@pytest.mark.parametrize(
    ("marker", "precision", "why"),
    [
        (0xC0, 8, None),
        (0xC1, 8, None),
        (0xC2, 8, None),
        (0xC1, 12, "12 bits a sample"),
        (0xC3, 8, "lossless"),
        (0xC9, 8, "arithmetic"),
    ],
)
def test_kinds_of_jpeg_that_browsers_show_are_known(marker, precision, why):
    said = jpegs.refused_by_viewers(jpegs.Frame(marker, precision, 256, 256, 3))
    assert (said is None) if why is None else (why in (said or ""))


def test_a_progressive_tile_is_handed_out_whole():
    buffer = io.BytesIO()
    Image.fromarray(PHOTO).save(buffer, "jpeg", progressive=True)
    tile, frame, _ = jpegs.standalone(buffer.getvalue(), jpegs.beginning(None, ycbcr=True))
    assert (frame.kind, frame.width, frame.height) == ("progressive", 301, 203)
    with Image.open(buffer) as image:
        for name, pixels in decoded(tile).items():
            assert np.array_equal(pixels, np.asarray(image)), name


def test_an_unusual_subsampling_of_an_aperio_slide_is_left_to_openslide(tmp_path, tiff):
    path = by_tifffile(
        tmp_path / "a.tif", PHOTO, compression="jpeg", photometric="ycbcr", subsampling=(2, 1), description=APERIO
    )
    content = path.read_bytes()
    place = content.index(b"\xff\xc0") + 11
    assert content[place] == 0x21
    path.write_bytes(content[:place] + b"\x31" + content[place + 1 :])
    with pytest.raises(UnsupportedInput, match="JPEG of an unusual subsampling"):
        tiff(path)


@pytest.mark.parametrize(
    "tile",
    [
        "",
        "ff d8",
        "42 4d",
        "ff d8 ff d9",
        "ff d8 ff c0 00 40",
        "ff d8 ff da 00 02",
        "ff d8 00 00",
        "ff d8 ff db 00 0c 03",
    ],
)
def test_what_is_no_jpeg_is_refused(tile):
    with pytest.raises(jpegs.JpegError):
        jpegs.standalone(bytes.fromhex(tile), jpegs.beginning(None, ycbcr=True))


def jp2k_tiles(path: Path, samples: Pixels, compression: int) -> Path:
    """An Aperio slide of JPEG 2000 code streams, whose compression tifffile does not write."""
    height, width, _ = samples.shape
    full = np.pad(samples, ((0, -height % 64), (0, -width % 64), (0, 0)), mode="edge")
    tiles: list[bytes] = [
        bytes(imagecodecs.jpeg2k_encode(full[y : y + 64, x : x + 64], codecformat="j2k", mct=False, reversible=True))
        for y in range(0, height, 64)
        for x in range(0, width, 64)
    ]
    tifffile.imwrite(
        path, iter(tiles), shape=samples.shape, dtype=np.uint8, tile=(64, 64), photometric="rgb",
        compression="jpeg2000", description=APERIO, metadata=None,
    )  # fmt: skip
    return patched(path, 259, 0, compression)


@pytest.mark.parametrize("compression", [33003, 33005], ids=["YCbCr", "RGB"])
def test_jpeg_2000_is_read_as_openslide_reads_it(compression, tmp_path, tiff, openslide):
    noise = np.random.default_rng(2).integers(0, 256, (203, 301, 3), dtype=np.uint8)
    assert_equal(jp2k_tiles(tmp_path / "a.svs", noise, compression), tiff, openslide)


def test_every_ycbcr_colour_becomes_openslides_rgb(tmp_path, tiff, openslide):
    # All pairs of Cb and Cr, each under some Y.
    chroma = np.mgrid[0:256, 0:256].astype(np.uint8)
    luma = ((chroma[0].astype(int) * 37 + chroma[1].astype(int) * 101) % 256).astype(np.uint8)
    assert_equal(jp2k_tiles(tmp_path / "a.svs", np.dstack([luma, *chroma]), 33003), tiff, openslide)


def test_a_damaged_jpeg_2000_tile_is_refused(tmp_path, tiff):
    path = jp2k_tiles(tmp_path / "a.svs", photo(200, 130), 33005)
    with tifffile.TiffFile(path) as file:
        offset = file.pages.first.dataoffsets[2]
    with path.open("r+b") as raw:
        raw.seek(offset)
        raw.write(bytes(80))
    with tiff(path) as source, pytest.raises(InputError, match="tile 2, 0 of the base cannot be read"):
        whole(source)


def test_jpeg_2000_of_another_kind_is_left_to_openslide(tmp_path, tiff):
    path = jp2k_tiles(tmp_path / "a.svs", photo(200, 130), 33005)
    with tifffile.TiffFile(path) as file:
        offset = file.pages.first.dataoffsets[0]
    with path.open("r+b") as raw:
        raw.seek(offset + 46)  # of the second component: samples for every second column
        raw.write(b"\x02")
    with pytest.raises(UnsupportedInput, match="subsampled components"):
        tiff(path)
    assert jp2k.unproved(bytes(60), Size(64, 64)) == "no JPEG 2000 code stream"
