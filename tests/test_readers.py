"""Every reader makes the same RGB8 of every kind of pixels."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.pictures import MPP, gradient, jpeg, photo, png, svs
from tileframe import Access, Box, InputError, Rgb, UnsupportedInput, open_slide
from tileframe.pixels import Pixels
from tileframe.registry import Registry

WIDTH, HEIGHT = 67, 41


def whole(registry: Registry, reader: str, path: Path, background: Rgb | None = None) -> Pixels:
    with registry.reader(reader).create().open(path, background=background) as source:
        size = source.facts.size
        return source.read(Box(0, 0, size.width, size.height))


def over(background: tuple[int, int, int], colour: Pixels, alpha: Pixels) -> Pixels:
    """The contract's composition, written out in Python integers."""
    behind = np.array(background)
    a = alpha.astype(int)[:, :, None]
    return ((colour.astype(int) * a + behind * (255 - a) + 127) // 255).astype(np.uint8)


RGB = gradient(WIDTH, HEIGHT)
GREY = RGB[:, :, 0]
ALPHA = gradient(WIDTH, HEIGHT)[:, :, 1]
DEEP = (RGB.astype(np.uint16) << 8) | RGB[:, :, ::-1]
BITS = GREY > 127
GREY3 = np.dstack([GREY] * 3)


def palette_picture() -> Image.Image:
    return Image.fromarray(RGB).quantize(32)


def transparent_palette(path: Path) -> Pixels:
    image = palette_picture()
    image.save(path, transparency=3)
    index = np.asarray(image)
    return over((255, 255, 255), np.asarray(image.convert("RGB")), np.where(index == 3, 0, 255).astype(np.uint8))


def deep_png(path: Path, samples: np.ndarray) -> None:
    """A 16-bit PNG of grey, grey and alpha, RGB or RGBA, which Pillow cannot write."""
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[samples.shape[2]]
    rows = samples.astype(">u2").tobytes()
    stride = len(rows) // HEIGHT
    lines = b"".join(b"\0" + rows[y * stride : (y + 1) * stride] for y in range(HEIGHT))
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 16, kind, 0, 0, 0)
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for name, data in ((b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")):
            file.write(struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)))


def write(kind: str, path: Path) -> Pixels:
    """Write a PNG of this kind and return what it is as RGB8 on white."""
    white = (255, 255, 255)
    if kind == "transparent palette":
        return transparent_palette(path)
    if kind.startswith("16-bit"):
        channels = {
            "grey": DEEP[:, :, :1],
            "grey+alpha": DEEP[:, :, :2],
            "RGB": DEEP,
            "RGBA": np.dstack([DEEP, DEEP[:, :, 0]]),
        }
        samples = channels[kind.removeprefix("16-bit ")]
        deep_png(path, samples)
        high = (samples >> 8).astype(np.uint8)
        colour = np.dstack([high[:, :, 0]] * 3) if high.shape[2] < 3 else high[:, :, :3]
        return over(white, colour, high[:, :, -1]) if high.shape[2] in (2, 4) else colour
    images = {
        "RGB": (Image.fromarray(RGB), RGB),
        "grey": (Image.fromarray(GREY), GREY3),
        "1-bit": (Image.fromarray(BITS), np.dstack([np.where(BITS, 255, 0)] * 3)),
        "palette": (palette_picture(), np.asarray(palette_picture().convert("RGB"))),
        "grey+alpha": (Image.fromarray(np.dstack([GREY, ALPHA]), "LA"), over(white, GREY3, ALPHA)),
        "RGBA": (Image.fromarray(np.dstack([RGB, ALPHA]), "RGBA"), over(white, RGB, ALPHA)),
    }
    image, expected = images[kind]
    image.save(path)
    return expected.astype(np.uint8)


KINDS = ["RGB", "grey", "1-bit", "palette", "transparent palette", "grey+alpha", "RGBA"]
DEEP_KINDS = ["16-bit grey", "16-bit grey+alpha", "16-bit RGB", "16-bit RGBA"]


