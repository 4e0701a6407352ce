"""`tileframe serve`: the tiles that it sends are those that a run writes."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simplejpeg
from PIL import Image

import tileframe
from tests import profiles
from tests.asking import Asked, serving
from tests.pictures import gradient, jpeg, photo, png, svs
from tests.served import serving as far
from tests.sparse import picture, sparse_tiff
from tileframe import (
    Box,
    Equality,
    NativeLevel,
    Passthrough,
    Pixels,
    Pyramid,
    Size,
    Source,
    StoredPyramid,
    View,
    open_pyramid,
    open_slide,
    tiles_of,
)
from tileframe_serve import levels
from tileframe_serve.levels import Levels
from tileframe_writers.jpeg import JpegWriter

SIZE = 700, 500


@pytest.fixture(scope="module")
def slide(tmp_path_factory):
    return svs(tmp_path_factory.mktemp("slide") / "slide.svs", photo(*SIZE))


def run(slide: Path, target: Path, **asked: Any) -> StoredPyramid:
    tileframe.run(slide, target, **asked)
    return open_pyramid(target)


def key_of(pyramid: StoredPyramid, key: str, name: str) -> str:
    """The address of a key of a pyramid that was made, where the slide is served."""
    folder = pyramid.layout.folder
    return f"/slides/{name}/{pyramid.layout_name}/{folder.replace('made', name)}/{key.removeprefix(f'{folder}/')}"


def differing(ask: Asked, pyramid: StoredPyramid, levels: range) -> list[str]:
    """The tiles of ``levels`` whose bytes are not those of the run."""
    tiles = [tile for tile in tiles_of(pyramid.layout, pyramid.pyramid) if tile.level in levels]
    assert tiles
    keys = [pyramid.layout.key(tile) for tile in tiles]
    return [key for key in keys if ask(key_of(pyramid, key, ask.id())).body != pyramid.files.get(key)]


GEOMETRIES = [
    {}, {"format": "png"}, {"tile_size": 100, "overlap": 7}, {"tile_size": 64, "overlap": 0, "layout": "google"},
    {"passthrough": "auto", "layout": "zoomify"}, {"format_options": {"quality": 95}}, {"limit_bounds": False},
]  # fmt: skip
ALONE = [{"passthrough": "auto"}, {"format": "webp"}, {"layout": "zoomify"}, {"layout": "google"}]
"""What a run of those is given with something else, or is like another format."""


@pytest.mark.parametrize(
    "asked", [*GEOMETRIES, *(pytest.param(asked, marks=pytest.mark.thorough) for asked in ALONE)], ids=str
)
def test_a_base_tile_is_byte_for_byte_the_one_that_a_run_writes(tmp_path, slide, asked):
    options = {name: value for name, value in asked.items() if name not in ("layout", "passthrough")}
    through = Passthrough(asked.get("passthrough", "never"))
    made = run(slide, tmp_path / "made", passthrough=through is Passthrough.AUTO and "auto",
               layout=asked.get("layout", "dzi"), **options)  # fmt: skip
    with made, serving(slide, passthrough=through, **options) as ask:
        base = made.pyramid.base_level
        assert differing(ask, made, range(base, base + 1)) == []


def test_a_tile_that_the_writer_makes_of_another_size_is_an_error(slide, monkeypatch):
    encode = JpegWriter.encode
    monkeypatch.setattr(JpegWriter, "encode", lambda writer, pixels: encode(writer, pixels[1:]))
    with serving(slide, passthrough=Passthrough.NEVER, tile_size=256, overlap=0) as ask:
        reply = ask(f"/slides/{ask.id()}/dzi/{ask.id()}_files/10/0_0.jpeg")
    assert (reply.status, reply.json()["detail"].partition(": ")[2]) == (500, "the tile is 256x255, not 256x256")


def test_a_slides_own_tiles_are_sent_as_they_are(slide):
    with serving(slide) as ask:
        metadata = ask(f"/slides/{ask.id()}/metadata.json").json()
        assert (metadata["tile_size"], metadata["overlap"], metadata["promises"]) == (256, 0, "layout")
        tile = f"/slides/{ask.id()}/dzi/{ask.id()}_files/10/0_0.jpeg"
        assert ask(tile).body[-200:] in slide.read_bytes()


def test_all_levels_of_a_slide_without_levels_of_its_own_are_those_of_a_run(tmp_path):
    slide = svs(tmp_path / "a.svs", gradient(*SIZE), levels=(1,))
    with run(slide, tmp_path / "made") as made, serving(slide, passthrough=Passthrough.NEVER) as ask:
        assert differing(ask, made, made.layout.levels) == []
        assert ask(f"/slides/{ask.id()}/metadata.json").json()["promises"] == "pixels"


@pytest.mark.parametrize("write", [png, jpeg])
def test_a_picture_that_is_read_row_by_row_has_the_tiles_of_a_run(tmp_path, write):
    picture = write(tmp_path / "a.png", photo(300, 270))
    with run(picture, tmp_path / "made") as made, serving(picture) as ask:
        assert differing(ask, made, made.layout.levels) == []


def test_lower_tiles_come_from_the_slides_levels_and_the_promise_is_base(tmp_path):
    slide = svs(tmp_path / "a.svs", photo(1700, 1300), lossless=True)  # levels of a half do not exist, a quarter does
    with run(slide, tmp_path / "made", format="png") as made, serving(slide, format="png") as ask:
        assert ask(f"/slides/{ask.id()}/metadata.json").json()["promises"] == str(Equality.BASE)
        assert "the promise is 'base'" in ask(f"/slides/{ask.id()}/").body.decode()
        # The test's slide has means as its levels, without loss: so here they are even the same.
        assert differing(ask, made, range(8, made.pyramid.level_count)) == []


class Thirds(View):
    """A source that says that it stores a level of a third of its size."""

    def __init__(self, source: Source) -> None:
        stored = NativeLevel(Size(400, 300), 3.0)
        super().__init__(source, replace(source.facts, native_levels=(NativeLevel(Size(1200, 900), 1.0), stored)))

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        if native_level == 0:
            return self.source.read(box)
        big = self.source.read(Box(box.x * 3, box.y * 3, box.width * 3, box.height * 3)).astype(float)
        mean: Pixels = big.reshape(box.height, 3, box.width, 3, 3).mean(axis=(1, 3)).astype(np.uint8)
        return mean


def test_a_stored_level_of_a_third_gives_tiles_of_a_quarter_and_less(tmp_path):
    with open_slide(png(tmp_path / "a.png", photo(1200, 900)), reader="imageslide") as source:
        pyramid = Pyramid(source.facts.size, 100, 3)
        thirds = Levels(Thirds(source))
        assert not thirds.from_base
        for level in (pyramid.base_level - 2, pyramid.base_level - 4):
            for address in pyramid.tiles(level):
                near = thirds.region(level, pyramid.tile_box(address))
                exact = tileframe.tile(source, pyramid, address)
                assert near.shape == exact.shape
                assert np.abs(near.astype(int) - exact).mean() < 4


@pytest.mark.parametrize(
    ("layout", "container"),
    [
        ("dzi", ".szi"),
        ("zoomify", ".zip"),
        ("google", ""),
        ("iiif3", ""),
        *(pytest.param(*at, marks=pytest.mark.thorough) for at in [("dzi", ""), ("dzi", ".zip"), ("zoomify", "")]),
    ],
)
def test_a_finished_pyramid_is_served_as_it_is(tmp_path, slide, layout, container):
    target = tmp_path / f"made{container}"
    tileframe.run(slide, target, layout=layout, tile_size=256, overlap=0)
    with open_pyramid(target) as made, serving(tmp_path) as ask:
        name = ask.id()
        for key in [made.layout.key(tile) for tile in tiles_of(made.layout, made.pyramid)]:
            assert ask(f"/slides/{name}/{layout}/{key}").body == made.files.get(key)
        for key, text in made.layout.descriptor().items():
            assert ask(f"/slides/{name}/{layout}/{key}").body == text
        assert ask(f"/slides/{name}/thumbnail.jpg").status == 200
        assert ask(f"/slides/{name}/").status == 200


def test_a_slide_on_a_server_has_the_tiles_of_the_file(slide):
    with far({"/a.svs": slide.read_bytes()}) as away, serving(f"{away.url}/a.svs?signature=secret") as ask:
        with serving(slide) as other:
            for level, tile in ((10, "1_1"), (10, "2_1"), (8, "0_0")):
                near = other(f"/slides/{other.id()}/dzi/{other.id()}_files/{level}/{tile}.jpeg").body
                assert ask(f"/slides/{ask.id()}/dzi/{ask.id()}_files/{level}/{tile}.jpeg").body == near
        for path in ("/", "/index.json", f"/slides/{ask.id()}/", f"/slides/{ask.id()}/metadata.json"):
            reply = ask(path)
            assert (reply.status, b"secret" in reply.body) == (200, False)


def test_absent_tiles_of_a_finished_pyramid_are_background(tmp_path):
    pixels = np.full((300, 300, 3), 255, np.uint8)
    pixels[:100, :100] = 7
    tileframe.run(
        png(tmp_path / "a.png", pixels), tmp_path / "made", format="png", tile_size=100, overlap=0, skip_blank=0
    )
    with serving(tmp_path / "made.dzi") as ask:
        assert ask(f"/slides/{ask.id()}/dzi/made_files/9/2_2.png").status == 404
        assert '"absent":{"color":"#ffffff"' in ask(f"/slides/{ask.id()}/").body.decode()
        found = ask(f"/iiif/3/{ask.id()}/50,50,100,100/max/0/default.png").body
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(found))), pixels[50:150, 50:150])


def test_colours_are_converted_as_in_a_run(tmp_path):
    slide = svs(tmp_path / "a.svs", photo(*SIZE), icc=profiles.lut())
    for mode in tileframe.ColourMode:
        made = run(slide, tmp_path / f"{mode.value}" / "made", color=mode)
        with made, serving(slide, color=mode, passthrough=Passthrough.NEVER) as ask:
            base = made.pyramid.base_level
            assert differing(ask, made, range(base, base + 1)) == []


def test_a_large_picture_without_levels_gets_an_overview_of_the_contracts_pixels(tmp_path, monkeypatch):
    monkeypatch.setattr(levels, "MOST_PIXELS", 1 << 15)
    monkeypatch.setattr(levels, "OVERVIEW", 200)
    slide = svs(tmp_path / "a.svs", gradient(*SIZE), levels=(1,), lossless=True)
    with run(slide, tmp_path / "made", format="png") as made, serving(slide, format="png") as ask:
        assert differing(ask, made, made.layout.levels) == []
        (held,) = ask.app.served.opened._held.values()
        assert held.shown.held_bytes == 175 * 125 * 3


def test_an_overview_passes_over_what_a_sparse_slide_does_not_hold(tmp_path, monkeypatch):
    for name, value in (("MOST_PIXELS", 1 << 15), ("OVERVIEW", 400), ("SQUARE", 256)):
        monkeypatch.setattr(levels, name, value)
    slide = sparse_tiff(tmp_path / "a.tif", picture())
    with run(slide, tmp_path / "made", format="png") as made, serving(slide, format="png") as ask:
        assert differing(ask, made, made.layout.levels) == []
    read: list[Box] = []

    def noted(box: Box, *, native_level: int = 0) -> Pixels:
        read.append(box)
        return type(source).read(source, box, native_level=native_level)

    with open_slide(slide) as source:
        monkeypatch.setattr(source, "read", noted)
        Levels(source).region(0, Box(0, 0, 1, 1))
    assert 3 <= len(read) < 12  # of 30 squares


def test_thumbnails_are_made_in_the_background_and_kept(slide):
    with serving(slide) as ask:
        ask.run(ask.app.served.make_thumbnails())
        kept = ask.app.served.kept.bytes
        assert kept > 0
        picture = ask(f"/slides/{ask.id()}/thumbnail.jpg")
        assert simplejpeg.decode_jpeg_header(picture.body)[:2] == (183, 256)
        assert ask.app.served.kept.bytes == kept
        assert f'src="slides/{ask.id()}/thumbnail.jpg"' in ask("/").body.decode()
        assert "700×500" in ask("/").body.decode()
