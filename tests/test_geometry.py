"""The pyramid's geometry: published figures, its laws, and the real Deep Zoom generator beside it."""

from __future__ import annotations

import itertools

import openslide
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openslide.deepzoom import DeepZoomGenerator

import tileframe
import tileframe_layouts
import tileframe_stores
import tileframe_writers
from tests import pictures, pyramids
from tests.plugins.objects import Offers, backend, reader
from tests.plugins.slides import NoPixels, Slide
from tileframe import Box, OptionError, Pyramid, Size, Spec, TileAddress
from tileframe import registry as registry_module
from tileframe.planning import prepare

sides = st.integers(1, 300) | st.integers(1, 200_000)


@st.composite
def drawn_pyramids(draw, *, sides=sides, overlap: int | None = None) -> Pyramid:
    tile_size = draw(st.sampled_from([1, 5, 254, 256, 8192]) | st.integers(1, 1100))
    most = tile_size - 1
    overlap = draw(st.integers(0, min(4, most)) | st.integers(0, most)) if overlap is None else overlap
    return Pyramid(Size(draw(sides), draw(sides)), tile_size, overlap)


@st.composite
def drawn_tiles(draw) -> tuple[Pyramid, TileAddress]:
    pyramid = draw(drawn_pyramids())
    level = draw(st.integers(0, pyramid.base_level))
    grid = pyramid.grid(level)
    return pyramid, TileAddress(level, draw(st.integers(0, grid.width - 1)), draw(st.integers(0, grid.height - 1)))


@pytest.mark.parametrize(
    ("base", "tile_size", "levels", "tiles"),
    [
        (Size(30000, 21952), 256, 16, 13_583),
        (Size(30000, 21952), 512, 16, 3_436),
        (Size(30000, 21952), 1024, 16, 900),
        (Size(16403, 11698), 256, 16, 4_039),
        (Size(32671, 47076), 256, 17, 31_417),
    ],
    ids=str,
)
def test_levels_and_tiles_are_as_many_as_published(base, tile_size, levels, tiles):
    pyramid = Pyramid(base, tile_size, 0)
    assert (pyramid.level_count, pyramid.tile_count) == (levels, tiles)


