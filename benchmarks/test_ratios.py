"""How many times as long tileframe takes as a bare library: each stage of the work in one thread, and whole pyramids.

In each round the bare library runs first, and its time is the unit of the clock: pytest-benchmark shows, saves and
compares ratios, which a busy hour changes less than times. What both have made is compared. By default these are plain
tests of one round on tiny inputs; ``--benchmark-enable`` times them.
"""

from __future__ import annotations

import io
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import openslide
import pytest
from PIL import Image

import tileframe
from benchmarks.turns import differences, differences_of_passthrough
from tileframe import Box, Location, Pyramid, Size, Store, Target
from tileframe import pixels as contract
from tileframe.machine import available_cores
from tileframe.pixels import Pixels
from tileframe.registry import load
from tileframe_bench.baselines import OVERLAP, QUALITY, TILE_SIZE, bare_dzsave
from tileframe_bench.environment import give_back, scratch_folder
from tileframe_bench.workloads import TILE, WORKLOADS, Workload, scaled
from tileframe_demo.svs import cut
from tileframe_stream.halving import halve, no_threads_of_opencv

# Of both sides of an input: a few tiles on each side, and a slide still has three native levels.
TINY, TIMED = 0.035, 0.2
ROUNDS = 11
# JPEG 2000 takes ten times as long as JPEG to decode: half of each side has to do.
PIECE = {"jp2k": 0.5}
# At the side of the slide's own tiles, the backends pass those through.
PYRAMIDS = [*((name, 256) for name in WORKLOADS), ("svs", 512), ("svs", 1024), ("svs", TILE)]
# Seconds that the bare library took in this round.
_unit = 1.0
_written: list[Store] = []


def clock() -> float:
    """The time, in times of the bare library."""
    return time.perf_counter() / _unit


pytestmark = pytest.mark.benchmark(timer=clock)


def beside(benchmark: Any, bare: Callable[..., Any], ours: Callable[..., Any], fresh: Callable[[], Any]) -> Any:
    """Time ``ours`` after ``bare`` in each round, with arguments from ``fresh``; return the last results of both."""
    right: list[Any] = []

    def setup() -> Any:
        global _unit
        given, started = fresh(), time.perf_counter()
        right[:] = [bare(*given)]
        _unit = time.perf_counter() - started
        return fresh(), {}

    made = benchmark.pedantic(ours, setup=setup, rounds=ROUNDS, warmup_rounds=1)
    return right[0], made


def installed(kind: str) -> list[str]:
    return sorted(offer.plugin.name for offer in load().offers if offer.kind == kind)


@contextmanager
def skipped_where_unable(who: str) -> Iterator[None]:
    """Skip the test if a plugin is not made for this, or lacks its library."""
    try:
        yield
    except (tileframe.OptionError, tileframe.PluginError, tileframe.UnsupportedInput) as error:
        pytest.skip(f"{who} cannot: {error}")


@pytest.fixture(scope="module")
def scratch() -> Iterator[Path]:
    with scratch_folder(None) as folder:
        yield folder
        # Not before: what is deleted slows down who is timed next.
        for store in _written:
            store.discard()


def workload_of(benchmark: Any, name: str) -> Workload:
    scale = float(os.environ.get("TILEFRAME_BENCH_SCALE", TIMED)) if benchmark.enabled else TINY
    return scaled(WORKLOADS[name], scale)


@pytest.fixture
def section(benchmark) -> Pixels:
    """The pixels of the slide `svs`."""
    return read_slide(workload_of(benchmark, "svs").make())


def read_picture(path: Path) -> Pixels:
    """Decode all of a picture with Pillow."""
    with Image.open(path) as image:
        return np.array(image.convert("RGB"))


def read_slide(path: Path) -> Pixels:
    """Read all of an opaque slide with OpenSlide."""
    with openslide.OpenSlide(path) as slide:
        return np.asarray(slide.read_region((0, 0), 0, slide.dimensions).convert("RGB"))


def read_by(reader: tileframe.Reader, path: Path) -> Pixels:
    with reader.open(path) as source:
        return source.read(Box(0, 0, source.facts.size.width, source.facts.size.height))


@pytest.mark.parametrize("who", installed("reader"))
@pytest.mark.parametrize("name", ["babel", "svs", "jp2k"])
def test_decode(benchmark, name, who):
    workload = workload_of(benchmark, name)
    path = scaled(workload, PIECE.get(name, 1)).make()
    benchmark.group = f"decode {name} {workload.size}"
    with skipped_where_unable(who):
        reader = load().reader(who).create()
        reader.open(path).close()
    bare = read_picture if workload.kind == "jpg" else read_slide
    right, made = beside(benchmark, bare, partial(read_by, reader), lambda: (path,))
    assert np.array_equal(made, right)