@pytest.mark.parametrize("reader", ["vips", "imageslide"])
@pytest.mark.parametrize("kind", KINDS + DEEP_KINDS)
@pytest.mark.filterwarnings("ignore:'mode' parameter:DeprecationWarning")
def test_png_pixels_become_rgb8_by_the_contract(kind, reader, tmp_path, registry):
    expected = write(kind, tmp_path / "picture.png")
    assert np.array_equal(whole(registry, reader, tmp_path / "picture.png"), expected)


@pytest.mark.parametrize("reader", ["vips", "imageslide"])
def test_transparent_pixels_show_the_background_that_was_asked_for(reader, tmp_path, registry):
    Image.fromarray(np.dstack([RGB, ALPHA])).save(tmp_path / "a.png")
    found = whole(registry, reader, tmp_path / "a.png", Rgb(10, 200, 30))
    assert np.array_equal(found, over((10, 200, 30), RGB, ALPHA))


@pytest.mark.parametrize("reader", ["vips", "imageslide"])
@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_the_exif_orientation_is_applied(suffix, orientation, reader, tmp_path, registry):
    exif = Image.Exif()
    exif[0x112] = orientation
    upright = np.asarray(Image.fromarray(photo(WIDTH, HEIGHT)))
    path = tmp_path / f"turned.{suffix}"
    Image.fromarray(upright).save(path, exif=exif)
    with Image.open(path) as image:
        stored = np.asarray(image)
    transforms = {
        1: stored, 2: stored[:, ::-1], 3: stored[::-1, ::-1], 4: stored[::-1], 5: stored.transpose(1, 0, 2),
        6: np.rot90(stored, -1), 7: np.rot90(stored, 2).transpose(1, 0, 2), 8: np.rot90(stored),
    }  # fmt: skip
    assert np.array_equal(whole(registry, reader, path), transforms[orientation])


def test_cmyk_is_left_by_libvips_to_the_reader_that_converts_it(tmp_path, registry):
    Image.new("CMYK", (9, 9)).save(tmp_path / "a.jpg")
    with pytest.raises(UnsupportedInput, match="colour conversion"):
        registry.reader("vips").create().open(tmp_path / "a.jpg")


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("depth", [8, 16])
def test_plain_tiffs_are_read(depth, planar, tmp_path, registry):
    samples = RGB if depth == 8 else DEEP
    data = samples if planar == "contig" else np.moveaxis(samples, -1, 0)
    tifffile.imwrite(tmp_path / "a.tif", data, photometric="rgb", planarconfig=planar, compression="lzw")
    assert np.array_equal(whole(registry, "tiff", tmp_path / "a.tif"), RGB)


@pytest.mark.parametrize("bits", [2, 4, 10, 12, 14])
def test_odd_depths_are_scaled_to_the_full_range(bits, tmp_path, registry):
    most = (1 << bits) - 1
    samples = (np.arange(WIDTH * HEIGHT).reshape(HEIGHT, WIDTH) % (most + 1)).astype(
        np.uint16 if bits > 8 else np.uint8
    )
    tifffile.imwrite(tmp_path / "a.tif", samples, bitspersample=bits, photometric="minisblack")
    expected = samples >> (bits - 8) if bits > 8 else samples.astype(int) * 255 // most
    assert np.array_equal(whole(registry, "tiff", tmp_path / "a.tif")[:, :, 0], expected)


@pytest.mark.parametrize("kind", ["float32", "int16"])
def test_samples_without_a_full_range_are_refused(kind, tmp_path, registry):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((9, 9), kind))
    with pytest.raises(InputError, match=r"a\.tif: is a TIFF of signed or floating-point samples"):
        registry.reader("tiff").create().open(tmp_path / "a.tif")


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.bmp", "a.webp", "a.gif", "a.ppm", "a.jp2"])
def test_imageslide_opens_what_pillow_opens(name, tmp_path, registry):
    image = Image.fromarray(photo(WIDTH, HEIGHT))
    image.save(tmp_path / name)
    with Image.open(tmp_path / name) as stored:
        expected = np.asarray(stored.convert("RGB"))
    assert np.array_equal(whole(registry, "imageslide", tmp_path / name), expected)


