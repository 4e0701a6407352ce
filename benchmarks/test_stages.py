"""The stages of the work, one at a time and in one thread: decoding, the 2x2 mean, encoding, writing.

A group is one stage of one slide: every reader, codec or store that is installed, beside a bare library. All of them
are given the same, and what they make is looked at.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import bare_stages
from benchmarks.saved_runs import said_of
from benchmarks.scale import suite_scale
from benchmarks.turns import timed_rounds, turns
from tileframe import Access, Box, OptionError, PluginError, Size, Source, UnsupportedInput
from tileframe import pixels as contract
from tileframe.pixels import Pixels
from tileframe.registry import load
from tileframe_bench.baselines import TILE_SIZE
from tileframe_bench.workloads import WORKLOADS, Workload, scaled
from tileframe_stream.halving import halve, no_threads_of_opencv

# Another picture would show nothing new.
BARE_READERS = {"babel": "bare Pillow", "svs": "bare OpenSlide", "jp2k": "bare OpenSlide"}
BARE_WRITERS = {"bare Pillow jpeg": bare_stages.encode_jpeg, "bare Pillow png": bare_stages.encode_png}
HALVERS = {"bare Pillow": bare_stages.halve, "stream": halve}
BARE_FILES = "bare files"
# JPEG 2000 takes ten times as long as JPEG to decode: half of each side has to do.
PIECE = {"jp2k": 0.5}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    numbers = turns(metafunc.config)
    if metafunc.function is test_decode:
        readers = installed("reader")
        cases = [
            (name, who, turn)
            for (name, bare), turn in itertools.product(BARE_READERS.items(), numbers)
            for who in (bare, *readers)
        ]
        metafunc.parametrize(("name", "who", "turn"), cases)
        return
    everyone = {
        test_halve: list(HALVERS),
        test_encode: [*BARE_WRITERS, *installed("writer")],
        test_write: [BARE_FILES, *installed("store")],
    }[metafunc.function]
    metafunc.parametrize(("who", "turn"), [(who, turn) for turn in numbers for who in everyone])


def installed(kind: str) -> list[str]:
    return sorted(offer.plugin.name for offer in load().offers if offer.kind == kind)


@pytest.fixture
def scale(benchmark) -> float:
    return suite_scale(timed=benchmark.enabled)


@pytest.fixture
def section(scale) -> Pixels:
    """The pixels of a slide, which are not to be changed."""
    return section_at(scale)


@cache
def section_at(scale: float) -> Pixels:
    return bare_stages.read_slide(made("svs", scale).make())


def made(name: str, scale: float) -> Workload:
    return scaled(WORKLOADS[name], scale * PIECE.get(name, 1))


@contextmanager
def skipped_where_unable(who: str) -> Iterator[None]:
    """Skip the test if a plugin is not made for this, or lacks its library."""
    try:
        yield
    except (OptionError, PluginError, UnsupportedInput) as error:
        pytest.skip(f"{who} cannot: {error}")


def decoded(source: Source) -> Pixels:
    """Read the base: by a row of tiles at a time where it comes in rows, else by squares."""
    size = source.facts.size
    in_order = source.facts.access is Access.ROWS
    wide, high = (size.width, TILE_SIZE) if in_order else (bare_stages.SQUARE, bare_stages.SQUARE)
    pixels = np.empty((size.height, size.width, 3), np.uint8)
    for y, x in itertools.product(range(0, size.height, high), range(0, size.width, wide)):
        box = Box(x, y, min(wide, size.width - x), min(high, size.height - y))
        pixels[box.y : box.bottom, box.x : box.right] = source.read(box)
    return pixels


def reading_by(who: str, path: Path) -> Callable[[Path], Pixels]:
    """Return what reads all of a slide by the reader ``who``; the test is skipped if it does not read ``path``."""
    with skipped_where_unable(who):
        reader = load().reader(who).make()
        reader.open(path).close()

    def read(path: Path) -> Pixels:
        # Opened each time: rows are given once.
        with reader.open(path) as source:
            return decoded(source)

    return read


def tiles_of(pixels: Pixels) -> list[Pixels]:
    height, width = pixels.shape[:2]
    return [
        pixels[y : y + TILE_SIZE, x : x + TILE_SIZE]
        for y in range(0, height, TILE_SIZE)
        for x in range(0, width, TILE_SIZE)
    ]


def timed(
    benchmark: Any, stage: str, who: str, turn: int, size: Size, work: Callable[..., Any], *arguments: Any
) -> Any:
    benchmark.group = stage
    is_bare = who.startswith("bare ")
    benchmark.extra_info.update(
        said_of(who, turn=turn, is_baseline=is_bare, is_reference=is_bare, megapixels=size.area / 1e6),
        stage=stage.split()[0],
    )
    return timed_rounds(benchmark, work, lambda: (arguments, {}))


def size_of(pixels: Pixels) -> Size:
    return Size(pixels.shape[1], pixels.shape[0])


def test_decode(benchmark, name, who, turn, scale):
    workload = made(name, scale)
    path = workload.make()
    bare = bare_stages.read_picture if workload.kind == "jpg" else bare_stages.read_slide

    work = bare if who == BARE_READERS[name] else reading_by(who, path)
    pixels = timed(benchmark, f"decode {name} {workload.size}", who, turn, workload.size, work, path)
    assert np.array_equal(pixels, bare(path))


def test_halve(benchmark, section, who, turn):
    size = size_of(section)
    half = np.empty(((size.height + 1) // 2, (size.width + 1) // 2, 3), np.uint8)
    with no_threads_of_opencv():
        timed(benchmark, f"halve svs {size}", who, turn, size, HALVERS[who], section, half)
    assert np.array_equal(half, contract.halve(section))


def test_encode(benchmark, section, who, turn):
    with skipped_where_unable(who):
        writer = load().writer(who.split()[-1]).make(None)
    encode = BARE_WRITERS.get(who, writer.encode)
    tiles = tiles_of(section)
    lossless = writer.encoding.lossless
    stage = f"encode svs {size_of(section)}, {'lossless' if lossless else 'lossy'}"
    encoded = timed(benchmark, stage, who, turn, size_of(section), lambda: [encode(tile) for tile in tiles])
    benchmark.extra_info["bytes"] = sum(map(len, encoded))
    for tile, data in zip(tiles, encoded, strict=True):
        assert writer.decode(data).shape == tile.shape
    if lossless:
        assert np.array_equal(writer.decode(encoded[0]), tiles[0])


def test_write(benchmark, section, who, turn, tmp_path):
    encoded = {f"p_files/12/{n}_0.jpeg": bare_stages.encode_jpeg(tile) for n, tile in enumerate(tiles_of(section))}
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

    store = timed(benchmark, f"write svs {size_of(section)}", who, turn, size_of(section), write)
    assert {key: store.get(key) for key in encoded} == encoded
