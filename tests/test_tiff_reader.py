"""The reader `tiff` gives the pixels, facts and refusals that OpenSlide gives for tiled TIFFs."""

from __future__ import annotations

import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openslide as library
import pytest
import pyvips
import tifffile

from tests.pictures import MPP, damage_tile, gradient, photo, svs
from tileframe import (
    Access,
    Box,
    InputError,
    Rgb,
    Samples,
    Size,
    SlideFacts,
    Source,
    TileframeError,
    UnsupportedInput,
)
from tileframe.pixels import Pixels
from tileframe.registry import Registry
from tileframe.selection import opened
from tileframe_openslide.slide import OpenSlideSource
from tileframe_tiff.decoding import JpegDecoder

SIZE = Size(301, 203)
PHOTO = photo(SIZE.width, SIZE.height)
APERIO = f"Aperio Image Library v11.2.1\r\n{SIZE}|AppMag = 20|MPP = {MPP}"
BYTE_COUNTS, OFFSETS = 325, 324
Opener = Callable[..., Source]


@pytest.fixture
def tiff(registry: Registry) -> Opener:
    return registry.reader("tiff").create().open


@pytest.fixture
def openslide() -> Opener:
    """What OpenSlide itself makes of a file; of plain TIFFs too, which the reader of its name leaves to `tiff`."""

    def opened(path: Path, background: Rgb | None = None) -> Source:
        try:
            return OpenSlideSource(path, library.OpenSlide(path), background)
        except library.OpenSlideError as error:
            raise InputError(str(error)) from error

    return opened


def by_vips(path: Path, pixels: Pixels, description: str = "", **how: Any) -> Path:
    """A TIFF as libtiff writes it: JPEG with tables that all tiles share, unlike tifffile's."""
    image = pyvips.Image.new_from_array(pixels)
    image.set_type(pyvips.GValue.gstr_type, "image-description", description)
    image.tiffsave(str(path), **{"tile": True, "tile_width": 64, "tile_height": 64, **how})
    return path


def by_tifffile(path: Path, pixels: Pixels, **how: Any) -> Path:
    tifffile.imwrite(path, pixels, **{"tile": (64, 64), "metadata": None, "photometric": "rgb", **how})
    return path


def whole(source: Source, native_level: int = 0) -> Pixels:
    stored = source.facts.native_levels
    size = stored[native_level].size if stored else source.facts.size
    return source.read(Box(0, 0, size.width, size.height), native_level=native_level)


def facts_of(ours: Source) -> SlideFacts:
    """The facts as far as OpenSlide has them: it says of no pixels that they are grey, and nothing in words."""
    return replace(ours.facts, samples=Samples.RGB, notes=())


def assert_equal(path: Path, tiff: Opener, openslide: Opener) -> None:
    """Every level, boxes at random, all facts and associated images are OpenSlide's."""
    chance = np.random.default_rng(1)
    with tiff(path) as ours, openslide(path) as theirs:
        assert facts_of(ours) == replace(theirs.facts, mpp=theirs.facts.mpp if ours.facts.mpp else None)
        for number, _ in enumerate(ours.facts.native_levels):
            assert np.array_equal(whole(ours, number), whole(theirs, number)), f"native level {number}"
        size = ours.facts.size
        for _ in range(12):
            x, y = (int(chance.integers(side)) for side in (size.width, size.height))
            box = Box(x, y, int(chance.integers(1, size.width - x + 1)), int(chance.integers(1, size.height - y + 1)))
            assert np.array_equal(ours.read(box), theirs.read(box)), box
        for name in ours.facts.associated:
            assert np.array_equal(ours.associated(name), theirs.associated(name)), name


# The thorough one has the pixels of generic_bigtiff.tif.
@pytest.mark.parametrize("name", ["CMU-1-Small-Region.svs", "aperio_jp2k_33005.svs", "boxes.tiff",
                                  "generic_bigtiff.tif",
                                  pytest.param("aperio_pyramid.svs", marks=pytest.mark.thorough)])  # fmt: skip
def test_real_slides_are_read_as_openslide_reads_them(name, shared_data, tiff, openslide):
    assert_equal(shared_data / "slides" / name, tiff, openslide)


@pytest.mark.parametrize("name", ["image-tiff/tiled-jpeg-rgb-u8", "image-tiff/tiled-rgb-u8", "tiff_tiled_raw",
                                  "tiff_tiled_ycbcr_jpeg_2x2_sampling"])  # fmt: skip
def test_odd_tiled_tiffs_are_read_as_openslide_reads_them(name, shared_data, tiff, openslide):
    assert_equal(shared_data / "odd" / "tiff-odd" / f"{name}.tif", tiff, openslide)


