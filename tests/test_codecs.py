"""WebP, AVIF and JPEG XL tiles: what their writers refuse, and their pyramids."""

from __future__ import annotations

import hashlib
import io
import struct
import subprocess
import sys
from collections.abc import Callable

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from tests.pictures import gradient, photo, png, svs
from tests.pyramids import manifest
from tests.test_writers import made
from tileframe import CheckError, Encoding, Equality, OptionError, PluginError, Size, compare, open_pyramid, run, verify
from tileframe_start.command import run_command
from tileframe_writers.decoding import rgb8

TILE = photo(60, 40)
LOSSLESS = {"webp": {"lossless": True, "effort": 0}, "avif": {"quality": 100}, "jxl": {"lossless": True, "effort": 1}}


def saved(kind: str, picture: np.ndarray = TILE, **how: object) -> bytes:
    """A picture as Pillow saves it."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, kind, **how)
    return file.getvalue()


def with_alpha(pixels: np.ndarray) -> np.ndarray:
    return np.dstack([pixels, np.arange(pixels.shape[0] * pixels.shape[1]).reshape(pixels.shape[:2]) % 256]).astype(
        np.uint8
    )


def animated(kind: str) -> bytes:
    return saved(kind, save_all=True, append_images=[Image.fromarray(TILE[::-1])], duration=50)


def with_property(data: bytes, name: bytes, content: bytes) -> bytes:
    """An AVIF whose first property of a picture that is not its size is replaced by another of the same length."""
    start = data.index(b"pixi") - 4
    length = int.from_bytes(data[start : start + 4], "big")
    return data[: start + 4] + name + content.ljust(length - 8, b"\0") + data[start + length :]


def in_container(stream: bytes | bytearray, *, parts: int = 1) -> bytes:
    """A JPEG XL codestream in a container, in one box or several."""
    head = b"\0\0\0\x0cJXL \r\n\x87\n" + b"\0\0\0\x14ftypjxl \0\0\0\0jxl "
    if parts == 1:
        return head + struct.pack(">I4s", 8 + len(stream), b"jxlc") + stream
    half = len(stream) // 2
    pieces = [struct.pack(">I", 0) + stream[:half], struct.pack(">I", 1 | 1 << 31) + stream[half:]]
    return head + b"".join(struct.pack(">I4s", 8 + len(piece), b"jxlp") + piece for piece in pieces)


@pytest.mark.parametrize("name", LOSSLESS)
def test_lossless_tiles_give_back_every_pixel(name, registry):
    writer = made(registry, name, **LOSSLESS[name])
    assert writer.encoding.lossless
    assert np.array_equal(writer.decode(writer.encode(gradient(90, 70))), gradient(90, 70))


@pytest.mark.parametrize(
    ("name", "options", "encoding"),
    [
        ("webp", {}, Encoding("webp", "webp", False, 75, "420")),
        ("webp", {"lossless": True}, Encoding("webp", "webp", True)),
        ("avif", {}, Encoding("avif", "avif", False, 60, "420")),
        ("avif", {"quality": 90}, Encoding("avif", "avif", False, 90, "444")),
        ("avif", {"quality": 100}, Encoding("avif", "avif", True, 100, "444")),
        ("jxl", {}, Encoding("jxl", "jxl", False, 75)),
        ("jxl", {"distance": "1.5"}, Encoding("jxl", "jxl", False)),
        ("jxl", {"distance": 0}, Encoding("jxl", "jxl", True)),
        ("jxl", {"quality": 100}, Encoding("jxl", "jxl", True)),
    ],
)
def test_the_encoding_says_whether_it_is_lossless_and_of_which_quality(name, options, encoding, registry):
    assert made(registry, name, **options).encoding == encoding


@pytest.mark.parametrize(
    ("name", "less", "more"),
    [
        ("webp", {"quality": 30}, {"quality": 90}),
        ("avif", {"quality": 30}, {"quality": 90}),
        ("jxl", {"quality": 30}, {"quality": 90}),
        ("jxl", {"distance": 6}, {"distance": 0.5}),
        ("webp", {"lossless": True, "effort": 3}, {"lossless": True, "effort": 0}),
        ("avif", {"quality": 100, "speed": 6}, {"quality": 100, "speed": 10}),
        ("jxl", {"lossless": True, "effort": 5}, {"lossless": True, "effort": 1}),
    ],
)
def test_every_option_changes_the_weight(name, less, more, registry):
    tile = photo(128, 128)
    assert len(made(registry, name, **less).encode(tile)) < len(made(registry, name, **more).encode(tile))


def test_options_that_exclude_each_other_are_refused(registry):
    with pytest.raises(OptionError, match=r"leave out lossless or quality=80$"):
        made(registry, "webp", lossless=True, quality=80)
    with pytest.raises(OptionError, match=r"not quality=80 and distance=1\.5 and lossless$"):
        made(registry, "jxl", quality=80, distance=1.5, lossless=True)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("webp", lambda: saved("WEBP") + b"\0\0"),
        ("webp", lambda: saved("WEBP", lossless=True) + b"more"),
        ("avif", lambda: saved("AVIF") + b"more"),
        ("avif", lambda: saved("AVIF") + b"longer than a box's head"),
        ("jxl", lambda: imagecodecs.jpegxl_encode(TILE, 75) + b"\0"),
        ("jxl", lambda: in_container(imagecodecs.jpegxl_encode(TILE, 75)) + b"more"),
        ("jxl", lambda: in_container(imagecodecs.jpegxl_encode(TILE, 75) + b"more")),
    ],
)
def test_bytes_behind_the_end_are_refused(name, data, registry):
    with pytest.raises(CheckError, match="behind its end"):
        made(registry, name).decode(data())


@pytest.mark.parametrize("lossless", [False, True])
def test_a_cut_webp_whose_lengths_were_made_to_fit_is_refused(lossless, registry):
    data = saved("WEBP", lossless=lossless)
    half = data[20 : len(data) // 4 * 2]
    cut = struct.pack("<4sI4s", b"RIFF", len(half) + 12, b"WEBP") + data[12:16] + struct.pack("<I", len(half)) + half
    with pytest.raises(CheckError, match="damaged"):
        made(registry, "webp").decode(cut)


FOREIGN: list[tuple[str, Callable[[], bytes], str]] = [
    ("webp", lambda: saved("WEBP", with_alpha(TILE)), "ALPH"),
    ("webp", lambda: saved("WEBP", with_alpha(TILE), lossless=True), "4 channels"),
    ("webp", lambda: animated("WEBP"), "ANIM"),
    ("webp", lambda: saved("PNG"), "is no WebP"),
    ("avif", lambda: saved("AVIF", with_alpha(TILE)), "alpha"),
    ("avif", lambda: animated("AVIF"), "animated"),
    ("avif", lambda: bytes(imagecodecs.avif_encode(TILE.astype(np.uint16) << 2, 60, bitspersample=10)), "8 bits"),
    ("avif", lambda: with_property(saved("AVIF"), b"irot", b"\1"), "rotation"),
    ("avif", lambda: with_property(saved("AVIF"), b"clap", b""), "crop"),
    ("avif", lambda: saved("AVIF").replace(b"ispe", b"free"), "0 pictures"),
    ("avif", lambda: saved("AVIF").replace(b"iprp", b"free"), "iprp"),
    ("jxl", lambda: bytes(imagecodecs.jpegxl_encode(with_alpha(TILE), 75)), "4 channels"),
    ("jxl", lambda: bytes(imagecodecs.jpegxl_encode(np.stack([TILE, TILE[::-1]]), 75)), "2 frames"),
    ("jxl", lambda: bytes(imagecodecs.jpegxl_encode(TILE.astype(np.uint16) << 8, 75)), "8 bits"),
    ("jxl", lambda: in_container(b""), "cut"),
]


@pytest.mark.parametrize(("name", "data", "said"), FOREIGN, ids=[f"{name}-{said}" for name, _, said in FOREIGN])
def test_what_is_no_single_opaque_picture_of_8_bits_is_refused(name, data, said, registry):
    with pytest.raises(CheckError, match=said):
        made(registry, name).decode(data())


def test_a_canvas_larger_than_its_picture_is_refused(registry):
    data = bytearray(saved("WEBP", icc_profile=b"any"))
    data[24] += 1
    with pytest.raises(CheckError, match="damaged"):
        made(registry, "webp").decode(bytes(data))


def test_a_picture_that_its_decoder_turns_is_refused():
    with pytest.raises(CheckError, match=r"decodes to 3x4, not to the 4x3 that it says$"):
        rgb8(lambda: np.zeros((4, 3, 3), np.uint8), Size(4, 3), "a JPEG XL")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("webp", lambda: saved("WEBP", icc_profile=b"any", exif=b"any")),
        ("avif", lambda: saved("AVIF")),
        ("jxl", lambda: in_container(imagecodecs.jpegxl_encode(TILE, 75))),
        ("jxl", lambda: in_container(imagecodecs.jpegxl_encode(TILE, 75), parts=2)),
    ],
    ids=["webp with metadata", "avif", "jxl in a container", "jxl in two parts"],
)
def test_tiles_of_other_tools_are_read(name, data, registry):
    writer = made(registry, name)
    assert writer.size(data()) == Size(60, 40)
    assert np.abs(writer.decode(data()).astype(int) - TILE).mean() < 6


def test_grey_tiles_of_other_tools_decode_to_rgb(registry):
    grey = np.ascontiguousarray(gradient(20, 10)[:, :, 0])
    found = made(registry, "jxl").decode(bytes(imagecodecs.jpegxl_encode(grey, lossless=True)))
    assert np.array_equal(found, np.dstack([grey] * 3))


@pytest.mark.parametrize(
    "size",
    [
        (1, 1),
        (8, 8),
        (8, 16),
        (256, 256),
        (257, 100),
        (300, 300),
        (400, 300),
        (360, 300),
        (600, 400),
        (160, 90),
        (500, 400),
    ],
    ids=str,
)
def test_every_way_to_write_a_size_in_a_jpeg_xl_is_read(size, registry):
    writer = made(registry, "jxl", effort=1)
    assert writer.size(writer.encode(np.full((size[1], size[0], 3), 90, np.uint8))) == Size(*size)


def test_a_tile_larger_than_a_webp_can_be_is_refused(registry):
    with pytest.raises(OptionError, match="up to 16383 pixels a side, not 16384x1"):
        made(registry, "webp").encode(np.zeros((1, 16384, 3), np.uint8))


@pytest.mark.parametrize(("name", "codec"), [("webp", "WEBP"), ("avif", "AVIF"), ("jxl", "JPEGXL")])
def test_a_build_without_the_codec_is_told(name, codec, registry, monkeypatch):
    monkeypatch.setattr(getattr(imagecodecs, codec), "available", False)
    with pytest.raises(PluginError, match=f"^the {name} format needs an imagecodecs that was built with {codec}"):
        made(registry, name)


IN_ANOTHER_PROCESS = """
import hashlib
from tests.pictures import photo
from tileframe import registry
for name in ("webp", "avif", "jxl"):
    print(hashlib.sha256(registry.load().writer(name).create().encode(photo(254, 254))).hexdigest())
