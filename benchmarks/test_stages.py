"""The stages of the work, one at a time and in one thread: decoding, the 2x2 mean, encoding, writing.

A group is one stage of one slide: every reader, writer or store that is installed, beside a bare library. What each
makes is checked.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import bare_stages
from benchmarks.suite import describe, suite_scale, timed_rounds, turns
from tileframe import Access, Box, OptionError, PluginError, UnsupportedInput
from tileframe import pixels as contract
from tileframe.pixels import Pixels
from tileframe.registry import load
from tileframe_bench.baselines import TILE_SIZE
from tileframe_bench.workloads import WORKLOADS, Workload, scaled
from tileframe_stream.halving import halve, no_threads_of_opencv

BARE_READERS = {"babel": "bare Pillow", "svs": "bare OpenSlide", "jp2k": "bare OpenSlide"}
BARE_WRITERS = {f"bare Pillow {kind}": partial(bare_stages.encode, kind=kind) for kind in ("jpeg", "png")}
HALVERS = {"bare Pillow": bare_stages.halve, "stream": halve}
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
    return bare_stages.read_slide(workload.make())


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
            wide, high = (size.width, TILE_SIZE) if in_order else (bare_stages.SQUARE, bare_stages.SQUARE)
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
    bare = bare_stages.read_picture if workload.kind == "jpg" else bare_stages.read_slide
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
        writer = load().writer(who.split()[-1]).make(None)
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


def test_write(benchmark, workload, section, who, turn, tmp_path):
    tiles = [bare_stages.encode(tile, "jpeg") for tile in tiles_of(section)]
    encoded = {f"p_files/12/{number}_0.jpeg": data for number, data in enumerate(tiles)}
    targets = (tmp_path / f"{number}" / "p.dzi" for number in itertools.count())
    make = bare_stages.Files if who == BARE_FILES else load().store(who).make
    with skipped_where_unable(who):
        make(next(targets), False)

    def write() -> Any:
        store = make(next(targets), False)
        store.prepare()
        for key, data in encoded.items():
            store.put(key, data)
        return store

    store = timed(benchmark, f"write svs {workload.size}", who, turn, write)
    assert {key: store.get(key) for key in encoded} == encoded