@given(drawn_pyramids())
def test_level_sizes_are_halved_rounding_up_until_one_pixel_is_left(pyramid):
    halved = [pyramid.base]
    while halved[-1] != Size(1, 1):
        halved.append(Size(-(-halved[-1].width // 2), -(-halved[-1].height // 2)))
    assert [pyramid.level_size(level) for level in range(pyramid.level_count)] == halved[::-1]
    assert [pyramid.downsample(level) for level in (pyramid.base_level, 0)] == [1, 2**pyramid.base_level]


@given(drawn_pyramids(sides=st.integers(1, 700), overlap=0))
def test_cells_without_overlap_partition_every_level(pyramid):
    for level in range(pyramid.level_count):
        size, grid = pyramid.level_size(level), pyramid.grid(level)
        across = [pyramid.tile_box(TileAddress(level, col, 0)) for col in range(grid.width)]
        down = [pyramid.tile_box(TileAddress(level, 0, row)) for row in range(grid.height)]
        # Each column begins where the one before it ends, and each row; so no pixel is in two cells, or in none.
        assert [0, *(box.right for box in across)] == [*(box.x for box in across), size.width]
        assert [0, *(box.bottom for box in down)] == [*(box.y for box in down), size.height]
        assert sum(box.width for box in across) * sum(box.height for box in down) == size.area


@given(drawn_tiles())
def test_a_tile_lies_inside_its_level_and_is_never_empty(drawn):
    pyramid, tile = drawn
    box, size = pyramid.tile_box(tile), pyramid.level_size(tile.level)
    assert 0 <= box.x < box.right <= size.width
    assert 0 <= box.y < box.bottom <= size.height


@given(drawn_tiles())
def test_a_tile_has_its_columns_and_its_rows_whatever_the_other_is(drawn):
    pyramid, tile = drawn
    box = pyramid.tile_box(tile)
    column = pyramid.tile_box(TileAddress(tile.level, tile.col, 0))
    row = pyramid.tile_box(TileAddress(tile.level, 0, tile.row))
    assert (box.x, box.width, box.y, box.height) == (column.x, column.width, row.y, row.height)


@given(drawn_tiles())
def test_the_tiles_of_a_row_come_with_their_boxes(drawn):
    pyramid, tile = drawn
    width = pyramid.grid(tile.level).width
    for cols in (range(tile.col, min(tile.col + 50, width)), range(max(width - 50, 0), width)):
        tiles = [TileAddress(tile.level, col, tile.row) for col in cols]
        assert list(pyramid.row(tile.level, tile.row, cols)) == [(one, pyramid.tile_box(one)) for one in tiles]


@given(drawn_tiles())
def test_neighbours_share_the_overlap_on_both_sides_of_their_border(drawn):
    pyramid, tile = drawn
    size, grid = pyramid.level_size(tile.level), pyramid.grid(tile.level)
    box = pyramid.tile_box(tile)
    if tile.col + 1 < grid.width:
        border = (tile.col + 1) * pyramid.tile_size
        right = pyramid.tile_box(TileAddress(tile.level, tile.col + 1, tile.row))
        assert (right.x, box.right) == (border - pyramid.overlap, min(border + pyramid.overlap, size.width))
    if tile.row + 1 < grid.height:
        border = (tile.row + 1) * pyramid.tile_size
        below = pyramid.tile_box(TileAddress(tile.level, tile.col, tile.row + 1))
        assert (below.y, box.bottom) == (border - pyramid.overlap, min(border + pyramid.overlap, size.height))


@given(drawn_pyramids(sides=st.integers(1, 40)))
def test_tiles_come_row_by_row_and_are_all_there(pyramid):
    tiles = [tile for level in range(pyramid.level_count) for tile in pyramid.tiles(level)]
    assert len(tiles) == pyramid.tile_count
    assert tiles == sorted(set(tiles), key=lambda tile: (tile.level, tile.row, tile.col))


@settings(max_examples=200, deadline=None)
@given(drawn_pyramids(), st.data())
def test_the_deep_zoom_generator_has_the_same_layout(pyramid, data):
    generator = DeepZoomGenerator(NoPixels(pyramid.base), pyramid.tile_size, pyramid.overlap)
    levels = range(pyramid.level_count)
    assert generator.level_count == pyramid.level_count
    assert generator.level_dimensions == tuple(_pair(pyramid.level_size(level)) for level in levels)
    assert generator.level_tiles == tuple(_pair(pyramid.grid(level)) for level in levels)
    assert generator.tile_count == pyramid.tile_count
    level = data.draw(st.sampled_from(levels))
    grid, size, scale = pyramid.grid(level), pyramid.level_size(level), pyramid.downsample(level)
    for col, row in itertools.product({0, grid.width // 2, grid.width - 1}, {0, grid.height // 2, grid.height - 1}):
        box = pyramid.tile_box(TileAddress(level, col, row))
        width, height = generator.get_tile_dimensions(level, (col, row))
        # Where the last tile is narrower than the overlap, the generator's one before it ends beyond the level.
        assert box.size == Size(min(width, size.width - box.x), min(height, size.height - box.y))
        scaled = Box(box.x * scale, box.y * scale, box.width * scale, box.height * scale)
        base_box = scaled.clipped(Box(0, 0, *_pair(pyramid.base)))
        assert generator.get_tile_coordinates(level, (col, row)) == ((base_box.x, base_box.y), 0, _pair(base_box.size))


def _pair(size: Size) -> tuple[int, int]:
    return size.width, size.height


def test_a_tile_before_a_last_one_narrower_than_the_overlap_stays_inside_the_level():
    generator = DeepZoomGenerator(NoPixels(Size(9, 8)), 8, 3)
    assert generator.get_tile_dimensions(4, (0, 0)) == (11, 8)
    assert Pyramid(Size(9, 8), 8, 3).tile_box(TileAddress(4, 0, 0)) == Box(0, 0, 9, 8)


def test_a_tile_has_the_size_of_its_box_where_the_generators_is_rounded_again(tmp_path, registry):
    slide = pictures.png(tmp_path / "slide.png", pictures.gradient(3, 20))
    with openslide.ImageSlide(slide) as handle:
        generator = DeepZoomGenerator(handle, 8, 0)
        assert generator.get_tile_dimensions(4, (0, 0)) == (2, 8)
        assert generator.get_tile(4, (0, 0)).size == (1, 8)
    done = tileframe.run(slide, tmp_path / "out", backend="openslide", tile_size=8, overlap=0, registry=registry)
    assert pyramids.sizes(done.target)["4/0_0.jpeg"] == (2, 8)


def test_bounds_are_whole_numbers_where_the_generators_are_a_pixel_too_large(tmp_path):
    size, bounds = Size(100, 100), Box(10, 20, 28, 55)
    generator = DeepZoomGenerator(NoPixels(size, bounds), limit_bounds=True)
    assert generator.level_dimensions[-1] == (29, 56)
    slide = tmp_path / "made.slide"
    slide.write_bytes(b"a slide")
    offers = Offers(readers=[reader("made", Slide(size, bounds=bounds))], backends=[backend("made")])
    plugins = [offers, tileframe_layouts, tileframe_stores, tileframe_writers]
    registry = registry_module.load(plugins, installed=False)
    plan = prepare(Spec(slide, registry.location(str(tmp_path / "out.dzi"))), registry).plan
    assert (plan.region, plan.pyramid.base) == (bounds, Size(28, 55))


@pytest.mark.parametrize(
    ("base", "tile_size", "overlap", "said"),
    [
        (Size(0, 5), 254, 1, "0x5"),
        (Size(5, 0), 254, 1, "5x0"),
        (Size(-3, 5), 254, 1, "-3x5"),
        (Size(5, 5), 0, 0, "from 1 to 8192, not 0"),
        (Size(5, 5), 8193, 1, "from 1 to 8192, not 8193"),
        (Size(5, 5), 256, 256, "from 0 to 255, not 256"),
        (Size(5, 5), 1, 1, "from 0 to 0, not 1"),
        (Size(5, 5), 256, -1, "from 0 to 255, not -1"),
    ],
)
def test_what_makes_no_pyramid_is_refused_with_its_value(base, tile_size, overlap, said):
    with pytest.raises(OptionError, match=said):
        Pyramid(base, tile_size, overlap)


def test_a_sample_is_of_different_tiles_in_reading_order_and_the_same_for_the_same_seed():
    pyramid = Pyramid(Size(10_000_000, 9_000_000), 16, 0)  # more tiles than any memory holds
    level = pyramid.base_level
    chosen = pyramid.sample(level, 50, seed=3)
    assert len(set(chosen)) == 50
    assert all(pyramid.has(tile) and tile.level == level for tile in chosen)
    assert chosen == sorted(chosen, key=lambda tile: (tile.row, tile.col))
    assert chosen == pyramid.sample(level, 50, seed=3) != pyramid.sample(level, 50, seed=4)


def test_a_sample_of_more_tiles_than_there_are_is_all_of_them():
    pyramid = Pyramid(Size(70, 50), 16, 0)
    assert pyramid.sample(pyramid.base_level, 99, seed=0) == list(pyramid.tiles(pyramid.base_level))


def test_the_largest_tile_size_and_overlap_are_taken():
    assert Pyramid(Size(1, 1), 8192, 8191).tile_count == 1