def test_the_first_frame_of_an_animation_is_taken_and_said(tmp_path, registry):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    with registry.reader("imageslide").create().open(tmp_path / "a.gif") as source:
        assert source.facts.notes == ("the first of 2 pictures in the file was taken; --page N takes another",)
        assert source.read(Box(0, 0, 1, 1)).tolist() == [[[255, 0, 0]]]


@pytest.mark.parametrize("reader", ["vips", "imageslide"])
def test_a_profile_is_handed_out_as_it_is(reader, tmp_path, registry):
    path = jpeg(tmp_path / "a.jpg", RGB, icc_profile=b"any")
    with registry.reader(reader).create().open(path) as source:
        assert source.facts.icc == b"any"


def test_openslide_facts_are_those_of_the_slide(tmp_path, registry):
    with registry.reader("openslide").create().open(svs(tmp_path / "a.svs", photo(1500, 1100))) as source:
        facts = source.facts
    assert (facts.format, str(facts.size), facts.access) == ("aperio", "1500x1100", Access.REGIONS)
    assert (facts.mpp, facts.objective_power) == ((MPP, MPP), 20.0)
    assert [(str(level.size), level.downsample) for level in facts.native_levels] == [
        ("1500x1100", 1.0),
        ("375x275", 4.0),
    ]
    assert facts.associated == ("thumbnail",)


def test_openslide_gives_any_box_and_its_associated_images(tmp_path, registry):
    base = gradient(600, 500)
    with registry.reader("openslide").create().open(svs(tmp_path / "a.svs", base, lossless=True)) as source:
        for box in (Box(0, 0, 1, 1), Box(255, 255, 2, 1), Box(597, 498, 3, 2), Box(0, 0, 600, 500)):
            assert np.array_equal(source.read(box), base[box.y : box.bottom, box.x : box.right])
        assert np.array_equal(source.associated("thumbnail"), base[::8, ::8])
        with pytest.raises(InputError, match=r"no associated image named 'label' \(have: thumbnail\)"):
            source.associated("label")


@pytest.mark.parametrize("reader", ["openslide", "imageslide"])
@pytest.mark.parametrize("tile", [None, (16, 16)], ids=["strips", "tiles"])
def test_plain_tiffs_are_left_to_the_reader_that_knows_them(tile, reader, tmp_path, registry):
    tifffile.imwrite(tmp_path / "a.tif", RGB, photometric="rgb", tile=tile)
    with pytest.raises(UnsupportedInput, match=r"which the reader tiff opens|in no format that OpenSlide knows"):
        registry.reader(reader).create().open(tmp_path / "a.tif")


def test_premultiplied_alpha_is_not_multiplied_again(tmp_path, registry):
    colour = (RGB.astype(int) * ALPHA[:, :, None] // 255).astype(np.uint8)
    samples = np.dstack([colour, ALPHA])
    tifffile.imwrite(tmp_path / "a.tif", samples, photometric="rgb", extrasamples=["assocalpha"])
    inverse = 255 - ALPHA.astype(int)[:, :, None]
    expected = colour + (np.array([10, 200, 30]) * inverse + 127) // 255
    found = whole(registry, "tiff", tmp_path / "a.tif", Rgb(10, 200, 30))
    assert np.array_equal(found, np.minimum(expected, 255))


@pytest.mark.parametrize("reader", ["openslide", "vips", "imageslide"])
def test_a_closed_source_says_so(reader, tmp_path, registry):
    path = svs(tmp_path / "a.svs", RGB) if reader == "openslide" else png(tmp_path / "a.png", RGB)
    source = registry.reader(reader).create().open(path)
    source.close()
    with pytest.raises(InputError, match="was closed"):
        source.read(Box(0, 0, 1, 1))


def test_a_picture_too_large_for_the_memory_is_refused_before_it_is_gone(tmp_path, registry):
    Image.new("L", (1, 1)).save(tmp_path / "a.pgm")
    (tmp_path / "a.pgm").write_bytes(b"P5 9999999 9999999 255\n0")
    with pytest.raises(InputError, match=r"9999999x9999999 pixels take .* GB of memory"):
        registry.reader("imageslide").create().open(tmp_path / "a.pgm")


def test_a_folder_is_no_slide(tmp_path):
    with pytest.raises(InputError, match="is a folder; give the slide's main file"):
        open_slide(tmp_path)