def bare_halve(pixels: Pixels, into: Pixels) -> None:
    into[:] = np.asarray(Image.fromarray(pixels).reduce(2))


def test_halve(benchmark, section):
    half = np.empty(((section.shape[0] + 1) // 2, (section.shape[1] + 1) // 2, 3), np.uint8)
    with no_threads_of_opencv():
        beside(benchmark, bare_halve, halve, lambda: (section, half))
    assert np.array_equal(half, contract.halve(section))


def bare_encode(pixels: Pixels, kind: str) -> bytes:
    """Encode a tile as ``jpeg`` or ``png`` with Pillow, at the settings of tileframe's writers."""
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, kind, quality=QUALITY, compress_level=1)
    return encoded.getvalue()


@pytest.mark.parametrize("who", installed("writer"))
def test_encode(benchmark, section, who):
    with skipped_where_unable(who):
        writer = load().writer(who).create()
    tiles, lossless = list(cut(section, TILE_SIZE)), writer.encoding.lossless
    benchmark.group = f"encode, {'lossless' if lossless else 'lossy'}"
    bare = partial(bare_encode, kind="png" if lossless else "jpeg")
    _, encoded = beside(benchmark, lambda: list(map(bare, tiles)), lambda: list(map(writer.encode, tiles)), tuple)
    for tile, data in zip(tiles, encoded, strict=True):
        assert writer.decode(data).shape == tile.shape
    if lossless:
        assert np.array_equal(writer.decode(encoded[0]), tiles[0])


@pytest.mark.parametrize("who", installed("store"))
def test_write(benchmark, section, who, scratch):
    encoded = (bare_encode(tile, "jpeg") for tile in cut(section, TILE_SIZE))
    tiles = {f"p_files/12/{number}_0.jpeg": data for number, data in enumerate(encoded)}
    offer = next(store for store in load().stores if store.name == who)
    layout = load().layout("dzi").create("p", "jpeg", Pyramid(Size(1 << 20, 1), 256, 0))

    def fresh() -> tuple[Store, Path]:
        folder = Path(tempfile.mkdtemp(dir=scratch), "new")
        place = ("file", f"{folder}") if "file" in offer.schemes else ("memory", folder.parent.name)
        store = offer.create(Target(Location(*place, "p", offer.containers[0]), layout))
        return store, folder / "p_files" / "12"

    def bare(store: Store, folder: Path) -> None:
        folder.mkdir(parents=True)
        for key, data in tiles.items():
            (folder / Path(key).name).write_bytes(data)

    def ours(store: Store, folder: Path) -> None:
        store.prepare()
        _written.append(store)
        for key, data in tiles.items():
            store.put(key, data)

    benchmark.group = "write"
    with skipped_where_unable(who):
        beside(benchmark, bare, ours, fresh)
    assert {key: _written[-1].get(key) for key in tiles} == tiles


def pyramids() -> Iterator[Any]:
    """Every input by every backend; of other tile sizes, and where decoding takes the time, one is a quick test."""
    for name, tile_size in PYRAMIDS:
        for offer in load().backends:
            if offer.passes_through or tile_size != TILE:
                is_quick = offer.name == "stream" or (tile_size == 256 and name != "jp2k")
                yield pytest.param(name, tile_size, offer.name, marks=[] if is_quick else [pytest.mark.thorough])


@pytest.mark.parametrize(("name", "tile_size", "who"), list(pyramids()))
def test_pyramid(benchmark, name, tile_size, who, scratch):
    workload, passed = workload_of(benchmark, name), tile_size == TILE
    source, folders = workload.make(), []
    run = partial(tileframe.run, source, quality=QUALITY, overlap=OVERLAP, tile_size=tile_size, limit_bounds=False)
    # The wheel's libvips reads no JPEG 2000: there the backend vips is the nearest to the bare dzsave.
    dzsave = partial(bare_dzsave, source, tile_size=tile_size, workers=available_cores())
    bare: Callable[..., Any] = partial(run, backend="vips") if workload.kind == "jp2k" else dzsave

    def fresh() -> tuple[Path]:
        folders.append(Path(tempfile.mkdtemp(dir=scratch)))
        return (folders[-1] / "pyramid",)

    benchmark.group = f"{name} {workload.size}, tiles of {tile_size}"
    with skipped_where_unable(who):
        _, report = beside(benchmark, bare, partial(run, backend=who, passthrough=passed), fresh)
    right, made = (folder / "pyramid.dzi" for folder in folders[-2:])
    if passed:
        assert report.passed_through
        assert differences_of_passthrough(source, made, right) == []
    else:
        assert differences(source, made, right, report.promises) == []
    for folder in folders:
        give_back(folder)