@pytest.mark.parametrize("how", [{}, {"Q": 95}, {"rgbjpeg": True}], ids=["4:2:0", "4:4:4", "RGB"])
@pytest.mark.parametrize("description", [APERIO, ""], ids=["aperio", "generic"])
def test_jpeg_tiles_with_shared_tables_are_openslides(description, how, tmp_path, tiff, openslide):
    path = by_vips(tmp_path / "a.tif", PHOTO, description, compression="jpeg", **how)
    with tifffile.TiffFile(path) as file:
        assert file.pages.first.jpegtables
    assert_equal(path, tiff, openslide)


@pytest.mark.parametrize("subsampling", [(1, 1), (2, 1), (2, 2), (4, 1)])
def test_jpeg_tiles_of_every_subsampling_are_openslides(subsampling, tmp_path, tiff, openslide):
    path = by_tifffile(
        tmp_path / "a.tif", PHOTO, compression="jpeg", photometric="ycbcr", subsampling=subsampling, description=APERIO
    )
    assert_equal(path, tiff, openslide)


def test_jpeg_tiles_in_rgb_without_a_marker_are_openslides(tmp_path, tiff, openslide):
    path = by_tifffile(tmp_path / "a.svs", PHOTO, compression="jpeg", description=APERIO)
    assert_equal(path, tiff, openslide)


def test_levels_and_associated_images_are_openslides(tmp_path, tiff, openslide):
    path = svs(tmp_path / "a.svs", photo(1500, 1100), levels=(1, 2, 8))
    assert_equal(path, tiff, openslide)
    with tiff(path) as source:
        assert (source.facts.mpp, source.facts.objective_power) == ((MPP, MPP), 20.0)
        assert (source.facts.tile_size, source.facts.associated) == (Size(256, 256), ("thumbnail",))
        assert len(source.facts.native_levels) == 3


@pytest.mark.parametrize(("order", "big"), [("<", False), ("<", True), (">", True)])
@pytest.mark.parametrize("compression", [None, "lzw", "zlib"])
@pytest.mark.parametrize("predictor", [None, 2])
def test_lossless_tiles_are_openslides(predictor, compression, order, big, tmp_path, tiff, openslide):
    if predictor and not compression:
        predictor = None
    path = by_tifffile(
        tmp_path / "a.tif", gradient(301, 203), compression=compression, predictor=predictor, bigtiff=big,
        byteorder=order, resolution=(20000, 10000), resolutionunit="CENTIMETER",
    )  # fmt: skip
    assert_equal(path, tiff, openslide)
    with tiff(path) as source:
        assert np.array_equal(whole(source), gradient(301, 203))
        assert source.facts.mpp == (0.5, 1.0)


@pytest.mark.parametrize("compression", [None, "lzw", "zlib", "jpeg"])
def test_grey_tiles_are_openslides(compression, tmp_path, tiff, openslide):
    grey = np.ascontiguousarray(PHOTO[:, :, 1])
    assert_equal(
        by_tifffile(tmp_path / "a.tif", grey, photometric="minisblack", compression=compression), tiff, openslide
    )


@pytest.mark.parametrize("unit", ["INCH", "CENTIMETER", "NONE"])
def test_the_resolution_is_openslides(unit, tmp_path, tiff, openslide):
    path = by_tifffile(tmp_path / "a.tif", PHOTO, resolution=(12345.5, 7777), resolutionunit=unit)
    assert_equal(path, tiff, openslide)
    with tiff(path) as source:
        assert (source.facts.mpp is None) == (unit == "NONE")


def test_a_pyramid_of_libvips_is_openslides(tmp_path, tiff, openslide):
    path = by_vips(tmp_path / "a.tif", photo(700, 500), compression="jpeg", pyramid=True, bigtiff=True)
    assert_equal(path, tiff, openslide)


def test_a_colour_profile_is_handed_out_as_it_is(tmp_path, tiff, openslide):
    path = by_tifffile(tmp_path / "a.tif", PHOTO, iccprofile=b"any")
    assert_equal(path, tiff, openslide)
    with tiff(path) as source:
        assert source.facts.icc == b"any"


def test_pixels_beyond_the_slide_are_background(tmp_path, tiff):
    path = by_tifffile(tmp_path / "a.tif", PHOTO)
    with tiff(path) as source:
        pixels = source.read(Box(300, 200, 5, 6))
    assert np.array_equal(pixels[:3, :1], PHOTO[200:, 300:])
    assert (pixels[3:] == 255).all()
    assert (pixels[:, 1:] == 255).all()


def patched(path: Path, tag: int, index: int, value: int) -> Path:
    """Set one of the numbers of a tag of the first page."""
    with tifffile.TiffFile(path) as file:
        found = file.pages.first.tags[tag]
        form = {3: "H", 4: "I", 16: "Q"}[found.dtype]
        place = found.valueoffset + index * struct.calcsize(form)
    with path.open("r+b") as raw:
        raw.seek(place)
        raw.write(struct.pack(f"<{form}", value))
    return path


