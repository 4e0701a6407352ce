"""Sources over sources: a part of a slide, and a stranger's view, with every engine."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.pictures import gradient, jpeg, photo, png, svs
from tests.pyramids import assembled
from tests.streamed import Slide
from tileframe import (
    Access,
    BaseSource,
    Box,
    CompressedTiles,
    Equality,
    Fit,
    InputError,
    NativeLevel,
    OptionError,
    Plan,
    ReaderPlugin,
    Size,
    SlideFacts,
    Source,
    cropped,
    hookimpl,
    open_slide,
    run,
    verify,
)
from tileframe import registry as registry_module
from tileframe.pixels import Pixels, halve
from tileframe.registry import Registry

# Engines, and readers that they can do with: openslide's reads regions alone.
ABLE = [
    ("stream", "imageslide"),
    ("stream", "vips"),
    ("vips", "imageslide"),
    ("vips", "vips"),
    ("openslide", "imageslide"),
]
PARTS = [Box(0, 0, 300, 300), Box(1, 0, 399, 300), Box(7, 11, 64, 57), Box(399, 299, 1, 1), Box(0, 299, 400, 1)]


@contextlib.contextmanager
def part_of(tmp_path: Path, access: Access, region: Box) -> Iterator[Source]:
    slide = Slide(tmp_path, gradient(400, 300), access)
    with cropped(slide.open(slide.path), region) as part:
        yield part


@pytest.mark.parametrize("region", PARTS, ids=str)
def test_a_part_of_regions_has_the_slides_pixels(tmp_path, region):
    whole = gradient(400, 300)[region.y : region.bottom, region.x : region.right]
    with part_of(tmp_path, Access.REGIONS, region) as part:
        assert part.facts.size == region.size
        assert np.array_equal(part.read(Box(0, 0, region.width, region.height)), whole)
        last = Box(region.width - 1, region.height - 1, 1, 1)
        assert np.array_equal(part.read(last), whole[-1:, -1:])


@pytest.mark.parametrize("rows", [1, 7, 1000])
@pytest.mark.parametrize("region", PARTS, ids=str)
def test_a_part_of_rows_is_read_in_order_and_has_the_slides_pixels(tmp_path, region, rows):
    """The slide fails the test where its rows are not read in order, each once."""
    with part_of(tmp_path, Access.ROWS, region) as part:
        read = [part.read(Box(0, y, region.width, min(rows, region.height - y))) for y in range(0, region.height, rows)]
    assert np.array_equal(np.vstack(read), gradient(400, 300)[region.y : region.bottom, region.x : region.right])


def test_the_whole_is_no_view_of_itself(tmp_path):
    slide = Slide(tmp_path, gradient(40, 30), Access.REGIONS)
    source = slide.open(slide.path)
    assert cropped(source, Box(0, 0, 40, 30)) is source


@pytest.mark.parametrize("region", [Box(-1, 0, 5, 5), Box(0, 0, 41, 5), Box(38, 28, 2, 3), Box(5, 5, 0, 5)], ids=str)
def test_a_part_must_lie_inside_the_slide(tmp_path, region):
    slide = Slide(tmp_path, gradient(40, 30), Access.REGIONS)
    with pytest.raises(InputError, match=f"the region {region} leaves the slide, which is 40x30"):
        cropped(slide.open(slide.path), region)


def test_a_part_of_a_part_is_a_part(tmp_path):
    slide = Slide(tmp_path, gradient(400, 300), Access.REGIONS)
    inner = cropped(cropped(slide.open(slide.path), Box(10, 20, 300, 200)), Box(5, 6, 70, 80))
    assert np.array_equal(inner.read(Box(0, 0, 70, 80)), gradient(400, 300)[26:106, 15:85])


def test_a_part_of_a_part_of_rows_is_a_part(tmp_path):
    slide = Slide(tmp_path, gradient(400, 300), Access.ROWS)
    inner = cropped(cropped(slide.open(slide.path), Box(10, 20, 300, 200)), Box(5, 6, 70, 80))
    assert np.array_equal(inner.read(Box(0, 0, 70, 80)), gradient(400, 300)[26:106, 15:85])


def test_closing_a_view_closes_the_slide(tmp_path):
    slide = png(tmp_path / "a.png", gradient(40, 30))
    with cropped(open_slide(slide, reader="imageslide"), Box(1, 1, 5, 5)) as part:
        part.read(Box(0, 0, 1, 1))
    with pytest.raises(InputError, match="was closed"):
        part.read(Box(0, 0, 1, 1))


def test_a_view_keeps_the_slides_facts_and_pictures(tmp_path):
    with open_slide(svs(tmp_path / "a.svs", photo(700, 500))) as slide:
        part = cropped(slide, Box(3, 5, 100, 90))
        assert (part.facts.mpp, part.facts.format, part.facts.bounds) == (slide.facts.mpp, "aperio", None)
        for name in slide.facts.associated:
            assert np.array_equal(part.associated(name), slide.associated(name))
        with pytest.raises(InputError, match="no associated image named 'moon'"):
            part.associated("moon")


# Stored levels.


@pytest.mark.parametrize("region", [Box(0, 0, 699, 500), Box(101, 57, 499, 333), Box(698, 498, 3, 3)], ids=str)
def test_each_level_of_a_part_is_the_slides_there(tmp_path, region):
    with open_slide(svs(tmp_path / "a.svs", photo(801, 601), levels=(1, 2, 8)), reader="openslide") as slide:
        part = cropped(slide, region)
        for index, level in enumerate(part.facts.native_levels):
            across, down = slide.facts.native_levels[index].scales(slide.facts.size)
            left, top = region.x / across, region.y / down
            assert level.scales(part.facts.size) == (across, down)
            assert level.origin == (left - int(left), top - int(top))
            read = part.read(Box(0, 0, level.size.width, level.size.height), native_level=index)
            there = Box(int(left), int(top), level.size.width, level.size.height)
            assert np.array_equal(read, slide.read(there, native_level=index))
            # All of the region is in it, also what fills a pixel only in part.
            assert level.size.width >= region.width / across - 1e-9
            assert level.size.height >= region.height / down - 1e-9


def by_contract(base: Pixels, level: int, base_level: int) -> Pixels:
    for _ in range(base_level - level):
        base = halve(base)
    return base


WHOLE, ODD, ON_THE_GRID = (0, 0, 800, 600), (101, 57, 611, 403), (104, 56, 600, 401)


# The part that begins inside of a pixel of either slide, and the one on the grid of one.
@pytest.mark.parametrize(
    ("levels", "region"),
    [
        *(((1, 4), region) for region in (ODD, ON_THE_GRID)),
        ((1, 2, 8), ODD),
        *(pytest.param((1, 2, 8), region, marks=pytest.mark.thorough) for region in (WHOLE, ON_THE_GRID)),
        pytest.param((1, 4), WHOLE, marks=pytest.mark.thorough),
    ],
)
def test_the_engine_openslide_takes_a_parts_levels_from_the_slides(tmp_path, registry, region, levels):
    """The base is the same; the levels, which may begin inside of a slide's pixel, are near the contract's."""
    smooth = np.asarray(Image.fromarray(photo(12, 9)).resize((1000, 750), Image.Resampling.BICUBIC))
    slide = svs(tmp_path / "a.svs", smooth, levels=levels, lossless=True)
    done = run(
        slide, tmp_path / "a", backend="openslide", reader="openslide", region=region, format="png", registry=registry
    )
    assert f"nearest of {len(levels)} stored levels" in done.method
    assert done.promises is Equality.BASE
    x, y, width, height = region
    expected, base = smooth[y : y + height, x : x + width], done.levels - 1
    assert np.array_equal(assembled(Path(done.target), base), expected)
    for level in range(5, base):
        apart = assembled(Path(done.target), level).astype(int) - by_contract(expected, level, base)
        assert np.abs(apart).mean() < 3, level
    assert verify(done.target, against=slide, registry=registry) == []


# A stranger's view.


class Inverted(BaseSource):
    """Another source, its colours inverted."""

    def __init__(self, source: Source) -> None:
        super().__init__(source.facts)
        self._source = source

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        return 255 - self._source.read(box, native_level=native_level)

    def close(self) -> None:
        self._source.close()


class Stamped(Inverted):
    """The same, which gives compressed tiles too: always the same one."""

    tile = b""

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        return self._source.read(box, native_level=native_level)

    def refuses_compressed(self) -> str | None:
        return None

    def compressed_tile(self, col: int, row: int) -> bytes | None:
        assert isinstance(self._source, CompressedTiles)
        return self._source.compressed_tile(col, row)


class Views:
    """Readers that put a view over the best source that is installed."""

    def __init__(self, registry: Registry, *, over: str) -> None:
        self._over = registry.reader(over)

    def open(self, path: Path, *, background: Any = None) -> Inverted:
        return Inverted(self._over.create().open(path, background=background))

    def _stamped(self) -> Any:
        over = self._over

        class Reader:
            def open(self, path: Path, *, background: Any = None) -> Stamped:
                return Stamped(over.create().open(path, background=background))

        return Reader()

    @hookimpl
    def tileframe_readers(self) -> list[ReaderPlugin]:
        return [
            ReaderPlugin("inverted", "in tests", lambda: self, lambda path, head: Fit.NONE),
            ReaderPlugin("stamped", "in tests", self._stamped, lambda path, head: Fit.NONE),
        ]


def viewing(registry: Registry, over: str) -> Registry:
    return registry_module.load([Views(registry, over=over)])


# A part by each engine, over one reader.
@pytest.mark.parametrize(
    ("engine", "over", "region"),
    [
        pytest.param(*able, region, marks=[pytest.mark.thorough] if region and able[1] == "vips" else [])
        for able in ABLE
        for region in (None, (33, 44, 199, 155))
    ],
)
def test_a_strangers_view_works_with_every_engine(tmp_path, registry, engine, over, region):
    slide, views = png(tmp_path / "a.png", gradient(300, 280)), viewing(registry, over)
    done = run(slide, tmp_path / "a", backend=engine, reader="inverted", region=region, format="png", registry=views)
    expected = 255 - gradient(300, 280)
    if region is not None:
        x, y, width, height = region
        expected = expected[y : y + height, x : x + width]
    base = done.levels - 1
    for level in range(done.levels):
        assert np.array_equal(assembled(Path(done.target), level), by_contract(expected, level, base))
    assert verify(done.target, against=slide, registry=views) == []


@pytest.mark.parametrize(("region", "view"), [(None, True), ((0, 0, 300, 279), False), ((0, 0, 299, 280), True)])
def test_libvips_reads_no_file_itself_of_which_a_view_is_tiled(tmp_path, registry, region, view):
    slide = jpeg(tmp_path / "a.jpg", gradient(300, 280))
    views = viewing(registry, "vips")
    done = run(
        slide, tmp_path / "a", backend="vips", reader="inverted" if view else "vips", region=region, registry=views
    )
    assert done.method.startswith("libvips is fed rows, because ")


def test_libvips_reads_the_whole_file_itself(tmp_path, registry):
    slide = jpeg(tmp_path / "a.jpg", gradient(300, 280))
    done = run(slide, tmp_path / "a", backend="vips", reader="vips", region=(0, 0, 300, 280), registry=registry)
    assert done.method == "libvips reads the file itself"


# Pass-through.


def test_pass_through_is_refused_for_a_view_without_compressed_tiles(tmp_path, registry):
    slide, views = svs(tmp_path / "a.svs", photo(700, 500)), viewing(registry, "tiff")
    with pytest.raises(OptionError, match="it does not give the slide's tiles as they are stored"):
        run(slide, tmp_path / "a", reader="inverted", passthrough=True, registry=views)
    plans: list[Plan] = []
    run(slide, tmp_path / "a", reader="inverted", passthrough="auto", registry=views, on_plan=plans.append)
    assert not plans[0].passthrough
    assert "the slide's tiles are not passed through" in plans[0].notes[-1]


def test_pass_through_takes_the_tiles_that_a_view_offers(tmp_path, registry):
    slide, views = svs(tmp_path / "a.svs", photo(700, 500)), viewing(registry, "tiff")
    assert run(slide, tmp_path / "a", reader="stamped", passthrough=True, registry=views).passed_through == 2
    assert verify(tmp_path / "a", against=slide, registry=views) == []


@pytest.mark.parametrize(
    ("name", "region", "passed"),
    [
        ("a", (256, 256, 512, 512), 4),
        pytest.param("a", (256, 0, 700, 500), 2, marks=pytest.mark.thorough),
        ("a", (0, 256, 1200, 844), 12),
        ("a.szi", (256, 256, 512, 512), 4),
    ],
)
def test_the_tiles_of_a_part_on_the_slides_grid_are_passed_through(tmp_path, registry, region, passed, name):
    slide = svs(tmp_path / "slide.svs", photo(1200, 1100))
    done = run(slide, tmp_path / name, region=region, passthrough=True, registry=registry)
    assert done.passed_through == passed
    assert verify(done.target, against=slide, registry=registry) == []


@pytest.mark.parametrize(
    "region", [(1, 256, 512, 512), (256, 255, 512, 512), pytest.param((128, 128, 600, 600), marks=pytest.mark.thorough)]
)
def test_the_tiles_of_a_part_beside_the_grid_are_not(tmp_path, registry, region):
    slide = svs(tmp_path / "slide.svs", photo(1200, 1100))
    x, y, *_ = region
    with pytest.raises(OptionError, match=rf"begins inside a tile, at \({x}, {y}\)"):
        run(slide, tmp_path / "a", region=region, passthrough=True, registry=registry)
    assert run(slide, tmp_path / "a", region=region, passthrough="auto", registry=registry).passed_through == 0
    assert verify(tmp_path / "a", against=slide, registry=registry) == []


class Levelled(BaseSource):
    """A slide with a stored level whose pixels are numbered, at a scale that is no whole number."""

    def __init__(self) -> None:
        levels = (NativeLevel(Size(100, 60), 1.0), NativeLevel(Size(40, 24), 2.5))
        super().__init__(SlideFacts("made", Size(100, 60), Access.REGIONS, native_levels=levels))

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        size = self.facts.native_levels[native_level].size
        assert box == box.clipped(Box(0, 0, size.width, size.height)), f"{box} leaves level {native_level}"
        y, x = np.mgrid[box.y : box.bottom, box.x : box.right]
        return np.dstack([x, y, np.full_like(x, native_level)]).astype(np.uint8)


def test_a_part_begins_inside_of_a_levels_pixel():
    part = cropped(Levelled(), Box(11, 7, 33, 40))
    level = part.facts.native_levels[1]
    assert level.origin == pytest.approx((11 / 2.5 - 4, 7 / 2.5 - 2))
    assert level.size == Size(18 - 4, 19 - 2)
    assert part.read(Box(0, 0, 1, 1), native_level=1).tolist() == [[[4, 2, 1]]]
    part.read(Box(0, 0, level.size.width, level.size.height), native_level=1)
