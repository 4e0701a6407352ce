"""How much memory `stream` takes for pixels: as documented, and no more for a higher picture or more tiles."""

from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.streamed import HEADER, Slide, StreamedSource
from tileframe import (
    Access,
    Box,
    Content,
    InputError,
    Location,
    Size,
    Spec,
    StoredFiles,
    StorePlugin,
    hookimpl,
    run,
)
from tileframe.ledger import Ledger
from tileframe.pixels import Pixels
from tileframe.planning import Prepared, prepare
from tileframe.work import AHEAD
from tileframe_stream.blocks import levels_of_block
from tileframe_stream.rows import BUFFERS, LEAST_STRIPS, MOST_STRIPS, strips_at_once
from tileframe_stream.strips import strip_height

MB = 1_000_000
AROUND = 4 * MB  # what is not pixels, and a tile or two of the layouts here for each worker


class Nowhere:
    """A store that keeps keys alone, in a file; each of its tiles is a black pixel."""

    shared = False

    def __init__(self, folder: Path) -> None:
        self.path, self.lock = folder / "keys", threading.Lock()

    def prepare(self) -> None:
        self.list = self.path.open("w+", encoding="utf-8")

    def put(self, key: str, data: bytes) -> None:
        with self.lock:
            self.list.write(f"{key}\n")

    def get(self, key: str) -> bytes:
        return HEADER.pack(1, 1)

    def keys(self) -> Iterator[str]:
        self.list.seek(0)
        return (line.rstrip() for line in self.list)

    def commit(self, files: Mapping[str, Content]) -> None:
        for content in files.values():
            for _ in [content] if isinstance(content, bytes) else content:
                pass

    def discard(self) -> None:
        self.list.close()


def _nothing(location: Location) -> StoredFiles:
    raise InputError(f"{location}: nothing is kept there")


class Endless(Slide):
    """A slide without pixels of its own, and the store `nowhere`, at locations that begin with ``nowhere://``."""

    def __init__(self, folder: Path, size: Size, access: Access) -> None:
        super().__init__(folder, np.zeros((1, 1, 3), np.uint8), access)
        self.facts = replace(self.facts, size=size)

    def open(self, path: Path, *, background: object = None) -> StreamedSource:
        return EndlessSource(self)

    @hookimpl
    def tileframe_stores(self) -> list[StorePlugin]:
        return [
            StorePlugin("nowhere", "in tests", lambda target: Nowhere(self.folder), open=_nothing, schemes=("nowhere",))
        ]

    def prepared(self, **options: Any) -> Prepared:
        how = {"reader": "streamed", "backend": "stream", "format": "blank", **options}
        return prepare(Spec(self.path, self.registry.location("nowhere://a"), **how), self.registry)


class EndlessSource(StreamedSource):
    """Black wherever it is read."""

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        return np.zeros((box.height, box.width, 3), np.uint8)


def most_at_once(work: Callable[[], object]) -> int:
    """The most bytes that ``work`` held at once."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def peak(folder: Path, size: Size, access: Access, **options: int) -> int:
    """The most bytes at once, while all tiles of such a slide are made."""
    prepared = Endless(folder, size, access).prepared(**options)
    ledger = Ledger(prepared.plan.pyramid, prepared.job.layout.levels)
    job = replace(prepared.job, ledger=ledger)
    job.store.prepare()
    try:
        return most_at_once(lambda: prepared.backend.run(job, lambda tiles, pixels: None))
    finally:
        job.store.discard()
        ledger.close()


def strips(width: int, tile_size: int, overlap: int) -> int:
    """The documented bytes for slides that come in rows."""
    strip = 3 * width * (strip_height(tile_size) + 2 * overlap)
    base = strip * min(MOST_STRIPS, max(LEAST_STRIPS, BUFFERS // strip))
    return 2 * base


def blocks(width: int, tile_size: int, overlap: int, workers: int) -> int:
    """The documented bytes for slides that can be read anywhere."""
    levels = levels_of_block(tile_size, 99)
    side = (tile_size << levels) + 2 * (overlap << levels)
    block, remainder = 3 * side * side, 3 * tile_size * tile_size
    strip = 3 * (width >> levels) * (strip_height(tile_size) + 2 * overlap)
    return workers * (block * 3 // 2 + AHEAD * remainder) + 2 * LEAST_STRIPS * strip


LAYOUTS = [(254, 1), (512, 0), (255, 3)]
both = pytest.mark.parametrize("access", [Access.ROWS, Access.REGIONS])


@both
@pytest.mark.parametrize(
    ("tile_size", "overlap"),
    [pytest.param(*layout, marks=[] if layout == LAYOUTS[0] else [pytest.mark.thorough]) for layout in LAYOUTS],
)
def test_a_higher_picture_takes_no_more(access, tile_size, overlap, tmp_path):
    options = {"tile_size": tile_size, "overlap": overlap, "workers": 1}
    low, high = (peak(tmp_path, Size(2000, height), access, **options) for height in (8000, 24_000))
    assert high < 1.15 * low  # threads meet by chance, which makes a strip more or less


# Each size and each number of workers with every layout and access; of the two with each other, the pairs in turn. And
# each layout with one of them in the quick suite.
@both
@pytest.mark.parametrize(
    ("tile_size", "overlap", "workers", "size"),
    [
        pytest.param(
            *layout,
            workers,
            (Size(9001, 4401), Size(30001, 2601))[(number + workers) % 2],
            marks=[pytest.mark.thorough] if (workers == 1) == number % 2 else [],
        )
        for number, layout in enumerate(LAYOUTS)
        for workers in (1, 4)
    ],
    ids=str,
)
def test_it_stays_within_what_is_documented(size, access, tile_size, overlap, workers, tmp_path):
    found = peak(tmp_path, size, access, tile_size=tile_size, overlap=overlap, workers=workers)
    most = (
        strips(size.width, tile_size, overlap)
        if access is Access.ROWS
        else blocks(size.width, tile_size, overlap, workers)
    )
    assert found < most + AROUND


def test_a_run_of_many_tiles_takes_no_more_than_one_of_few(tmp_path, monkeypatch):
    """All of it: the tiles, what is known of each, the check at the end, and the list of digests.

    In rows, whose units of work are the smaller ones; but for them, it is all the same whichever the access.
    """
    # It asks for 14 MB and gives them back, before which all else here would be small.
    monkeypatch.setattr("tileframe_stream.backend.keep_freed_memory", lambda: None)

    def whole_run(height: int) -> tuple[int, int]:
        slide, made = Endless(tmp_path, Size(64, height), Access.ROWS), []
        how: dict[str, Any] = {"format": "blank", "tile_size": 16, "overlap": 0, "workers": 1}
        most = most_at_once(
            lambda: made.append(run(slide.path, "nowhere://a", reader="streamed", registry=slide.registry, **how))
        )
        return most, made[0].tiles

    few, fewer = whole_run(24_000)
    many, more = whole_run(48_000)
    assert more > 1.99 * fewer > 15_000
    assert many - few < 40 * (more - fewer)  # in bytes: the name of a tile alone would take 70


def test_strips_are_few_where_they_are_large_and_never_too_few(tmp_path):
    def at_once(width: int) -> int:
        return strips_at_once(Endless(tmp_path, Size(width, 9000), Access.ROWS).prepared().job)

    assert [at_once(width) for width in (1000, 15_000, 20_000, 200_000)] == [6, 6, 4, 3]
