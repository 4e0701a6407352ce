"""The stages of the work, one at a time and in one thread: decoding, the 2x2 mean, encoding, writing.

A group is one stage of one slide: every reader, writer or store that is installed, beside a bare library. What each
makes is checked.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import openslide
import pytest
from PIL import Image

from benchmarks.suite import describe, suite_scale, timed_rounds, turns
from tileframe import (
    Access,
    Box,
    Location,
    OptionError,
    PluginError,
    Pyramid,
    Size,
    Store,
    Target,
    UnsupportedInput,
)
from tileframe import pixels as contract
from tileframe.pixels import Pixels
from tileframe.registry import load
from tileframe_bench.baselines import QUALITY, TILE_SIZE
from tileframe_bench.workloads import WORKLOADS, Workload, scaled
from tileframe_stream.halving import halve, no_threads_of_opencv

SQUARE = 2048  # pixels a side of what is read at a time


def read_picture(path: Path) -> Pixels:
    """Decode all of a picture with Pillow."""
    with Image.open(path) as image:
        return np.array(image.convert("RGB"))


def read_slide(path: Path) -> Pixels:
    """Read the base of an opaque slide with OpenSlide, square by square."""
    with openslide.OpenSlide(path) as slide:
        width, height = slide.dimensions
        pixels = np.empty((height, width, 3), np.uint8)
        for y in range(0, height, SQUARE):
            for x in range(0, width, SQUARE):
                part = pixels[y : y + SQUARE, x : x + SQUARE]
                region = slide.read_region((x, y), 0, (part.shape[1], part.shape[0]))
                part[:] = np.asarray(region.convert("RGB"))
    return pixels


def bare_halve(pixels: Pixels, into: Pixels) -> None:
    """Take the 2x2 mean with Pillow."""
    into[:] = np.asarray(Image.fromarray(pixels).reduce(2))


def bare_encode(pixels: Pixels, kind: str) -> bytes:
    """Encode a tile as ``jpeg`` or ``png`` with Pillow, at the settings of tileframe's writers."""
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, kind, quality=QUALITY, compress_level=1)
    return encoded.getvalue()


BARE_READERS = {"babel": "bare Pillow", "svs": "bare OpenSlide", "jp2k": "bare OpenSlide"}
BARE_WRITERS = {f"bare Pillow {kind}": partial(bare_encode, kind=kind) for kind in ("jpeg", "png")}
HALVERS = {"bare Pillow": bare_halve, "stream": halve}
BARE_FILES = "bare files"
# JPEG 2000 takes ten times as long as JPEG to decode: half of each side has to do.
PIECE = {"jp2k": 0.5}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    def installed(kind: str) -> list[str]:
        return sorted(offer.plugin.name for offer in load().offers if offer.kind == kind)

    groups = {
        test_decode: {name: [bare, *installed("reader")] for name, bare in BARE_READERS.items()},
        test_halve: {"svs": list(HALVERS)},
        test_encode: {"svs": [*BARE_WRITERS, *installed("writer")]},
        test_write: {"svs": [BARE_FILES, *installed("store")]},
    }[metafunc.function]
    numbers = turns(metafunc.config)
    cases = [(name, who, turn) for name, everyone in groups.items() for turn in numbers for who in everyone]
    metafunc.parametrize(("name", "who", "turn"), cases)


@pytest.fixture
def workload(benchmark, name) -> Workload:
    return scaled(WORKLOADS[name], suite_scale(timed=benchmark.enabled) * PIECE.get(name, 1))


@pytest.fixture
def section(workload) -> Pixels:
    """The pixels of the slide, shared by the tests and not to be changed."""
    return read_once(workload)


@cache
def read_once(workload: Workload) -> Pixels:
    return read_slide(workload.make())


@contextmanager
def skipped_where_unable(who: str) -> Iterator[None]:
    """Skip the test if a plugin is not made for this, or lacks its library."""
    try:
        yield
    except (OptionError, PluginError, UnsupportedInput) as error:
        pytest.skip(f"{who} cannot: {error}")