@pytest.mark.parametrize("background", [None, Rgb(10, 200, 30)])
@pytest.mark.parametrize("compression", ["jpeg", None, "zlib"])
@pytest.mark.parametrize("description", [APERIO, ""], ids=["aperio", "generic"])
def test_missing_tiles_show_the_background(description, compression, background, tmp_path, tiff, openslide):
    path = by_tifffile(tmp_path / "a.tif", PHOTO, compression=compression, description=description)
    patched(patched(path, BYTE_COUNTS, 6, 0), OFFSETS, 6, 0)
    with tiff(path, background=background) as ours, openslide(path, background=background) as theirs:
        pixels = whole(ours)
        assert np.array_equal(pixels, whole(theirs))
    assert (pixels[64:128, 64:128] == (background or (255, 255, 255))).all()


def test_a_slide_whose_missing_tiles_openslide_paints_from_other_levels_is_left_to_it(tmp_path, tiff):
    path = patched(svs(tmp_path / "a.svs", photo(700, 500), levels=(1, 2)), BYTE_COUNTS, 1, 0)
    with pytest.raises(UnsupportedInput, match="paints from other levels"):
        tiff(path)


@pytest.mark.parametrize("compression", ["jpeg", "lzw", "zlib"])
def test_a_damaged_tile_is_refused_by_its_name(compression, tmp_path, tiff):
    path = damage_tile(by_tifffile(tmp_path / "a.tif", PHOTO, compression=compression), 7)
    with tiff(path) as source:
        assert source.read(Box(0, 0, 128, 64)).shape == (64, 128, 3)
        with pytest.raises(InputError, match=r"a\.tif: tile 2, 1 of the base cannot be read \(.+\)"):
            source.read(Box(130, 70, 1, 1))


def test_what_openslide_refuses_as_damaged_is_refused(tmp_path, tiff, openslide):
    sound = by_tifffile(tmp_path / "a.svs", PHOTO, compression="jpeg", photometric="ycbcr", description=APERIO)
    with tifffile.TiffFile(sound) as file:
        offset, length = file.pages.first.dataoffsets[0], file.pages.first.databytecounts[0]
    content, chance = sound.read_bytes(), np.random.default_rng(3)
    refused = 0
    for place in chance.integers(0, length, 60):
        broken = tmp_path / "broken.svs"
        broken.write_bytes(content[: offset + place] + bytes([chance.integers(256)]) + content[offset + place + 1 :])
        try:
            with openslide(broken) as source:
                theirs = source.read(Box(0, 0, 64, 64))
        except InputError:
            refused += 1
            with tiff(broken) as source, pytest.raises(InputError, match="tile 0, 0"):
                source.read(Box(0, 0, 64, 64))
            continue
        with tiff(broken) as source:
            try:
                ours = source.read(Box(0, 0, 64, 64))
            except InputError:
                continue  # the end of the tile is looked at too
            assert np.array_equal(ours, theirs)
    assert refused > 5


def test_a_tile_of_another_size_is_refused(tmp_path, tiff):
    small = by_tifffile(tmp_path / "small.tif", PHOTO, compression="jpeg", tile=(32, 32))
    with tifffile.TiffFile(small) as file:
        found = [file.pages.first.tags[tag].valueoffset for tag in (322, 323)]
        forms = [{3: "H", 4: "I"}[file.pages.first.tags[tag].dtype] for tag in (322, 323)]
        count = file.pages.first.tags[BYTE_COUNTS].offset + 4, file.pages.first.tags[OFFSETS].offset + 4
    with small.open("r+b") as raw:
        for place, form in zip(found, forms, strict=True):
            raw.seek(place)
            raw.write(struct.pack(f"<{form}", 64))
        for place in count:
            raw.seek(place)
            raw.write(struct.pack("<I", 20))
    with tiff(small) as source, pytest.raises(InputError, match=r"tile 0, 0 .* JPEG of 32x32 .*, not 64x64"):
        whole(source)


def test_a_file_cut_short_is_refused(tmp_path, tiff):
    path = by_tifffile(tmp_path / "a.tif", PHOTO, compression="jpeg")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"a\.tif: the TIFF is cut short; it should have"):
        tiff(path)


def test_many_threads_read_at_once(tmp_path, tiff):
    pixels = photo(900, 700)
    path = by_tifffile(tmp_path / "a.tif", pixels, compression="zlib")
    boxes = [Box(x, y, 150, 130) for y in range(0, 570, 57) for x in range(0, 750, 75)]
    with tiff(path) as source, ThreadPoolExecutor(8) as pool:
        for box, found in zip(boxes, pool.map(source.read, boxes), strict=True):
            assert np.array_equal(found, pixels[box.y : box.bottom, box.x : box.right])


