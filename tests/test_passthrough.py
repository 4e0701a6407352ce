"""Pass-through: the base tiles of a pyramid are the slide's own compressed data."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openslide
import pytest
import pyvips
import simplejpeg
import tifffile
from PIL import Image

from benchmarks.passthrough import decoded, loss
from tests.pictures import damage_tile, jpeg, photo, svs
from tests.pyramids import assembled, descriptor, differing, manifest, pixels, tiles
from tileframe import (
    Box,
    Equality,
    Fit,
    InputError,
    OptionError,
    ReaderPlugin,
    Report,
    Source,
    compare,
    hookimpl,
    open_pyramid,
    open_slide,
    run,
)
from tileframe import registry as registry_module
from tileframe.pixels import Pixels, halve
from tileframe.registry import Registry
from tileframe_start.command import run_command

SIDE = 256


@pytest.fixture
def slide(tmp_path) -> Path:
    return svs(tmp_path / "a.svs", photo(1500, 1100))


@pytest.fixture(params=["YCbCr 4:2:0", "YCbCr 4:4:4", "RGB"])
def coloured(request, tmp_path) -> Path:
    """Slides of each colour space and subsampling, without levels of their own."""
    colours, _, ratio = request.param.partition(" ")
    how: dict[str, Any] = {"compressionargs": {"level": 85, "outcolorspace": "RGB"}}
    if colours == "YCbCr":
        how = {"subsampling": (2, 2) if ratio == "4:2:0" else (1, 1), "compressionargs": {"level": 85}}
    path = tmp_path / "coloured.tif"
    tifffile.imwrite(
        path, photo(700, 600), tile=(SIDE, SIDE), photometric=colours.lower(), compression="jpeg", metadata=None, **how
    )
    return path


def passed(slide: Path, target: Path, registry: Registry, **options: Any) -> Report:
    return run(slide, target, passthrough=True, registry=registry, **options)


def read_by_openslide(slide: Path, x: int, y: int, side: int = SIDE) -> Pixels:
    with openslide.OpenSlide(slide) as opened:
        return np.asarray(opened.read_region((x, y), 0, (side, side)).convert("RGB"))


def scan(data: bytes) -> bytes:
    """What follows the headers of a JPEG: the entropy-coded data and the end marker."""
    return data[data.index(b"\xff\xda") :]


def stored(slide: Path, col: int, row: int) -> bytes:
    with tifffile.TiffFile(slide) as file:
        page = file.pages.first
        index = row * -(-page.imagewidth // page.tilewidth) + col
        file.filehandle.seek(page.dataoffsets[index])
        return file.filehandle.read(page.databytecounts[index])


def test_the_tile_size_is_the_slides_and_nothing_overlaps(slide, tmp_path, registry):
    report = passed(slide, tmp_path / "o", registry)
    assert {**descriptor(report.target)} == {
        "Format": "jpeg", "TileSize": "256", "Overlap": "0", "Width": "1500", "Height": "1100",
    }  # fmt: skip
    assert report.promises is Equality.LAYOUT
    assert report.method.endswith("the base tiles are the slide's own")


def test_whole_tiles_are_the_slides_own_data_and_those_at_the_edge_are_encoded(coloured, tmp_path, registry):
    report = passed(coloured, tmp_path / "o", registry)
    made = tiles(report.target)
    whole = [(col, row) for col in range(2) for row in range(2)]
    for col, row in whole:
        data = made[f"{report.levels - 1}/{col}_{row}.jpeg"].read_bytes()
        assert scan(data) == scan(stored(coloured, col, row))
    record = manifest(report.target)
    assert record["tiles"]["passed_through"] == report.passed_through == len(whole)
    assert (record["plan"]["passthrough"], record["plan"]["promises"]) == (True, "layout")


def test_every_decoder_shows_what_openslide_reads(coloured, tmp_path, registry):
    report = passed(coloured, tmp_path / "o", registry)
    assert report.passed_through
    for col, row in ((0, 0), (1, 0), (1, 1)):
        tile = tiles(report.target)[f"{report.levels - 1}/{col}_{row}.jpeg"]
        seen = read_by_openslide(coloured, col * SIDE, row * SIDE)
        assert np.array_equal(pixels(tile), seen), "Pillow"
        assert np.array_equal(pyvips.Image.new_from_file(str(tile)).numpy(), seen), "libvips"


def test_lower_levels_are_made_from_the_decoded_base(slide, tmp_path, registry):
    through = passed(slide, tmp_path / "through", registry)
    encoded = run(slide, tmp_path / "encoded", tile_size="native", overlap=0, registry=registry)
    base = f"{through.levels - 1}/"
    differ = differing(through.target, encoded.target)
    assert differ
    assert all(key.startswith(base) for key in differ)
    with open_pyramid(through.target) as one, open_pyramid(encoded.target) as other:
        assert compare(one, other).strength is Equality.LAYOUT


def test_verify_finds_nothing_wrong_with_it(slide, tmp_path, registry, capsys):
    passed(slide, tmp_path / "o", registry)
    assert run_command(["verify", str(tmp_path / "o.dzi"), "--against", str(slide)]) == 0
    assert "nothing is wrong" in capsys.readouterr().out


def test_missing_tiles_are_encoded_as_background(tmp_path, registry):
    path = tmp_path / "holes.tif"
    whole = photo(4 * SIDE, 3 * SIDE)

    def encoded() -> Iterator[bytes]:
        for row in range(3):
            for col in range(4):
                part = whole[row * SIDE : (row + 1) * SIDE, col * SIDE : (col + 1) * SIDE]
                buffer = io.BytesIO()
                Image.fromarray(part).save(buffer, "jpeg", quality=80)
                yield b"" if (col, row) == (1, 1) else buffer.getvalue()

    tifffile.imwrite(
        path, encoded(), shape=whole.shape, dtype=np.uint8, tile=(SIDE, SIDE), photometric="ycbcr",
        subsampling=(2, 2), compression="jpeg", metadata=None,
    )  # fmt: skip
    report = passed(path, tmp_path / "o", registry, background="#0080ff")
    assert report.passed_through == 11
    hole = pixels(tiles(report.target)[f"{report.levels - 1}/1_1.jpeg"])
    assert np.abs(hole.astype(int) - (0, 0x80, 0xFF)).max() <= 2


def test_one_worker_and_many_pass_the_same_bytes(slide, tmp_path, registry):
    one, many = (passed(slide, tmp_path / f"w{workers}", registry, workers=workers) for workers in (1, 4))
    ours, theirs = tiles(one.target), tiles(many.target)
    assert {key: path.read_bytes() for key, path in ours.items()} == {
        key: path.read_bytes() for key, path in theirs.items()
    }


def test_a_damaged_tile_is_refused_though_it_need_not_be_decoded_to_be_passed(slide, tmp_path, registry):
    damage_tile(slide, 7)
    with pytest.raises(InputError, match=r"tile 1, 1 of the base cannot be read"):
        passed(slide, tmp_path / "o", registry)
    assert list(tmp_path.iterdir()) == [slide]


def test_a_region_on_the_slides_grid_has_the_tiles_that_lie_there(slide, tmp_path, registry):
    report = passed(slide, tmp_path / "o", registry, region=(2 * SIDE, SIDE, 700, 600))
    made = tiles(report.target)
    whole = [(col, row) for col in range(700 // SIDE) for row in range(600 // SIDE)]
    assert report.passed_through == len(whole)
    for col, row in whole:
        data = made[f"{report.levels - 1}/{col}_{row}.jpeg"].read_bytes()
        assert scan(data) == scan(stored(slide, col + 2, row + 1))


INSIDE = [Box(1, 0, 600, 500), Box(0, 1, 600, 500), Box(SIDE, SIDE - 1, 600, 500), Box(SIDE // 2, SIDE, 600, 500)]


@pytest.mark.parametrize("region", INSIDE, ids=str)
def test_a_region_that_begins_inside_a_tile_is_refused(region, slide, tmp_path, registry):
    with pytest.raises(OptionError, match=rf"begins inside a tile, at \({region.x}, {region.y}\)"):
        passed(slide, tmp_path / "o", registry, region=region)
    assert list(tmp_path.iterdir()) == [slide]


class Bounded:
    """The reader `tiff`, for slides of which only ``bounds`` were scanned."""

    def __init__(self, bounds: Box) -> None:
        self.bounds = bounds

    def open(self, path: Path, *, background: object = None) -> Source:
        source: Any = open_slide(path, reader="tiff")
        source.facts = replace(source.facts, bounds=self.bounds)
        return source

    @hookimpl
    def tileframe_readers(self) -> list[ReaderPlugin]:
        return [ReaderPlugin("bounded", "in tests", lambda: self, lambda path, head: Fit.NATIVE)]


@pytest.mark.parametrize(
    "bounds", [*INSIDE[:2], *(pytest.param(box, marks=pytest.mark.thorough) for box in INSIDE[2:])], ids=str
)
def test_bounds_that_begin_inside_a_tile_are_refused(bounds, slide, tmp_path):
    registry = registry_module.load([Bounded(bounds)])
    with pytest.raises(OptionError, match=rf"begins inside a tile, at \({bounds.x}, {bounds.y}\); give --no-limit"):
        passed(slide, tmp_path / "o", registry, reader="bounded")
    assert passed(slide, tmp_path / "o", registry, reader="bounded", limit_bounds=False).passed_through


def test_bounds_on_the_slides_grid_are_passed_through(slide, tmp_path):
    registry = registry_module.load([Bounded(Box(SIDE, 2 * SIDE, 600, 500))])
    report = passed(slide, tmp_path / "o", registry, reader="bounded")
    assert report.passed_through == 2
    data = tiles(report.target)[f"{report.levels - 1}/1_0.jpeg"].read_bytes()
    assert scan(data) == scan(stored(slide, 2, 2))


def not_square(folder: Path) -> Path:
    tifffile.imwrite(
        folder / "wide.tif", photo(700, 600), tile=(128, 256), photometric="ycbcr", compression="jpeg", metadata=None
    )
    return folder / "wide.tif"


def slide_in(folder: Path) -> Path:
    return svs(folder / "a.svs", photo(900, 700))


def lossless_in(folder: Path) -> Path:
    return svs(folder / "a.svs", photo(900, 700), lossless=True)


def picture_in(folder: Path) -> Path:
    return jpeg(folder / "a.jpg", photo(900, 700))


NOT_STORED = "does not give the slide's tiles"
REFUSED = {
    "not on the slide's grid": (slide_in, ["--tile-size", "254"], "--tile-size native, not 254"),
    "overlap": (slide_in, ["--overlap", "1"], "--overlap 0, not 1"),
    "no JPEG": (lossless_in, [], "no JPEGs, but of TIFF compression 1"),
    "PNG": (slide_in, ["--format", "png"], "png, not jpeg"),
    "another backend": (slide_in, ["--backend", "vips"], "encodes every tile anew"),
    "another reader": (slide_in, ["--reader", "openslide"], NOT_STORED),
    "a picture": (picture_in, [], NOT_STORED),
    "not square": (not_square, [], "which is not square"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_where_it_cannot_be_done_the_run_says_why_and_stops(case, tmp_path, capsys):
    make, options, why = REFUSED[case]
    path = make(tmp_path)
    assert run_command(["run", str(path), "--passthrough", "-o", str(tmp_path / "o"), *options]) == 2
    said = capsys.readouterr().err
    assert why in said
    assert len(said.splitlines()) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("case", REFUSED)
def test_with_auto_the_run_says_why_and_encodes(case, tmp_path, capsys):
    make, options, why = REFUSED[case]
    path = make(tmp_path)
    assert run_command(["run", str(path), "--passthrough=auto", "-o", str(tmp_path / "o"), *options]) == 0
    said = capsys.readouterr().err
    assert "the slide's tiles are not passed through: " in said
    assert why in said
    asked = dict(zip(options[::2], options[1::2], strict=True))
    made = descriptor(tmp_path / "o.dzi")
    assert (made["TileSize"], made["Overlap"]) == (asked.get("--tile-size", "254"), asked.get("--overlap", "1"))


def test_the_option_takes_no_value_from_what_follows(slide, tmp_path):
    assert run_command(["run", "--passthrough", str(slide), "-o", str(tmp_path / "o"), "--quiet"]) == 0


def test_the_native_tile_size_goes_without_pass_through(slide, tmp_path, registry):
    report = run(slide, tmp_path / "o", tile_size="native", backend="vips", registry=registry)
    assert descriptor(report.target)["TileSize"] == "256"
    assert descriptor(report.target)["Overlap"] == "1"


def test_the_overlap_is_judged_by_the_native_tile_size(tmp_path, registry):
    path = tmp_path / "large.tif"
    tifffile.imwrite(path, photo(1100, 600), tile=(512, 512), photometric="rgb", metadata=None)
    report = run(path, tmp_path / "o", tile_size="native", overlap=300, registry=registry)
    assert descriptor(report.target)["Overlap"] == "300"
    with pytest.raises(OptionError, match="overlap must be from 0 to 511, not 512"):
        run(path, tmp_path / "p", tile_size="native", overlap=512, registry=registry)


def test_other_words_than_these_are_refused(slide, tmp_path, registry):
    with pytest.raises(OptionError, match="passthrough is True, False or 'auto', not 'yes'"):
        run(slide, tmp_path / "o", passthrough="yes", registry=registry)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="must be a number of pixels or 'native', not 'own'"):
        run(slide, tmp_path / "o", tile_size="own", registry=registry)  # type: ignore[arg-type]


def test_a_picture_has_no_native_tile_size(tmp_path, registry):
    picture = jpeg(tmp_path / "a.jpg", photo(300, 200))
    with pytest.raises(OptionError, match=r"a\.jpg: is not stored in tiles; give --tile-size a number"):
        run(picture, tmp_path / "o", tile_size="native", registry=registry)


def test_a_real_slide_with_rgb_tiles_is_shown_right_everywhere(tmp_path, registry, shared_data):
    slide = shared_data / "slides" / "CMU-1-Small-Region.svs"
    report = passed(slide, tmp_path / "o", registry)
    level = report.levels - 1
    side = int(descriptor(report.target)["TileSize"])
    base = read_by_openslide(slide, 0, 0, max(report.size.width, report.size.height))
    base = base[: report.size.height, : report.size.width]
    for key, tile in tiles(report.target).items():
        if not key.startswith(f"{level}/"):
            continue
        col, row = (int(number) for number in Path(key).stem.split("_"))
        if (col + 1) * side <= report.size.width and (row + 1) * side <= report.size.height:
            there = base[row * side : (row + 1) * side, col * side : (col + 1) * side]
            assert np.array_equal(pixels(tile), there), key
    region = (0, 0, 960, 720)
    png = run(slide, tmp_path / "png", format="png", tile_size="native", overlap=0, region=region, registry=registry)
    assert np.array_equal(assembled(png.target, png.levels - 2), halve(base[:720, :960]))


def test_the_generation_loss_is_the_documented_one(registry, shared_data):
    slide = shared_data / "slides" / "CMU-1-Small-Region.svs"
    page = (Path(__file__).parents[1] / "docs" / "passthrough.md").read_text(encoding="utf-8")
    with open_slide(slide, registry=registry) as source:
        psnr, encoded, _ = loss(source, registry.writer("jpeg").create())
    assert f"| {slide.name} | {psnr:.1f} dB, {encoded / 1e6:.2f} MB |" in page


def as_jpeg(columns: Sequence[tuple[int, int, int]], subsampling: str) -> bytes:
    """A JPEG of 16x16 whose columns have these colours, again and again; all steps of quantisation are 1."""
    picture = np.empty((16, 16, 3), np.uint8)
    for x in range(16):
        picture[:, x] = columns[x % len(columns)]
    return simplejpeg.encode_jpeg(picture, quality=100, colorsubsampling=subsampling)


def amplified(encoded: bytes, times: int) -> bytes:
    """The same with all coefficients so many times as large, by its tables of quantisation."""
    for table in (b"\0", b"\1"):
        assert table + b"\1" * 64 in encoded
        encoded = encoded.replace(table + b"\1" * 64, table + bytes([times]) * 64)
    return encoded


@pytest.mark.parametrize(
    ("tile", "least", "most"),
    [
        (as_jpeg([(90, 90, 90)], "444"), 0, 0),
        (as_jpeg([(90, 90, 90), (150, 150, 150)], "444"), 0, 0),
        (as_jpeg([(90, 91, 95), (93, 92, 90), (80, 91, 101)], "444"), 1, 2),
        (amplified(as_jpeg([(228, 228, 228), (108, 108, 108)], "444"), 3), 60, 255),
        (as_jpeg([(200, 60, 60), (200, 60, 60), (60, 60, 200), (60, 60, 200)], "420"), 10, 255),
    ],
    ids=["one colour", "two greys", "rounded", "clipped", "chroma"],
)
def test_decoding_at_half_size_is_not_the_mean_of_the_contract(tile, least, most):
    mean, half = halve(decoded(tile, 16)).astype(int), decoded(tile, 8)
    assert least <= np.abs(mean - half).max() <= most