def reading_by(who: str, path: Path) -> Callable[[Path], Pixels]:
    """Return what reads all of a slide by the reader ``who``: in rows where it gives rows, else in squares."""
    with skipped_where_unable(who):
        reader = load().reader(who).make()
        reader.open(path).close()

    def read(path: Path) -> Pixels:
        with reader.open(path) as source:  # opened each time: rows are given once
            size = source.facts.size
            in_order = source.facts.access is Access.ROWS
            wide, high = (size.width, TILE_SIZE) if in_order else (SQUARE, SQUARE)
            pixels = np.empty((size.height, size.width, 3), np.uint8)
            for y, x in itertools.product(range(0, size.height, high), range(0, size.width, wide)):
                box = Box(x, y, min(wide, size.width - x), min(high, size.height - y))
                pixels[box.y : box.bottom, box.x : box.right] = source.read(box)
        return pixels

    return read


def tiles_of(pixels: Pixels) -> list[Pixels]:
    starts = itertools.product(*(range(0, side, TILE_SIZE) for side in pixels.shape[:2]))
    return [pixels[y : y + TILE_SIZE, x : x + TILE_SIZE] for y, x in starts]


def timed(benchmark: Any, stage: str, who: str, turn: int, work: Callable[..., Any], *given: Any) -> Any:
    is_bare = who.startswith("bare ")
    describe(benchmark, stage, who, turn, baseline=is_bare, reference=is_bare)
    return timed_rounds(benchmark, work, lambda: (given, {}))


def test_decode(benchmark, workload, name, who, turn):
    path = workload.make()
    bare = read_picture if workload.kind == "jpg" else read_slide
    work = bare if who == BARE_READERS[name] else reading_by(who, path)
    pixels = timed(benchmark, f"decode {name} {workload.size}", who, turn, work, path)
    assert np.array_equal(pixels, bare(path))


def test_halve(benchmark, workload, section, who, turn):
    size = workload.size
    half = np.empty(((size.height + 1) // 2, (size.width + 1) // 2, 3), np.uint8)
    with no_threads_of_opencv():
        timed(benchmark, f"halve svs {size}", who, turn, HALVERS[who], section, half)
    assert np.array_equal(half, contract.halve(section))


def test_encode(benchmark, workload, section, who, turn):
    with skipped_where_unable(who):
        writer = load().writer(who.split()[-1]).create()
    encode = BARE_WRITERS.get(who, writer.encode)
    tiles = tiles_of(section)
    lossless = writer.encoding.lossless
    stage = f"encode svs {workload.size}, {'lossless' if lossless else 'lossy'}"
    encoded = timed(benchmark, stage, who, turn, lambda: [encode(tile) for tile in tiles])
    benchmark.extra_info["bytes"] = sum(map(len, encoded))
    for tile, data in zip(tiles, encoded, strict=True):
        assert writer.decode(data).shape == tile.shape
    if lossless:
        assert np.array_equal(writer.decode(encoded[0]), tiles[0])


def store_called(name: str, folder: Path) -> Store:
    """The store of that name, for a Deep Zoom pyramid."""
    registry = load()
    offer = next(store for store in registry.stores if store.name == name)
    layout = registry.layout("dzi").create("p", "jpeg", Pyramid(Size(1 << 20, 1), 256, 0))
    return offer.create(Target(Location("file", str(folder), "p", offer.containers[0]), layout))


def test_write(benchmark, workload, section, who, turn, tmp_path):
    tiles = [bare_encode(tile, "jpeg") for tile in tiles_of(section)]
    encoded = {f"{number}_0.jpeg": data for number, data in enumerate(tiles)}
    folders = (tmp_path / f"{number}" for number in itertools.count())

    def write_files(folder: Path) -> Callable[[str], bytes]:
        folder.mkdir()
        for key, data in encoded.items():
            (folder / key).write_bytes(data)
        return lambda key: (folder / key).read_bytes()

    stores: list[Store] = []

    def write_to_store(folder: Path) -> Callable[[str], bytes]:
        store = store_called(who, folder)
        store.prepare()
        stores.append(store)
        for key, data in encoded.items():
            store.put(f"p_files/12/{key}", data)
        return lambda key: store.get(f"p_files/12/{key}")

    if who == BARE_FILES:
        work = write_files
    else:
        work = write_to_store
        with skipped_where_unable(who):
            store_called(who, next(folders))
    get = timed(benchmark, f"write svs {workload.size}", who, turn, lambda: work(next(folders)))
    assert {key: get(key) for key in encoded} == encoded
    for store in stores:
        store.discard()
