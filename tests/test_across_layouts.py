"""Pyramids of one slide in every layout, store and format: compared, verified, and said to be what they are."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import tileframe
from tests.pictures import gradient, photo, png, svs
from tileframe import Comparison, Equality, Plan, compare, open_pyramid, run, verify
from tileframe.registry import Registry
from tileframe_start.command import run_command

LAYOUTS = ["dzi", "zoomify", "google", "iiif3"]
ENGINES = ["stream", "vips", "openslide"]
ALIKE: dict[str, Any] = {"tile_size": 100, "overlap": 0}


def between(one: Path, other: Path, registry: Registry) -> Comparison:
    with open_pyramid(one, registry=registry) as first, open_pyramid(other, registry=registry) as second:
        return compare(first, second)


@pytest.mark.parametrize("layout", LAYOUTS[1:])
def test_lossless_pyramids_of_two_layouts_are_compared_level_by_level(tmp_path, registry, layout):
    other = "dzi"
    slide = png(tmp_path / "a.png", gradient(600, 421))
    for name in (layout, other):
        run(slide, tmp_path / name, layout=name, format="png", registry=registry, **ALIKE)
    for pair in ((layout, other), (other, layout)):
        found = between(tmp_path / pair[0], tmp_path / pair[1], registry)
        assert found.strength is Equality.PIXELS
        assert found.layout == ()
        assert found.notes == (f"the layouts are {pair[0]} and {pair[1]}; levels that both keep are compared",)
    with open_pyramid(tmp_path / layout, registry=registry) as pyramid:
        assert [level.level for level in found.levels] == list(pyramid.layout.levels)
        assert found.tiles == found.identical == pyramid.tile_count


def test_jpeg_pyramids_of_two_layouts_have_the_same_tiles_by_two_suffixes(tmp_path, registry):
    slide = svs(tmp_path / "a.svs", photo(700, 500))
    for name in ("dzi", "zoomify"):
        run(slide, tmp_path / name, layout=name, registry=registry, **ALIKE)
    assert between(tmp_path / "dzi", tmp_path / "zoomify", registry).strength is Equality.PIXELS


def test_a_layout_that_pads_lossy_tiles_is_told_to_differ_there(tmp_path, registry):
    slide = svs(tmp_path / "a.svs", photo(700, 500))
    for name in ("google", "zoomify"):
        run(slide, tmp_path / name, layout=name, registry=registry)
    found = between(tmp_path / "google", tmp_path / "zoomify", registry)
    assert found.strength is Equality.LAYOUT
    assert any("the layout google pads the tiles at the edges" in note for note in found.notes)


@pytest.mark.parametrize(
    "layout", ["zoomify", *(pytest.param(layout, marks=pytest.mark.thorough) for layout in ("google", "iiif3"))]
)
def test_tiles_of_another_size_are_another_layout(tmp_path, registry, layout):
    slide = png(tmp_path / "a.png", gradient(600, 421))
    run(slide, tmp_path / "a", registry=registry)
    run(slide, tmp_path / "b", layout=layout, registry=registry)
    found = between(tmp_path / "a", tmp_path / "b", registry)
    assert (found.strength, found.levels) == (None, ())
    assert any("the tile size is" in line for line in found.layout)


def test_a_difference_between_two_layouts_is_found_in_its_level(tmp_path, registry):
    for name, seed in (("dzi", 1), ("zoomify", 2)):
        slide = png(tmp_path / f"{name}.png", photo(300, 200, seed=seed))
        run(slide, tmp_path / name, layout=name, format="png", registry=registry, **ALIKE)
    found = between(tmp_path / "dzi", tmp_path / "zoomify", registry)
    assert found.strength is Equality.LAYOUT
    assert all(level.differing == level.tiles for level in found.levels)


class TwoFormats:
    """A second lossless format, by another name and suffix."""

    def __init__(self, registry: Registry) -> None:
        self._png = registry.writer("png")

    def _writer(self) -> Any:
        from dataclasses import replace

        writer: Any = self._png.make()
        writer.encoding = replace(writer.encoding, format="other", suffix="other")
        return writer

    @tileframe.hookimpl
    def tileframe_writers(self) -> list[tileframe.WriterPlugin]:
        return [tileframe.WriterPlugin("other", "in tests", self._writer)]


def test_lossless_tiles_of_two_formats_are_the_same_pixels_with_a_note(tmp_path, registry):
    from tileframe import registry as registry_module

    slide, wider = png(tmp_path / "a.png", gradient(300, 200)), registry_module.load([TwoFormats(registry)])
    for name in ("png", "other"):
        run(slide, tmp_path / name, format=name, registry=wider)
    found = between(tmp_path / "png", tmp_path / "other", wider)
    assert found.strength is Equality.PIXELS
    assert found.notes == ("the tile suffix is png and other; both formats are lossless",)


def test_a_lossy_and_a_lossless_format_are_not_the_same(tmp_path, registry):
    slide = png(tmp_path / "a.png", photo(300, 200))
    for name in ("png", "jpeg"):
        run(slide, tmp_path / name, format=name, registry=registry)
    found = between(tmp_path / "png", tmp_path / "jpeg", registry)
    assert found.strength is None
    assert "the tile format is png and jpeg" in found.layout


# Of the two archives, which differ in what stands beside the tiles, the other one by one engine.
@pytest.mark.parametrize(
    ("engine", "container"),
    [
        pytest.param(engine, container, marks=[] if quick else [pytest.mark.thorough])
        for engine in ENGINES
        for container, quick in ((".szi", True), (".zip", engine == "stream"))
    ],
)
def test_every_engine_writes_an_archive_as_it_writes_a_folder(tmp_path, registry, engine, container):
    slide = svs(tmp_path / "slide.svs", photo(700, 500), levels=(1,))
    how: dict[str, Any] = {"backend": engine, "reader": "tiff", "registry": registry}
    run(slide, tmp_path / "a", **how)
    done = run(slide, tmp_path / f"a{container}", **how)
    assert (done.backend, done.promises) == (engine, Equality.PIXELS)
    with open_pyramid(tmp_path / "a.dzi", registry=registry) as folder, open_pyramid(done.target) as archive:
        assert compare(folder, archive).strength is Equality.PIXELS
        assert sorted(folder.files.keys("a_files")) == sorted(archive.files.keys("a_files"))
        for key in ("a.dzi", "a.sha256", *folder.files.keys("a_files")):
            assert folder.files.get(key) == archive.files.get(key)
    assert verify(done.target, against=slide, registry=registry) == []


# Each engine and each layout in a folder, and each of them once in an archive.
ARCHIVED = [("stream", "dzi"), ("openslide", "google"), ("vips", "zoomify"), ("stream", "iiif3")]


@pytest.mark.parametrize(
    ("engine", "layout", "container"),
    [
        pytest.param(*pair, container, marks=[] if quick else [pytest.mark.thorough])
        for pair in product(ENGINES, LAYOUTS)
        if pair != ("vips", "google")
        for container, quick in (("", True), (".zip", pair in ARCHIVED))
    ],
)
def test_every_engine_writes_every_layout(tmp_path, registry, engine, layout, container):
    slide = png(tmp_path / "a.png", gradient(300, 200))
    plans: list[Plan] = []
    name = f"b{container}"
    run(
        slide, tmp_path / name, layout=layout, backend=engine, reader="imageslide", format="png", registry=registry,
        on_plan=plans.append,
    )  # fmt: skip
    assert (plans[0].layout, plans[0].promises) == (layout, Equality.PIXELS)
    assert verify(tmp_path / name, against=slide, registry=registry) == []


def test_dzsave_does_not_pad_and_says_so(tmp_path, capsys):
    slide = png(tmp_path / "a.png", gradient(300, 200))
    words = ["run", str(slide), "-o", str(tmp_path / "a"), "--layout", "google", "--backend", "vips"]
    assert run_command(words) == 2
    assert "are not padded as the layout google wants them" in capsys.readouterr().err


# Each in a folder, and one in an archive.
@pytest.mark.parametrize(
    ("layout", "container"),
    [
        pytest.param(layout, container, marks=[pytest.mark.thorough] if container and layout != "iiif3" else [])
        for layout in LAYOUTS
        for container in ("", ".zip")
    ],
)
def test_info_says_what_a_pyramid_is(tmp_path, registry, capsys, layout, container):
    slide = png(tmp_path / "slide.png", gradient(300, 200))
    target = str(tmp_path / f"a{container}")
    run(slide, target, layout=layout, region=(10, 20, 200, 150), registry=registry)
    assert run_command(["info", target]) == 0
    out = capsys.readouterr().out
    assert f"layout    {layout}" in out
    assert "size      200x150" in out
    assert "slide     slide.png, 300x200" in out
    assert run_command(["info", target, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["layout"], facts["pyramid"]["base"]) == (layout, {"width": 200, "height": 150})
    assert facts["manifest"]["plan"]["region"] == {"x": 10, "y": 20, "width": 200, "height": 150}


@pytest.mark.parametrize("layout", ["dzi", "zoomify", "iiif3"])
def test_a_pyramid_of_another_tool_is_known_by_its_descriptor_alone(tmp_path, registry, capsys, layout):
    slide = png(tmp_path / "slide.png", photo(600, 421))
    done = run(slide, tmp_path / "a", layout=layout, registry=registry)
    for beside in ("a.tileframe.json", "a.sha256"):
        (tmp_path / beside).unlink()
    assert run_command(["info", done.target]) == 0
    assert "none: made by another tool than tileframe" in capsys.readouterr().out
    assert verify(done.target, against=slide, registry=registry) == []


def test_the_python_door(tmp_path):
    slide = png(tmp_path / "slide.png", gradient(300, 200))
    report = tileframe.run(slide, tmp_path / "a", format="png")
    assert tileframe.verify(report.target, against=slide) == []
    with tileframe.open_pyramid(report.target) as one, tileframe.open_pyramid(tmp_path / "a") as other:
        assert tileframe.compare(one, other).strength is tileframe.Equality.PIXELS
        with tileframe.open_slide(slide, reader="imageslide") as source:
            address = tileframe.TileAddress(one.pyramid.base_level, 0, 0)
            assert (tileframe.tile(source, one.pyramid, address) == one.decode(address)).all()