"""


def test_another_process_gives_the_same_bytes(registry):
    done = subprocess.run([sys.executable, "-c", IN_ANOTHER_PROCESS], capture_output=True, text=True, check=True)
    tile = photo(254, 254)
    ours = [hashlib.sha256(made(registry, name).encode(tile)).hexdigest() for name in LOSSLESS]
    assert done.stdout.split() == ours


# Encoding AVIF takes the longest, and all formats come to the engines alike.
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[pytest.mark.thorough] if name == "avif" else []) for name in LOSSLESS]
)
def test_any_number_of_workers_and_either_engine_give_the_same_bytes(name, tmp_path, registry):
    slide = svs(tmp_path / "a.svs", photo(520, 400), levels=(1,))
    for backend, workers in (("stream", 1), ("stream", 3), ("openslide", 2)):
        run(slide, tmp_path / f"{backend}{workers}", backend=backend, workers=workers, format=name, registry=registry)
    lists = [
        (tmp_path / f"{made}.sha256").read_text().replace(f"{made}_files", "")
        for made in ("stream1", "stream3", "openslide2")
    ]
    assert lists[0] == lists[1] == lists[2]
    assert run_command(["verify", str(tmp_path / "stream3.dzi"), "--against", str(slide)]) == 0


def test_lossless_pyramids_of_any_two_formats_have_the_same_pixels(tmp_path, registry):
    slide = png(tmp_path / "a.png", gradient(280, 200))
    run(slide, tmp_path / "png", format="png", registry=registry)
    for name, options in LOSSLESS.items():
        run(slide, tmp_path / name, format=name, format_options=options, registry=registry)
        assert list(verify(tmp_path / f"{name}.dzi", registry=registry)) == []
        with open_pyramid(tmp_path / "png.dzi") as one, open_pyramid(tmp_path / f"{name}.dzi") as other:
            assert compare(one, other).strength is Equality.PIXELS


@pytest.mark.parametrize("name", LOSSLESS)
def test_the_quality_of_the_command_line_is_the_formats(name, tmp_path):
    slide = png(tmp_path / "a.png", photo(60, 40))
    assert (
        run_command(["run", str(slide), "-o", str(tmp_path / "o"), "--format", name, "--quality", "41", "--quiet"]) == 0
    )
    assert manifest(str(tmp_path / "o.dzi"))["plan"]["encoding"]["quality"] == 41


def test_vips_says_why_it_does_not_make_them(tmp_path, registry):
    slide = png(tmp_path / "a.png", photo(60, 40))
    with pytest.raises(OptionError, match="dzsave is proved for jpeg and png alone, not webp"):
        run(slide, tmp_path / "o", backend="vips", format="webp", registry=registry)


@pytest.mark.parametrize(
    ("layout", "name"),
    [
        ("zoomify", "jxl"),
        ("google", "avif"),
        ("iiif3", "webp"),
        *(pytest.param(*pair, marks=pytest.mark.thorough) for pair in (("zoomify", "webp"), ("google", "jxl"))),
    ],
)
def test_layouts_keep_tiles_of_these_formats(layout, name, tmp_path, registry):
    slide = png(tmp_path / "a.png", gradient(300, 200))
    how = {"format": name, "format_options": LOSSLESS[name], "tile_size": 128, "overlap": 0, "registry": registry}
    run(slide, tmp_path / "dzi", **how)
    run(slide, tmp_path / "other", layout=layout, **how)
    assert list(verify(tmp_path / "other", registry=registry)) == []
    with open_pyramid(tmp_path / "dzi.dzi") as one, open_pyramid(tmp_path / "other") as other:
        assert compare(one, other).strength is Equality.PIXELS


def test_an_archive_keeps_tiles_of_these_formats(tmp_path, registry):
    slide = png(tmp_path / "a.png", photo(300, 200))
    run(slide, tmp_path / "a.szi", format="webp", registry=registry)
    run(slide, tmp_path / "a.dzi", format="webp", registry=registry)
    assert list(verify(tmp_path / "a.szi", registry=registry)) == []
    with open_pyramid(tmp_path / "a.szi") as one, open_pyramid(tmp_path / "a.dzi") as other:
        assert compare(one, other).strength is Equality.PIXELS
