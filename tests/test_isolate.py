"""`--isolate`: slides are read in other processes; the same pixels, and a library that crashes is an error."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import tileframe_executors
import tileframe_tiff
from tests import crashing
from tests.pictures import damage_tile, jpeg, photo, png, svs
from tests.pyramids import assembled, differing
from tileframe import Box, InputError, PluginError, ReaderPlugin, open_slide, run
from tileframe.pixels import Pixels
from tileframe.registry import Registry, load
from tileframe.testing import ReaderContract
from tileframe_executors import shared
from tileframe_start.command import run_command

posix = pytest.mark.skipif(sys.platform == "win32", reason="what crashes here, crashes by a signal of POSIX")
SLIDE = photo(900, 700)


def isolated_reader(offer: ReaderPlugin) -> ReaderPlugin:
    (wrap,) = (offer.isolated for offer in tileframe_executors.tileframe_executors() if offer.isolated)
    return wrap(offer)


def cmyk(path: Path, pixels: Pixels) -> Path:
    Image.fromarray(pixels).convert("CMYK").save(path, quality=90)
    return path


def gif(path: Path, pixels: Pixels) -> Path:
    Image.fromarray(pixels).save(path)
    return path


def one_level(path: Path, pixels: Pixels) -> Path:
    return svs(path, pixels, levels=(1,))  # of smaller ones, the backend openslide makes use


MADE = {"a.svs": one_level, "a.png": png, "a.jpg": jpeg, "cmyk.jpg": cmyk, "a.gif": gif}


@pytest.fixture(scope="module")
def isolated() -> Registry:
    return load([crashing]).isolated()


@pytest.fixture
def crashes(tmp_path) -> Path:
    for name, what in crashing.FILES.items():
        (tmp_path / name).write_text(what)
    return tmp_path


@pytest.mark.thorough
class TestIsolatedReader(ReaderContract):
    """The contract of readers, in another process: one, and half a second, for each test."""

    plugin = isolated_reader(tileframe_tiff.tileframe_readers()[0])
    suffix = "svs"
    # Eight processes for each of its three attempts; see `test_many_threads_read_at_once_and_no_process_is_left`.
    test_regions_may_be_read_by_many_threads = None  # type: ignore[assignment]

    def parameters(self) -> Mapping[str, Sequence[object]]:
        # That options arrive in the other process; each of them is the reader's own matter.
        return {**super().parameters(), "choice": [{"page": 0}]}

    def make(self, path: Path, pixels: Pixels) -> Path:
        return svs(path, pixels, lossless=True)


@pytest.mark.parametrize(
    ("name", "backend"),
    [
        pytest.param("a.svs", "stream", marks=pytest.mark.thorough),  # so test_the_commands_that_read_slides_take_it
        ("a.png", "stream"),
        pytest.param("a.jpg", "stream", marks=pytest.mark.thorough),
        ("cmyk.jpg", "stream"),
        pytest.param("a.gif", "stream", marks=pytest.mark.thorough),
        ("a.svs", "vips"),
        pytest.param("a.svs", "openslide", marks=pytest.mark.thorough),
    ],
)
def test_every_kind_of_slide_gives_the_same_tiles(name, backend, isolated, registry, tmp_path):
    slide = MADE[name](tmp_path / name, SLIDE)
    run(slide, tmp_path / "here", registry=registry)
    run(slide, tmp_path / "there", backend=backend, workers=1, registry=isolated)
    assert differing(tmp_path / "here.dzi", tmp_path / "there.dzi") == []


def test_the_slides_own_tiles_and_its_associated_images_come_as_they_are(isolated, registry, tmp_path):
    slide = svs(tmp_path / "a.svs", SLIDE)
    how: dict[str, Any] = {"passthrough": True, "tile_size": "native", "overlap": 0, "associated": ["all"]}
    here = run(slide, tmp_path / "here", registry=registry, **how)
    there = run(slide, tmp_path / "there", registry=isolated, **how)
    assert there.passed_through == here.passed_through > 0
    assert differing(tmp_path / "here.dzi", tmp_path / "there.dzi") == []
    for file in sorted((tmp_path / "here_associated").iterdir()):
        assert (tmp_path / "there_associated" / file.name).read_bytes() == file.read_bytes()


def test_many_threads_read_at_once_and_no_process_is_left(isolated, tmp_path):
    before = set(multiprocessing.active_children())
    with open_slide(svs(tmp_path / "a.svs", SLIDE, lossless=True), registry=isolated) as source:
        boxes = [Box(x, y, 100, 100) for y in range(0, 600, 100) for x in range(0, 800, 100)]
        with ThreadPoolExecutor(2) as pool:
            for box, pixels in zip(boxes, pool.map(source.read, boxes), strict=True):
                assert np.array_equal(pixels, SLIDE[box.y : box.bottom, box.x : box.right])
        assert 1 <= len(set(multiprocessing.active_children()) - before) <= 2
    assert set(multiprocessing.active_children()) <= before
    with pytest.raises(InputError, match="closed"):
        source.read(boxes[0])


def test_where_there_is_no_room_for_shared_memory_pixels_come_all_the_same(isolated, monkeypatch, tmp_path):
    monkeypatch.setattr(shared, "_made", lambda size: None)
    with open_slide(svs(tmp_path / "a.svs", SLIDE, lossless=True), registry=isolated) as source:
        assert np.array_equal(source.read(Box(0, 0, 900, 700)), SLIDE)


@pytest.mark.skipif(not shared.SYSTEMS.is_dir(), reason="shared memory is no files here")
def test_more_shared_memory_than_there_is_is_not_taken():
    assert shared.Shared().of(1 << 50) is None
    for name in os.listdir(shared.SYSTEMS):  # among what other processes make there, and take away
        with suppress(FileNotFoundError):
            assert (shared.SYSTEMS / name).stat().st_size < 1 << 50, name


def test_damage_is_said_in_the_same_words(isolated, registry, tmp_path):
    slide = damage_tile(svs(tmp_path / "a.svs", SLIDE), 1)
    said = []
    for plugins in (registry, isolated):
        with pytest.raises(InputError) as caught:
            run(slide, tmp_path / "out", registry=plugins)
        said.append(str(caught.value))
    assert said[0] == said[1]


@posix
@pytest.mark.parametrize("name", ["opens.crash", "reads.crash"])
def test_a_library_that_crashes_is_an_error_and_nothing_is_left(name, crashes, isolated):
    with pytest.raises(InputError, match=rf"{name}: a worker process crashed .* \(SIGSEGV\)"):
        run(crashes / name, crashes / "out" / "a", registry=isolated)
    assert not (crashes / "out").exists()


@posix
def test_where_it_crashes_can_be_filled(crashes, isolated):
    report = run(crashes / "reads.crash", crashes / "o", format="png", on_error="fill", registry=isolated)
    wanted = crashing.PIXELS.copy()
    wanted[crashing.AT.y : crashing.AT.bottom, crashing.AT.x : crashing.AT.right] = 255
    assert np.array_equal(assembled(report.target, report.levels - 1), wanted)
    assert report.filled


def test_an_error_of_no_kind_names_the_reader(crashes, isolated):
    with pytest.raises(PluginError, match="the reader 'crashing' failed: ZeroDivisionError"):
        run(crashes / "strange.crash", crashes / "o", registry=isolated)


def test_a_reader_that_cannot_be_sent_to_a_process_says_so(tmp_path):
    reader = replace(crashing.tileframe_readers()[0], make=lambda: crashing.CrashingReader())
    with pytest.raises(PluginError, match="'crashing' works in no other process"):
        isolated_reader(reader).create().open(tmp_path / "reads.crash")


def test_without_an_executor_that_can_it_is_refused():
    with pytest.raises(PluginError, match="no executor is installed"):
        load(installed=False).isolated()


def test_the_commands_that_read_slides_take_it(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    svs(Path("a.svs"), SLIDE)
    opened: list[str] = []
    create = ReaderPlugin.create

    def watched(self: ReaderPlugin, *arguments: Any, options: Any = None) -> Any:
        opened.append(type(made := create(self, *arguments, options=options)).__name__)
        return made

    monkeypatch.setattr(ReaderPlugin, "create", watched)
    assert run_command(["info", "a.svs", "--isolate", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["reader"] == "tiff"
    assert run_command(["run", "a.svs", "-o", "o", "--isolate", "-q", "--workers", "1"]) == 0
    assert run_command(["verify", "o.dzi", "--against", "a.svs", "--isolate", "-q"]) == 0
    assert set(opened) == {"IsolatedReader"}
