"""`tileframe.tile`: single tiles of an open slide, for servers and pipelines."""

from __future__ import annotations

import numpy as np
import pytest

import tileframe
from tests.pictures import edge_sizes, gradient, photo, png, svs
from tests.streamed import Slide
from tileframe import Access, Box, OptionError, Pyramid, Size, TileAddress, cropped, open_pyramid, open_slide, run


@pytest.mark.parametrize("size", list(edge_sizes()), ids=str)
def test_every_tile_is_the_one_that_a_run_writes(tmp_path, registry, size):
    slide = png(tmp_path / "a.png", gradient(size.width, size.height))
    run(slide, tmp_path / "a", format="png", registry=registry)
    with open_slide(slide, reader="imageslide") as source, open_pyramid(tmp_path / "a") as pyramid:
        for level in pyramid.layout.levels:
            for address in pyramid.pyramid.tiles(level):
                assert np.array_equal(tileframe.tile(source, pyramid.pyramid, address), pyramid.decode(address))


@pytest.mark.parametrize(("tile_size", "overlap"), [(256, 0), (64, 2), (5, 4), (100, 7)])
def test_tiles_of_every_geometry_are_those_of_the_run(tmp_path, registry, tile_size, overlap):
    slide = png(tmp_path / "a.png", gradient(203, 150))
    run(slide, tmp_path / "a", format="png", tile_size=tile_size, overlap=overlap, registry=registry)
    with open_slide(slide, reader="imageslide") as source, open_pyramid(tmp_path / "a") as pyramid:
        for level in pyramid.layout.levels:
            for address in list(pyramid.pyramid.tiles(level))[::7]:
                assert np.array_equal(tileframe.tile(source, pyramid.pyramid, address), pyramid.decode(address))


@pytest.mark.parametrize("layout", ["zoomify", "google", "iiif3"])
def test_tiles_are_the_same_in_every_layout(tmp_path, registry, layout):
    slide = png(tmp_path / "a.png", gradient(600, 421))
    run(slide, tmp_path / "a", format="png", layout=layout, tile_size=128, registry=registry)
    with open_slide(slide, reader="imageslide") as source, open_pyramid(tmp_path / "a") as pyramid:
        for level in pyramid.layout.levels:
            for address in pyramid.pyramid.tiles(level):
                assert np.array_equal(tileframe.tile(source, pyramid.pyramid, address), pyramid.decode(address))


def test_tiles_of_a_part_are_those_of_a_run_of_the_part(tmp_path, registry):
    slide, region = svs(tmp_path / "a.svs", photo(700, 500)), Box(101, 57, 399, 333)
    run(slide, tmp_path / "a", format="png", region=region, registry=registry)
    with cropped(open_slide(slide), region) as source, open_pyramid(tmp_path / "a") as pyramid:
        for address in pyramid.pyramid.tiles(pyramid.pyramid.base_level - 1):
            assert np.array_equal(tileframe.tile(source, pyramid.pyramid, address), pyramid.decode(address))


def test_a_tile_belongs_to_the_caller(tmp_path):
    slide = png(tmp_path / "a.png", gradient(40, 30))
    with open_slide(slide, reader="imageslide") as source:
        pyramid, address = Pyramid(source.facts.size), TileAddress(6, 0, 0)
        tileframe.tile(source, pyramid, address)[:] = 0
        assert np.array_equal(tileframe.tile(source, pyramid, address), gradient(40, 30))


def test_rows_give_no_single_tiles(tmp_path):
    slide = Slide(tmp_path, gradient(40, 30), Access.ROWS)
    with pytest.raises(OptionError, match="region access"):
        tileframe.tile(slide.open(slide.path), Pyramid(Size(40, 30)), TileAddress(0, 0, 0))


def test_a_pyramid_of_another_size_is_refused(tmp_path):
    slide = Slide(tmp_path, gradient(40, 30), Access.REGIONS)
    with pytest.raises(OptionError, match="the pyramid's base is 40x31, and the source 40x30"):
        tileframe.tile(slide.open(slide.path), Pyramid(Size(40, 31)), TileAddress(0, 0, 0))


@pytest.mark.parametrize("address", [(-1, 0, 0), (7, 0, 0), (0, 1, 0), (0, 0, 1), (6, -1, 0), (6, 0, -1)])
def test_a_tile_that_the_pyramid_does_not_have_is_refused(tmp_path, address):
    slide = Slide(tmp_path, gradient(40, 30), Access.REGIONS)
    with pytest.raises(OptionError, match="the pyramid has no tile"):
        tileframe.tile(slide.open(slide.path), Pyramid(Size(40, 30)), TileAddress(*address))