def test_blocks_that_cut_through_tiles_decode_each_once(tmp_path, tiff, monkeypatch):
    pixels = photo(900, 700)
    decoded: list[bytes] = []
    path = by_tifffile(tmp_path / "a.tif", pixels, compression="jpeg")
    decode = JpegDecoder.pixels

    def counted(self: JpegDecoder, whole: bytes, size: Size, scratch: Pixels | None) -> Pixels:
        decoded.append(whole)
        return decode(self, whole, size, scratch)

    monkeypatch.setattr(JpegDecoder, "pixels", counted)
    with tiff(path) as source:
        for y in range(0, 700, 150):
            for x in range(0, 900, 150):
                source.read(Box(x, y, min(150, 900 - x), min(150, 700 - y)))
    assert len(decoded) == 15 * 11


def test_a_closed_slide_says_so(tmp_path, tiff):
    source = tiff(by_tifffile(tmp_path / "a.tif", PHOTO))
    source.close()
    with pytest.raises(InputError, match=r"a\.tif: was closed"):
        source.read(Box(0, 0, 1, 1))


OTHERS: dict[str, dict[str, Any]] = {
    "Philips": {"software": "Philips DP v1.0"},
    "Trestle": {"software": "MedScan", "description": "x"},
    "Ventana": {"extratags": [(700, "B", 8, b"<iScan/>", True)]},
    "Leica": {"description": '<scn xmlns="http://www.leica-microsystems.com/scn/2010/10/01">'},
    "Argos": {"description": "<Argos.Scan.Metadata/>"},
    "Hamamatsu": {"extratags": [(65420, "I", 1, 1, True)]},
}


@pytest.mark.parametrize("vendor", OTHERS)
def test_slides_that_openslide_reads_by_other_rules_are_left_to_it(vendor, tmp_path, tiff):
    path = by_tifffile(tmp_path / "a.tif", PHOTO, **OTHERS[vendor])
    with pytest.raises(UnsupportedInput, match=f"a slide of {vendor}, which OpenSlide reads"):
        tiff(path)


APERIO_KINDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "16-bit": (PHOTO.astype(np.uint16) << 8, {}),
    "alpha": (np.dstack([PHOTO, PHOTO[:, :, 0]]), {"extrasamples": ["unassalpha"]}),
    "planes": (np.moveaxis(PHOTO, -1, 0), {"planarconfig": "separate"}),
    "orientation": (PHOTO, {"extratags": [(274, "H", 1, 3, True)]}),
    "zstd": (PHOTO, {"compression": "zstd"}),
    "classic and big-endian": (PHOTO, {"byteorder": ">"}),
}


@pytest.mark.parametrize("kind", APERIO_KINDS)
def test_aperio_slides_of_kinds_that_are_not_proved_equal_are_left_to_openslide(kind, tmp_path, tiff):
    pixels, how = APERIO_KINDS[kind]
    path = by_tifffile(tmp_path / "a.tif", pixels, description=APERIO, **how)
    with pytest.raises(UnsupportedInput):
        tiff(path)


def test_what_is_no_tiff_is_left_to_others(tmp_path, tiff):
    (tmp_path / "a.tif").write_bytes(b"II*\0 and nothing more")
    with pytest.raises(UnsupportedInput):
        tiff(tmp_path / "a.tif")
    (tmp_path / "b.tif").write_bytes(b"BM no TIFF")
    with pytest.raises(UnsupportedInput, match="no TIFF"):
        tiff(tmp_path / "b.tif")


def test_a_header_that_claims_millions_of_tiles_is_left_at_once(tmp_path, tiff):
    path = by_tifffile(tmp_path / "a.tif", PHOTO)
    patched(patched(path, 256, 0, 2**16 - 1), 257, 0, 2**16 - 1)
    with pytest.raises(InputError, match="whose picture 0 has 20 tiles, not"):
        tiff(path)


def test_it_comes_before_openslide_and_that_before_pillow(tmp_path, registry):
    path = by_tifffile(tmp_path / "a.tif", PHOTO)
    first, source = next(opened(path, registry, options={}))
    with source:
        assert (first.name, source.facts.access) == ("tiff", Access.REGIONS)
    fits = {reader.name: reader.guess(path, path.read_bytes()[:4096]) for reader in registry.readers}
    assert fits["tiff"] > fits["openslide"] > fits["imageslide"] > fits["vips"]


def test_fuzzed_tiffs_raise_nothing_of_their_own(shared_data, tiff, capfd):
    for path in sorted((shared_data / "broken").rglob("*")):
        if path.is_file():
            try:
                with tiff(path) as source:
                    whole(source)
            except TileframeError:
                continue
    assert capfd.readouterr() == ("", "")
