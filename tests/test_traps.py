"""The traps that this project fell into or saw others fall into, each with its remedy."""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import pyvips
import tifffile
from PIL import Image

from tests.pictures import damage_tile, gradient, jpeg, photo, png, svs, tile_data
from tests.pyramids import assembled, differing, manifest, pixels, tiles
from tileframe import (
    Access,
    BaseSource,
    Box,
    Fit,
    InputError,
    OptionError,
    ReaderPlugin,
    Rgb,
    Size,
    SlideFacts,
    hookimpl,
    run,
)
from tileframe import registry as registry_module
from tileframe.registry import Registry
from tileframe_start.command import run_command

BACKENDS = ["stream", "vips", "openslide"]


class Faulty(BaseSource):
    """A source of regions that cannot be read below a row: an exception in the middle of the stream."""

    def __init__(self, error: Exception) -> None:
        super().__init__(SlideFacts("faulty", Size(1200, 900), Access.REGIONS))
        self.error = error

    def read(self, box: Box, *, native_level: int = 0) -> np.ndarray:
        if box.bottom > 600:
            raise self.error
        return gradient(box.width, box.height)


class FaultyPlugin:
    """Opens any file as a `Faulty` source."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def open(self, path: Path, *, background: Rgb | None = None) -> Faulty:
        return Faulty(self.error)

    @hookimpl
    def tileframe_readers(self) -> list[ReaderPlugin]:
        return [ReaderPlugin("faulty", "fails", lambda: self, lambda path, head: Fit.NATIVE)]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("error", [InputError("row 600 is damaged"), RuntimeError("a bug in a reader")], ids=str)
def test_an_exception_in_the_middle_of_the_stream_ends_the_run(error, backend, tmp_path):
    slide = png(tmp_path / "a.png", gradient(3, 3))
    registry = registry_module.load([FaultyPlugin(error)])
    with pytest.raises(type(error), match=str(error)):
        run(slide, tmp_path / "out" / "a", backend=backend, reader="faulty", registry=registry)
    assert os.listdir(tmp_path) == ["a.png"]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", ["a.jpg", "a.png"])
def test_a_picture_cut_in_half_is_refused(name, backend, tmp_path, registry):
    whole = (jpeg if name == "a.jpg" else png)(tmp_path / name, photo(900, 700)).read_bytes()
    for kept in (len(whole) // 2, len(whole) - 60, 700):
        (tmp_path / name).write_bytes(whole[:kept])
        with pytest.raises(InputError, match=name):
            run(tmp_path / name, tmp_path / "out" / "a", backend=backend, registry=registry)
        assert os.listdir(tmp_path) == [name]


# All backends get the same words from the reader: what a compression changes is seen by one of them.
@pytest.mark.parametrize(
    ("compression", "backend"),
    [
        *((None, backend) for backend in BACKENDS),
        *((compression, "stream") for compression in ("lzw", "deflate", "jpeg")),
    ],
)
def test_a_tiff_cut_in_half_is_refused(compression, backend, tmp_path, registry):
    path = tmp_path / "a.tif"
    # The directory first, so that it is the pixels that are missing.
    tifffile.imwrite(path, photo(900, 700), photometric="rgb", rowsperstrip=16, compression=compression)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"a\.tif"):
        run(path, tmp_path / "out" / "a", backend=backend, registry=registry)
    assert os.listdir(tmp_path) == ["a.tif"]


@pytest.mark.parametrize(
    ("chunk", "backend"),
    [
        pytest.param(chunk, backend, marks=[] if backend in quick else [pytest.mark.thorough])
        for chunk, quick in ((b"PLTE", ["stream"]), (b"IDAT", BACKENDS))
        for backend in BACKENDS
    ],
)
def test_a_png_with_a_wrong_checksum_is_refused(chunk, backend, tmp_path, registry):
    path = tmp_path / "a.png"
    Image.fromarray(photo(300, 200)).quantize(64).save(path)
    data = bytearray(path.read_bytes())
    data[data.index(chunk) + 30] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"a\.png"):
        run(path, tmp_path / "out" / "a", backend=backend, registry=registry)
    assert os.listdir(tmp_path) == ["a.png"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_rotated_jpeg_cut_in_half_is_refused(backend, tmp_path, registry):
    exif = Image.Exif()
    exif[0x112] = 6
    path = jpeg(tmp_path / "a.jpg", photo(900, 700), exif=exif)
    path.write_bytes(path.read_bytes()[:20_000])
    with pytest.raises(InputError, match=r"a\.jpg"):
        run(path, tmp_path / "out" / "a", backend=backend, registry=registry)
    assert os.listdir(tmp_path) == ["a.jpg"]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("compression", ["lzw", "deflate"])
def test_a_damaged_strip_of_a_tiff_is_refused(compression, backend, tmp_path, registry):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, photo(900, 700), photometric="rgb", rowsperstrip=16, compression=compression)
    offset, length = tile_data(path, 9)
    with path.open("r+b") as file:
        file.seek(offset + length // 2)
        file.write(b"\xff" * 40)
    with pytest.raises(InputError, match=r"a\.tif"):
        run(path, tmp_path / "out" / "a", backend=backend, registry=registry)
    assert os.listdir(tmp_path) == ["a.tif"]


WHERE = {
    "stream": r"\(in the tiles a_files/11/0_0\.jpeg to a_files/11/5_4\.jpeg\)$",
    "vips": r"\(rows 256 to 511 of the base\)$",
    "openslide": r"\(tile \d, \d of level 11\)$",
}


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_damaged_tile_in_a_slide_is_refused_by_every_backend(backend, tmp_path, registry):
    slide = damage_tile(svs(tmp_path / "a.svs", photo(1500, 1100)), 7)
    with pytest.raises(InputError, match=r"a\.svs: tile 1, 1 of the base cannot be read .*" + WHERE[backend]):
        run(slide, tmp_path / "out" / "a", backend=backend, registry=registry)
    assert os.listdir(tmp_path) == ["a.svs"]


# Each file by the backend that may keep it in a cache of its own, libvips or OpenSlide, and by `stream`; and by all.
REPLACED = {"a.jpg": ("vips", "stream"), "a.png": ("vips",), "a.svs": ("openslide", "stream"), "a.tif": ("stream",)}


@pytest.mark.parametrize(
    ("name", "backend"),
    [
        pytest.param(name, backend, marks=[] if backend in quick else [pytest.mark.thorough])
        for name, quick in REPLACED.items()
        for backend in BACKENDS
    ],
)
def test_a_file_replaced_between_two_runs_gives_its_new_pixels(name, backend, tmp_path, registry):
    def write(array: np.ndarray) -> Path:
        path = tmp_path / name
        if name == "a.svs":
            return svs(path, array, lossless=True)
        if name == "a.tif":
            tifffile.imwrite(path, array, photometric="rgb")
            return path
        return png(path, array) if name == "a.png" else jpeg(path, array)

    options = {"backend": backend, "registry": registry, "format": "png", "overwrite": True}
    run(write(np.full((300, 300, 3), 20, np.uint8)), tmp_path / "out", **options)
    time.sleep(0.02)
    second = run(write(np.full((300, 300, 3), 220, np.uint8)), tmp_path / "out", **options)
    assert abs(int(assembled(second.target, second.levels - 1).mean()) - 220) <= 1


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every file name is text")
@pytest.mark.parametrize(("suffix", "make"), [("png", png), ("jpg", jpeg), ("svs", svs), ("tif", tifffile.imwrite)])
def test_a_slide_whose_name_is_not_utf_8_is_read_and_recorded(suffix, make, tmp_path, registry, capsys):
    slide = tmp_path / f"{os.fsdecode(bytes([0xE9]))}.{suffix}"
    make(slide, photo(300, 200))
    report = run(slide, tmp_path / "o", registry=registry)
    assert manifest(report.target)["plan"]["source"]["name"] == slide.name
    assert run_command(["verify", report.target, "--against", str(slide)]) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every file name is text")
@pytest.mark.parametrize("backend", ["stream", "openslide"])
def test_an_output_whose_name_is_not_utf_8_is_written_and_listed(backend, tmp_path, registry):
    name = os.fsdecode(b"caf\xe9")
    report = run(svs(tmp_path / "a.svs", photo(300, 200)), tmp_path / name, backend=backend, registry=registry)
    assert run_command(["verify", report.target]) == 0
    listed = (tmp_path / f"{name}.sha256").read_bytes()
    assert listed.count(b"\n") == listed.count(b"  caf\xe9_files/") == report.tiles


def test_a_tile_size_that_dzsave_would_silently_change_is_refused(tmp_path, registry):
    slide = png(tmp_path / "a.png", gradient(3, 3))
    with pytest.raises(OptionError, match="from 1 to 8192, not 8193"):
        run(slide, tmp_path / "a", tile_size=8193, registry=registry)


@pytest.mark.parametrize("name", ["a.v2", "a.dzs", "a b", "ä", "a.dzi.dzi", "a%d", "a[Q=5]"])
def test_a_name_that_dzsave_would_take_for_something_else_is_a_name(name, tmp_path, registry):
    report = run(
        png(tmp_path / "in.png", gradient(300, 300)), tmp_path / "out" / name, backend="vips", registry=registry
    )
    stem = name.removesuffix(".dzi")
    assert sorted(os.listdir(tmp_path / "out")) == sorted(
        f"{stem}{end}" for end in (".dzi", ".sha256", ".tileframe.json", "_files")
    )
    assert Path(report.target).name == f"{stem}.dzi"


@pytest.mark.parametrize("suffix", ["szi", "zip", "SZI"])
def test_the_name_of_an_archive_is_one_file_and_no_folder(suffix, tmp_path, registry):
    slide, target = png(tmp_path / "in.png", gradient(300, 300)), tmp_path / "out" / f"a.{suffix}"
    for backend in BACKENDS:
        report = run(slide, target, backend=backend, registry=registry, overwrite=True)
        (made,) = (tmp_path / "out").iterdir()
        assert (report.target, made.read_bytes()[:2]) == (str(made), b"PK")


@pytest.mark.parametrize("name", ["a.dz", "a.7z", "a.tar", "ftp://host/a"])
def test_a_place_that_nobody_serves_is_no_folder_of_that_name(name, tmp_path, registry, monkeypatch):
    monkeypatch.chdir(tmp_path)
    slide = png(tmp_path / "in.png", gradient(30, 30))
    with pytest.raises(OptionError, match=r"no store serves"):
        run(slide, name, registry=registry)
    assert os.listdir(tmp_path) == ["in.png"]


def test_an_older_run_leaves_no_stale_tile(tmp_path, registry):
    for backend in BACKENDS:
        large = png(tmp_path / "a.png", gradient(400, 400))
        run(large, tmp_path / "o", backend=backend, registry=registry, overwrite=True)
        small = png(tmp_path / "b.png", gradient(90, 90))
        report = run(small, tmp_path / "o", backend=backend, registry=registry, overwrite=True)
        assert len(tiles(report.target)) == report.tiles == 8


def test_dzsaves_own_extra_file_is_not_in_the_pyramid(tmp_path, registry):
    report = run(png(tmp_path / "a.png", gradient(9, 9)), tmp_path / "o", backend="vips", registry=registry)
    assert "vips-properties.xml" not in tiles(report.target)


@pytest.mark.parametrize("suffix", ["jpeg", "jpg", "png"])
def test_grey_pictures_have_tiles_in_three_channels(suffix, tmp_path, registry):
    grey = tmp_path / "a.jpg"
    Image.fromarray(photo(400, 300)).convert("L").save(grey)
    fast = run(grey, tmp_path / "v", backend="vips", format=suffix, registry=registry)
    slow = run(grey, tmp_path / "o", backend="openslide", format=suffix, registry=registry)
    assert fast.method == "libvips reads the file itself"
    assert differing(fast.target, slow.target) == []


def ultra_hdr(path: Path) -> Path:
    """A JPEG with a gain map, as new telephones make them."""
    image = pyvips.Image.new_from_array(photo(640, 480)).copy(interpretation="srgb")
    image.set_type(pyvips.GValue.blob_type, "gainmap-data", pyvips.Image.black(80, 60).jpegsave_buffer())
    doubles = {"max-content-boost": 4.0, "min-content-boost": 1.0, "gamma": 1.0, "offset-sdr": 0.0, "offset-hdr": 0.0}
    for name, value in doubles.items():
        image.set_type(pyvips.GValue.array_double_type, f"gainmap-{name}", [value] * 3)
    image.set_type(pyvips.GValue.gdouble_type, "gainmap-hdr-capacity-min", 1.0)
    image.set_type(pyvips.GValue.gdouble_type, "gainmap-hdr-capacity-max", 4.0)
    image.set_type(pyvips.GValue.gint_type, "gainmap-use-base-cg", 1)
    image.set_type(pyvips.GValue.gint_type, "gainmap-scale-factor", 8)
    image.uhdrsave(str(path), Q=90)
    return path


@pytest.mark.skipif(not pyvips.type_find("VipsOperation", "uhdrsave"), reason="this libvips writes no Ultra HDR")
def test_a_gain_map_changes_neither_the_pixels_nor_the_way(tmp_path, registry):
    slide = ultra_hdr(tmp_path / "hdr.jpg")
    fast = run(slide, tmp_path / "o", backend="vips", registry=registry)
    slow = run(slide, tmp_path / "p", backend="openslide", registry=registry)
    assert fast.method == "libvips reads the file itself"
    assert differing(fast.target, slow.target) == []


def test_a_very_wide_picture_can_be_fed(tmp_path, registry):
    # Wider than libpng's default limit of a million.
    wide = png(tmp_path / "wide.png", gradient(1_000_100, 1))
    own = run(wide, tmp_path / "own", backend="vips", registry=registry, format="png", tile_size=8192, overlap=0)
    fed = run(
        wide,
        tmp_path / "fed",
        backend="vips",
        reader="imageslide",
        registry=registry,
        format="png",
        tile_size=8192,
        overlap=0,
    )
    assert "fed" in fed.method
    assert differing(own.target, fed.target) == []


@pytest.mark.parametrize("backend", BACKENDS)
def test_workers_bound_the_threads_and_leave_libvips_as_it_was(backend, tmp_path, registry):
    before = pyvips.concurrency_get()
    run(png(tmp_path / "a.png", gradient(600, 600)), tmp_path / "o", backend=backend, workers=1, registry=registry)
    assert pyvips.concurrency_get() == before


class Counting(BaseSource):
    """Counts how many threads read at once."""

    def __init__(self) -> None:
        super().__init__(SlideFacts("counting", Size(9000, 600), Access.REGIONS))
        self.lock, self.busy, self.most = threading.Lock(), 0, 0

    def read(self, box: Box, *, native_level: int = 0) -> np.ndarray:
        with self.lock:
            self.busy += 1
            self.most = max(self.most, self.busy)
        time.sleep(0.005)
        with self.lock:
            self.busy -= 1
        return np.zeros((box.height, box.width, 3), np.uint8)


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("backend", BACKENDS)
def test_no_more_threads_read_than_there_are_workers(backend, workers, tmp_path):
    source = Counting()
    offer = ReaderPlugin("counting", "counts", lambda: opener, lambda path, head: Fit.NATIVE)
    opener = type("Opener", (), {"open": lambda self, path, background=None: source})()
    plugin = type("Plugin", (), {"tileframe_readers": hookimpl(lambda self: [offer])})()
    slide = png(tmp_path / "a.png", gradient(3, 3))
    registry = registry_module.load([plugin])
    run(slide, tmp_path / "o", backend=backend, reader="counting", workers=workers, registry=registry)
    assert 1 <= source.most <= workers


def test_progressive_and_rotated_jpegs_are_held_and_the_report_says_so(tmp_path, registry):
    exif = Image.Exif()
    exif[0x112] = 6
    progressive = run(jpeg(tmp_path / "p.jpg", photo(300, 200), progressive=True), tmp_path / "p", registry=registry)
    turned = jpeg(tmp_path / "r.jpg", photo(300, 200), exif=exif)
    rotated = run(turned, tmp_path / "r", backend="vips", registry=registry)
    assert "progressive" in progressive.notes[0]
    assert "rotated" in rotated.notes[0]
    assert "rotated" in run(turned, tmp_path / "s", registry=registry).notes[0]
    assert (str(rotated.size), rotated.method) == ("200x300", "libvips is fed rows, because it is to be rotated")


@pytest.mark.thorough  # in short: `test_geometry.py` and `test_parity_matrix.py`, with bounds of their own
def test_bounds_are_cropped_in_whole_pixels(tmp_path, registry, shared_data, capsys):
    slide = shared_data / "slides" / "leica.scn"
    cropped = run(slide, tmp_path / "c", registry=registry, backend="stream", tile_size=1024)
    part = run(
        slide,
        tmp_path / "w",
        registry=registry,
        backend="stream",
        tile_size=1024,
        limit_bounds=False,
        region=(200, 200, 2220, 2967),
    )
    assert str(cropped.size) == "2220x2967"
    assert "cropped to the scanned part, 2220x2967 at (200, 200) of 4440x5934" in cropped.notes
    assert differing(cropped.target, part.target, base_only=True) == []
    assert run_command(["run", str(slide), "-o", str(tmp_path / "o"), "--no-limit-bounds", "--dry-run"]) == 0
    assert "4440x5934" in capsys.readouterr().out


def test_missing_tiles_show_the_background(tmp_path: Path, registry: Registry):
    slide = svs(tmp_path / "a.svs", photo(600, 500), levels=(1,))
    with tifffile.TiffFile(slide) as file:
        counts = file.pages.first.tags[325]
        where = counts.valueoffset
    with slide.open("r+b") as raw:  # no bytes: Aperio's way to say that a tile was not scanned
        raw.seek(where)
        raw.write(bytes(4))
    for backend in BACKENDS:
        report = run(slide, tmp_path / backend, backend=backend, registry=registry, format="png", background="#102030")
        corner = pixels(tiles(report.target)[f"{report.levels - 1}/0_0.png"])[:200, :200]
        assert (corner == (0x10, 0x20, 0x30)).all()
