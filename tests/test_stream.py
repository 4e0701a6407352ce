"""The backend `stream`: both of its schedules make the contract's pyramid, whatever the size and the workers."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.pictures import photo, png, svs
from tests.pyramids import Dzi, differing, tiles
from tests.streamed import Slide, encoded
from tileframe import Access, Box, Equality, Pyramid, Size, compare, open_pyramid, run
from tileframe import pixels as contract
from tileframe.against import check_against
from tileframe.testing.cases import gradient, levels
from tileframe_stream import blocks, halving

BOTH = [Access.ROWS, Access.REGIONS]
SIDE, REAL_SIDE = 512, blocks.SIDE
"""Of blocks: a quarter of what it is, so that pictures of few pixels have many."""
LARGE = Size(1130, 1300)  # several blocks, and several strips, in both directions
REAL = Size(2700, 2300)  # and so with blocks of the real size
GRIDS = [
    (REAL, 254, 1),
    *((LARGE, *layout) for layout in ((63, 1), (64, 3), (256, 0), (75, 20))),
    *((Size(*size), 128, 2) for size in ((512, 512), (513, 511), (1025, 257))),
    *((Size(*size), *layout) for size in ((1, 1), (1, 5000), (5000, 1)) for layout in ((254, 1), (63, 2))),
    *((Size(*size), 5, 4) for size in ((1, 700), (700, 1), (101, 67))),
    (Size(526, 576), 32, 2),
]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(blocks, "SIDE", SIDE)


def expected(base: contract.Pixels, tile_size: int, overlap: int) -> dict[str, bytes]:
    pyramid = Pyramid(Size(base.shape[1], base.shape[0]), tile_size, overlap)
    planes, wanted = levels(base), {}
    for level in range(pyramid.level_count):
        for tile in pyramid.tiles(level):
            box = pyramid.tile_box(tile)
            wanted[f"{level}/{tile.col}_{tile.row}.raw"] = encoded(planes[level][box.y : box.bottom, box.x : box.right])
    return wanted


def made(target: Dzi) -> dict[str, bytes]:
    return {key: path.read_bytes() for key, path in tiles(target).items()}


def assert_made(target: Dzi, wanted: dict[str, bytes]) -> None:
    found = made(target)
    assert found.keys() == wanted.keys()
    assert sorted(key for key, data in wanted.items() if found[key] != data) == []


EACH_OF_BOTH = [[(Access.ROWS, 1), (Access.REGIONS, 4)], [(Access.ROWS, 4), (Access.REGIONS, 1)]]


# Each grid by both schedules, one with one worker and the other with many, in turn; and both with both.
@pytest.mark.parametrize(
    ("size", "tile_size", "overlap", "made_by"),
    [
        pytest.param(*grid, made_by, marks=[] if turn == number % 2 else [pytest.mark.thorough])
        for number, grid in enumerate(GRIDS)
        for turn, made_by in enumerate(EACH_OF_BOTH)
    ],
    ids=str,
)
def test_both_schedules_make_the_contracts_pyramid_with_one_worker_and_with_many(
    size, tile_size, overlap, made_by, tmp_path, monkeypatch
):
    if size == REAL:
        monkeypatch.setattr(blocks, "SIDE", REAL_SIDE)
    pixels = gradient(size)
    wanted = expected(pixels, tile_size, overlap)
    for access, workers in made_by:
        slide = Slide(tmp_path, pixels, access)
        report = slide.run("out", tile_size=tile_size, overlap=overlap, workers=workers, overwrite=True)
        assert (report.backend, report.promises) == ("stream", Equality.PIXELS)
        assert_made(report.target, wanted)


def test_the_two_schedules_are_two(tmp_path):
    methods = {access: Slide(tmp_path, gradient(Size(30, 20)), access).run(access.name).method for access in BOTH}
    assert methods[Access.ROWS] == "in one pass from the top down"
    assert methods[Access.REGIONS].startswith("in one pass, by squares of ")


@pytest.mark.parametrize("workers", [4, pytest.param(1, marks=pytest.mark.thorough)])
@pytest.mark.parametrize("bounds", [Box(33, 18, 1051, 1255), Box(500, 250, 126, 303), Box(1100, 1250, 500, 500)])
@pytest.mark.parametrize("access", BOTH)
def test_a_region_is_a_picture_of_its_own(access, bounds, workers, tmp_path):
    slide = Slide(tmp_path, gradient(LARGE), access, bounds=bounds)
    wanted = expected(slide.pixels[bounds.y : bounds.bottom, bounds.x : bounds.right], 63, 1)
    assert_made(slide.run("out", workers=workers, tile_size=63).target, wanted)


@pytest.mark.parametrize("access", BOTH)
def test_a_region_is_the_same_to_libvips_and_to_the_check_against_the_slide(access, tmp_path):
    slide = Slide(tmp_path, gradient(Size(700, 900)), access, bounds=Box(33, 400, 500, 450))
    targets = [slide.run(backend, backend=backend, format="png").target for backend in ("stream", "vips")]
    one, other = (open_pyramid(target, registry=slide.registry) for target in targets)
    assert compare(one, other).strength is Equality.PIXELS
    assert not list(check_against(one, slide.path, slide.registry, lambda tiles, pixels: None))


@pytest.mark.parametrize("access", BOTH)
def test_every_pixel_is_read_once(access, tmp_path):
    slide = Slide(tmp_path, gradient(LARGE), access)
    slide.run("out", tile_size=256, overlap=0)
    assert sum(box.size.area for box in slide.boxes) == LARGE.area


def test_little_more_is_read_for_the_overlap(tmp_path, monkeypatch):
    monkeypatch.setattr(blocks, "SIDE", REAL_SIDE)
    slide = Slide(tmp_path, gradient(REAL), Access.REGIONS)
    slide.run("out", tile_size=254, overlap=1)
    assert REAL.area < sum(box.size.area for box in slide.boxes) < 1.02 * REAL.area


@pytest.fixture
def judged_anew():
    """OpenCV is judged when it is first used, and again after the test."""
    halving.opencv_keeps_the_contract.cache_clear()
    yield
    halving.opencv_keeps_the_contract.cache_clear()


def test_opencv_is_found_to_keep_the_contract_here(judged_anew):
    assert halving.opencv_keeps_the_contract()


@pytest.mark.parametrize("access", BOTH)
def test_without_opencvs_mean_the_pyramid_is_the_same(access, judged_anew, monkeypatch, tmp_path):
    right = cv2.resize
    monkeypatch.setattr(cv2, "resize", lambda *arguments, **options: 255 - right(*arguments, **options))
    assert not halving.opencv_keeps_the_contract()
    slide = Slide(tmp_path, gradient(Size(1251, 653)), access)
    assert_made(slide.run("out", tile_size=255, overlap=3, workers=2).target, expected(slide.pixels, 255, 3))


@pytest.mark.parametrize("library", ["OpenCV", "Pillow"])
@pytest.mark.parametrize(
    "size", [(1, 1), (1, 2), (2, 1), (2, 2), (3, 5), (64, 63), (257, 130), (1, 99), (99, 1)], ids=str
)
def test_the_fast_half_is_the_contracts(size, library, monkeypatch):
    monkeypatch.setattr(halving, "opencv_keeps_the_contract", lambda: library == "OpenCV")
    pixels = np.random.default_rng(5).integers(0, 256, (*size, 3), np.uint8)
    wanted = contract.halve(pixels)
    height, width = wanted.shape[:2]
    around = np.full((height + 4, width + 6, 3), 7, np.uint8)
    halving.halve(pixels, around[2:-2, 3:-3])  # into a part of an array, and nothing else of it
    assert np.array_equal(around[2:-2, 3:-3], wanted)
    around[2:-2, 3:-3] = 7
    assert (around == 7).all()


def test_the_threads_of_opencv_are_left_as_they_were(tmp_path, registry):
    before = cv2.getNumThreads()
    run(png(tmp_path / "a.png", gradient(Size(600, 600))), tmp_path / "o", backend="stream", registry=registry)
    assert cv2.getNumThreads() == before


@pytest.mark.parametrize("options", [{"quality": 95}, {"format": "png"}], ids=str)
def test_what_libvips_and_we_make_of_a_slide_is_the_same(options, tmp_path, registry):
    slide = svs(tmp_path / "a.svs", photo(1450, 1150))
    ours = run(slide, tmp_path / "ours", backend="stream", workers=4, registry=registry, **options)
    theirs = run(slide, tmp_path / "theirs", backend="vips", registry=registry, **options)
    assert differing(ours.target, theirs.target) == []
