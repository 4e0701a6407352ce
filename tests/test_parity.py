"""Every backend makes the same pyramid."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.pictures import edge_sizes, gradient, jpeg, photo, png, svs
from tests.pyramids import assembled, descriptor, differing, pixels, sizes, tiles
from tileframe import Equality, NativeLevel, Pyramid, Report, Size, run
from tileframe.pixels import halve
from tileframe.registry import Registry
from tileframe_openslide.levels import nearest

LAYOUTS = [(254, 1), (256, 0), (64, 2), (63, 2), (255, 3), (5, 4)]
SMALLEST, ENOUGH = 5, 10_000  # tiles of 5 pixels are many, so for pictures of up to this many pixels only
BACKENDS = ("vips", "stream", "openslide")


def all_of_them(slide: Path, folder: Path, registry: Registry, **options: object) -> tuple[Report, Report, Report]:
    """Make the pyramid with libvips, with the fast backend, and with the Deep Zoom one."""
    vips, stream, openslide = (
        run(slide, folder / backend, backend=backend, registry=registry, **options)  # type: ignore[arg-type]
        for backend in BACKENDS
    )
    return vips, stream, openslide


def assert_the_same(reports: Sequence[Report]) -> None:
    first, *rest = reports
    for other in rest:
        assert differing(first.target, other.target) == [], f"{first.backend} and {other.backend}"


def several_tiles(case: tuple[Size, int, int]) -> tuple[bool, int]:
    """Before all others the smallest picture of several tiles."""
    size, tile_size, _ = case
    return max(size.width, size.height) <= tile_size, size.area


SIZES = [*edge_sizes(), Size(64, 63), Size(130, 97)]
# Every size with the layout whose edges it is at, and with another one, in turn; small ones also with tiny tiles.
OTHERS = [
    (size, *layout)
    for number, size in enumerate(SIZES)
    for layout in (LAYOUTS[1 + number % 4], *LAYOUTS[5:])
    if layout[0] > SMALLEST or size.area < ENOUGH
]
# Of the other layouts the smallest picture of several tiles, or of one: their number is no matter.
QUICK = [min((case for case in OTHERS if case[1:] == layout), key=several_tiles) for layout in LAYOUTS[1:]]
CASES = [
    *((size, *LAYOUTS[0]) for size in SIZES),
    *(pytest.param(*case, marks=[] if case in QUICK else [pytest.mark.thorough]) for case in OTHERS),
]


@pytest.mark.parametrize(("size", "tile_size", "overlap"), CASES, ids=str)
def test_backends_agree_in_every_pixel_of_a_picture(size, tile_size, overlap, tmp_path, registry):
    slide = png(tmp_path / "picture.png", gradient(size.width, size.height))
    made = all_of_them(slide, tmp_path, registry, format="png", tile_size=tile_size, overlap=overlap)
    assert {report.promises for report in made} == {Equality.PIXELS}
    assert_the_same(made)
    assert sizes(made[0].target) == expected_sizes(Pyramid(size, tile_size, overlap))


def expected_sizes(pyramid: Pyramid) -> dict[str, tuple[int, int]]:
    found = {}
    for level in range(pyramid.level_count):
        for tile in pyramid.tiles(level):
            box = pyramid.tile_box(tile)
            found[f"{level}/{tile.col}_{tile.row}.png"] = (box.width, box.height)
    return found


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    width=st.integers(1, 500), height=st.integers(1, 500), tile_size=st.integers(40, 300), overlap=st.integers(0, 20)
)
def test_backends_agree_on_drawn_sizes(width, height, tile_size, overlap, tmp_path, registry):
    slide = png(tmp_path / "drawn.png", gradient(width, height))
    options = {"format": "png", "tile_size": tile_size, "overlap": overlap, "overwrite": True}
    assert_the_same(all_of_them(slide, tmp_path, registry, **options))


# Up to 89 and from 90 on, chroma is halved or not.
@pytest.mark.parametrize(
    "quality", [1, 89, 90, *(pytest.param(quality, marks=pytest.mark.thorough) for quality in (50, 100))]
)
def test_jpeg_tiles_decode_to_the_same_pixels(quality, tmp_path, registry):
    slide = png(tmp_path / "picture.png", photo(600, 421))
    assert_the_same(all_of_them(slide, tmp_path, registry, quality=quality))


@pytest.mark.parametrize("reader", ["vips", "imageslide"])
def test_libvips_gives_the_same_pixels_whether_it_reads_the_file_or_is_fed(reader, tmp_path, registry):
    slide = jpeg(tmp_path / "picture.jpg", photo(1021, 769))
    own = run(slide, tmp_path / "own", registry=registry, backend="vips")
    other = run(slide, tmp_path / "other", registry=registry, backend="vips", reader=reader)
    assert own.method == "libvips reads the file itself"
    assert ("fed" in other.method) == (reader == "imageslide")
    assert differing(own.target, other.target) == []


@pytest.mark.parametrize(("tile_size", "overlap"), [(254, 1), (512, 0)])
def test_backends_agree_on_the_base_of_a_slide_with_stored_levels(tile_size, overlap, tmp_path, registry):
    slide = svs(tmp_path / "slide.svs", photo(1100, 700), levels=(1, 4))
    vips, stream, openslide = all_of_them(slide, tmp_path, registry, format="png", tile_size=tile_size, overlap=overlap)
    assert (stream.promises, openslide.promises) == (Equality.PIXELS, Equality.BASE)
    assert differing(vips.target, stream.target) == []
    assert differing(vips.target, openslide.target, base_only=True) == []


def test_every_level_is_the_halved_base(tmp_path, registry):
    slide = svs(tmp_path / "slide.svs", gradient(613, 411), levels=(1,), lossless=True)
    for report in all_of_them(slide, tmp_path, registry, format="png"):
        level, expected = report.levels - 1, gradient(613, 411)
        while level >= 0:
            assert np.array_equal(assembled(report.target, level), expected), f"{report.backend}, level {level}"
            level, expected = level - 1, halve(expected)


def test_stored_levels_keep_a_measured_distance_from_the_halved_base(tmp_path, registry):
    slide = svs(tmp_path / "slide.svs", photo(1000, 750), levels=(1, 2, 4), lossless=True)
    fast, slow = (
        run(slide, tmp_path / backend, backend=backend, registry=registry, format="png")
        for backend in ("vips", "openslide")
    )
    # Lossless stored levels halved by the contract's rule: below the base all that differs is rounding.
    for key, theirs in tiles(slow.target).items():
        ours = pixels(tiles(fast.target)[key]).astype(int)
        assert np.abs(ours - pixels(theirs)).max() <= 1, key


def test_a_stored_level_that_is_a_fraction_of_a_pixel_off_serves_a_request(tmp_path, registry):
    # 1501 / 376 = 3.992 and 1102 / 276 = 3.993: this level is the one for 4, and it is not resized.
    base = photo(1501, 1102)
    slide = svs(tmp_path / "slide.svs", base, levels=(1, 4), lossless=True)
    slow = run(slide, tmp_path / "slow", registry=registry, backend="openslide", format="png")
    # The reader `tiff` gives the level's own pixels, where OpenSlide would shift tiles by up to an eighth of a pixel.
    assert np.array_equal(assembled(slow.target, slow.levels - 3), halve(halve(base)))


def test_openslide_shifts_such_a_level_by_less_than_is_seen(tmp_path, registry):
    base = photo(1501, 1102)
    slide = svs(tmp_path / "slide.svs", base, levels=(1, 4), lossless=True)
    slow = run(slide, tmp_path / "slow", registry=registry, backend="openslide", reader="openslide", format="png")
    error = assembled(slow.target, slow.levels - 3).astype(int) - halve(halve(base))
    assert 10 * np.log10(255**2 / np.mean(error**2)) > 45


def test_the_nearest_level_may_be_a_pixel_off_and_no_more():
    base = Size(40000, 30000)
    for width, best in ((10000, 1), (9999, 1), (10001, 1), (9990, 0)):
        stored = NativeLevel(Size(width, round(width * 3 / 4)), base.width / width)
        assert nearest((NativeLevel(base, 1.0), stored), base, 4)[0] == best


def test_descriptors_are_the_same_text_and_say_what_was_asked(tmp_path, registry):
    slide = png(tmp_path / "picture.png", gradient(300, 200))
    made = all_of_them(slide, tmp_path, registry, format="jpg", tile_size=100, overlap=3)
    assert len({Path(report.target).read_bytes() for report in made}) == 1
    assert descriptor(made[0].target) == {
        "Format": "jpg", "Overlap": "3", "TileSize": "100", "Width": "300", "Height": "200",
    }  # fmt: skip


def test_one_worker_and_many_make_the_same_tiles(tmp_path, registry):
    slide = svs(tmp_path / "slide.svs", photo(1500, 1100))
    for backend in BACKENDS:
        one = run(slide, tmp_path / f"{backend}1", backend=backend, workers=1, registry=registry)
        many = run(slide, tmp_path / f"{backend}4", backend=backend, workers=4, registry=registry)
        ours, theirs = tiles(one.target), tiles(many.target)
        assert {key: path.read_bytes() for key, path in ours.items()} == {
            key: path.read_bytes() for key, path in theirs.items()
        }


def test_auto_takes_the_fastest_backend_that_can(tmp_path, registry):
    slide = svs(tmp_path / "b.svs", gradient(9, 9), levels=(1,))
    assert run(slide, tmp_path / "b", registry=registry).backend == "stream"


@pytest.mark.parametrize("quality", [60, 95])
def test_jpeg_tiles_have_the_same_bytes_whichever_backend_makes_them(quality, tmp_path, registry):
    slide, made = png(tmp_path / "a.png", photo(700, 500)), {}
    for backend in BACKENDS:
        run(slide, tmp_path / backend / "a", backend=backend, quality=quality, overlap=1, registry=registry)
        made[backend] = (tmp_path / backend / "a.sha256").read_text()
    assert len(set(made.values())) == 1


def test_the_layout_is_what_deep_zoom_viewers_expect(tmp_path, registry):
    report = run(png(tmp_path / "a.png", gradient(300, 200)), tmp_path / "a", registry=registry)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a.dzi", "a.png", "a.sha256", "a.tileframe.json", "a_files",
    ]  # fmt: skip
    assert set(tiles(report.target)) >= {"0/0_0.jpeg", "9/0_0.jpeg", "9/1_0.jpeg"}
    assert not [key for key in tiles(report.target) if not key.endswith(".jpeg")]
    assert report.tiles == len(tiles(report.target)) == Pyramid(Size(300, 200)).tile_count
