"""The stages of the work, one at a time and in one thread: decoding, the 2x2 mean, encoding, writing.

Every one is given the same piece of a slide, and what it makes is looked at. `extra_info` has its megapixels, so that
rates can be had from the times.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from benchmarks.baselines import TILE_SIZE
from benchmarks.workloads import WORKLOADS, Workload, scaled, suite_scale
from tileframe import Access, Box, Source
from tileframe import pixels as contract
from tileframe.pixels import Pixels
from tileframe.planning import open_source
from tileframe.registry import load
from tileframe_stream.halving import halve

# Which reader decodes which workload.
READERS = (
    ("babel", "vips"),
    ("babel", "imageslide"),
    ("svs", "tiff"),
    ("svs", "openslide"),
    ("jp2k", "tiff"),
    ("jp2k", "openslide"),
)
WRITERS = ("jpeg", "png")
ROUNDS = 3
# Rows are read by a row of tiles at a time, regions by squares of so many pixels a side.
SQUARE = 2048


@pytest.fixture
def scale(benchmark) -> float:
    return suite_scale(timed=benchmark.enabled)


@pytest.fixture
def section(scale) -> Pixels:
    """The pixels of a slide."""
    _, source = open_source(made("svs", scale).make(), load())
    with source:
        return decoded(source)


def made(name: str, scale: float) -> Workload:
    return scaled(WORKLOADS[name], scale)


def boxes(source: Source) -> Iterator[Box]:
    """Yield the parts of the base in which it is read."""
    size = source.facts.size
    in_order = source.facts.access is Access.ROWS
    wide, high = (size.width, TILE_SIZE) if in_order else (SQUARE, SQUARE)
    for y in range(0, size.height, high):
        for x in range(0, size.width, wide):
            yield Box(x, y, min(wide, size.width - x), min(high, size.height - y))


def decoded(source: Source) -> Pixels:
    size = source.facts.size
    pixels = np.empty((size.height, size.width, 3), np.uint8)
    for box in boxes(source):
        pixels[box.y : box.bottom, box.x : box.right] = source.read(box)
    return pixels


def tiles_of(pixels: Pixels) -> list[Pixels]:
    height, width = pixels.shape[:2]
    return [
        pixels[y : y + TILE_SIZE, x : x + TILE_SIZE]
        for y in range(0, height, TILE_SIZE)
        for x in range(0, width, TILE_SIZE)
    ]


def timed(benchmark, stage: str, pixels: int, work, *arguments):
    benchmark.group = stage
    benchmark.extra_info["megapixels"] = pixels / 1e6
    return benchmark.pedantic(work, arguments, rounds=ROUNDS, warmup_rounds=1)


@pytest.mark.parametrize(("name", "reader"), READERS)
def test_decode(benchmark, name, reader, scale):
    workload = made(name, scale)
    path = workload.make()

    def decode() -> Pixels:
        # Opened each time: rows are given once.
        _, source = open_source(path, load(), reader=reader)
        with source:
            return decoded(source)

    pixels = timed(benchmark, f"decode {name}", workload.size.area, decode)
    _, other = open_source(path, load(), reader="imageslide" if workload.kind == "jpg" else "openslide")
    with other:
        assert np.array_equal(pixels, decoded(other))


def test_halve(benchmark, section):
    height, width = section.shape[:2]
    half = np.empty(((height + 1) // 2, (width + 1) // 2, 3), np.uint8)
    timed(benchmark, "halve", height * width, halve, section, half)
    assert np.array_equal(half, contract.halve(section))


@pytest.mark.parametrize("name", WRITERS)
def test_encode(benchmark, section, name):
    writer = load().writer(name).make(None)
    tiles = tiles_of(section)

    def encode() -> list[bytes]:
        return [writer.encode(tile) for tile in tiles]

    encoded = timed(benchmark, "encode", section.shape[0] * section.shape[1], encode)
    benchmark.extra_info["bytes"] = sum(map(len, encoded))
    for tile, data in zip(tiles, encoded, strict=True):
        assert writer.decode(data).shape == tile.shape
    if writer.encoding.lossless:
        assert np.array_equal(writer.decode(encoded[0]), tiles[0])


def test_write(benchmark, section, tmp_path):
    writer = load().writer("jpeg").make(None)
    encoded = [writer.encode(tile) for tile in tiles_of(section)]
    folders = itertools.count()

    def write() -> Path:
        folder = tmp_path / f"{next(folders)}"
        folder.mkdir()
        for number, data in enumerate(encoded):
            with open(f"{folder}/{number}", "wb", buffering=0) as file:
                file.write(data)
        return folder

    folder = timed(benchmark, "write", section.shape[0] * section.shape[1], write)
    assert [(folder / f"{number}").read_bytes() for number in range(len(encoded))] == encoded
