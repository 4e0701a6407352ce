"""Whatever fails in a run of `stream`, in whichever thread: that error, nothing left behind, and never a hang."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import tifffile

from tests.pictures import damage_tile, photo, svs
from tests.streamed import Fault, Slide, threads_of_ours
from tileframe import Access, CheckError, InputError, OutputError, Report, Size, TileframeError
from tileframe.testing.cases import gradient
from tileframe_start.command import run_command
from tileframe_stores.directory import DirectoryStore
from tileframe_stream.pool import OrderedPool

BOTH = [Access.ROWS, Access.REGIONS]
SIZE = Size(2501, 2403)  # strips and blocks enough for a fault in the middle
PIXELS = gradient(SIZE)
PATIENCE = 60


class StrangeError(Exception):
    """What no code here expects."""


def at(number: int, error: BaseException) -> Fault:
    def fault(now: int) -> None:
        if now == number:
            raise error

    return fault


def outcome(work: Callable[[], Report]) -> Report | BaseException:
    """What ``work`` ends with; a failure of the test if it does not end."""
    ends: list[Report | BaseException] = []

    def guarded() -> None:
        try:
            ends.append(work())
        except BaseException as error:
            ends.append(error)

    thread = threading.Thread(target=guarded, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    assert not thread.is_alive(), "it hangs"
    return ends[0]


def assert_failed(slide: Slide, error: BaseException, workers: int) -> None:
    found = outcome(lambda: slide.run("out", tile_size=254, workers=workers))
    assert type(found) is type(error), repr(found)
    assert str(error) in str(found)
    assert os.listdir(slide.folder) == ["slide.streamed"]
    assert list(threads_of_ours()) == []


everywhere = pytest.mark.parametrize("access", BOTH)
by_one_and_by_many = pytest.mark.parametrize("workers", [1, 4])


@pytest.mark.parametrize("error", [InputError("the slide is damaged"), StrangeError("a bug in a reader")], ids=repr)
@pytest.mark.parametrize("number", [0, 2])
@everywhere
@by_one_and_by_many
def test_a_source_that_fails(error, number, access, workers, tmp_path):
    assert_failed(Slide(tmp_path, PIXELS, access, fault=at(number, error)), error, workers)


@pytest.mark.parametrize("error", [CheckError("is no tile"), StrangeError("a bug in a writer")], ids=repr)
@pytest.mark.parametrize("number", [0, pytest.param(57, marks=pytest.mark.thorough), 125])
@everywhere
@by_one_and_by_many
def test_a_writer_that_fails(error, number, access, workers, tmp_path):
    slide = Slide(tmp_path, PIXELS, access)
    slide.writer.fault = at(number, error)
    assert_failed(slide, error, workers)


@everywhere
@by_one_and_by_many
def test_a_store_that_fails(access, workers, monkeypatch, tmp_path):
    put, error = DirectoryStore.put, OutputError("the disk is full")
    lock, left = threading.Lock(), [50]

    def failing(self: DirectoryStore, key: str, data: bytes) -> None:
        with lock:
            left[0] -= 1
        if left[0] <= 0:
            raise error
        put(self, key, data)

    monkeypatch.setattr(DirectoryStore, "put", failing)
    assert_failed(Slide(tmp_path, PIXELS, access), error, workers)


@everywhere
@by_one_and_by_many
def test_a_tile_of_a_wrong_size_is_refused_by_its_key(access, workers, tmp_path):
    slide = Slide(tmp_path, PIXELS, access)
    encode = slide.writer.encode
    slide.writer.encode = lambda pixels: encode(pixels[:-1])  # type: ignore[method-assign]
    found = outcome(lambda: slide.run("out", workers=workers))
    assert isinstance(found, CheckError)
    assert str(found).startswith("a_files/12/")
    assert os.listdir(tmp_path) == ["slide.streamed"]


@everywhere
@by_one_and_by_many
def test_ctrl_c_leaves_nothing(access, workers, tmp_path):
    slide = Slide(tmp_path, PIXELS, access, fault=lambda number: time.sleep(0.02))

    def interrupted(tiles: int, pixels: int) -> None:
        raise KeyboardInterrupt

    found = outcome(lambda: slide.run("out", workers=workers, progress=interrupted))
    assert isinstance(found, KeyboardInterrupt)
    assert os.listdir(tmp_path) == ["slide.streamed"]
    assert list(threads_of_ours()) == []


@everywhere
def test_a_run_that_ends_early_finishes_no_block_and_no_strip_first(access, tmp_path):
    slide = Slide(tmp_path, PIXELS, access)
    made: list[int] = []
    error = StrangeError("enough")

    def slow(number: int) -> None:
        made.append(number)
        time.sleep(0.01)
        if number == 20:
            raise error

    slide.writer.fault = slow
    assert_failed(slide, error, 2)
    assert len(made) < 60  # 20, a row of a block or two tiles by the other worker, and no more


@everywhere
def test_what_cannot_be_read_says_where(access, tmp_path):
    slide = Slide(tmp_path, PIXELS, access, fault=at(1, InputError("it is damaged")))
    found = outcome(lambda: slide.run("out", workers=1))
    assert isinstance(found, TileframeError)
    where = {
        Access.ROWS: "it is damaged (rows 0 to 253 of the base)",
        Access.REGIONS: "it is damaged (in the tiles a_files/12/8_0.raw to a_files/12/9_7.raw)",
    }
    assert str(found) == where[access]


def test_of_many_errors_the_first_is_told(tmp_path):
    def fault(number: int) -> None:
        raise InputError(f"read {number} failed")

    slide = Slide(tmp_path, PIXELS, Access.REGIONS, fault=fault)
    assert str(outcome(lambda: slide.run("out", workers=2))).startswith(("read 0 failed", "read 1 failed"))


def test_a_damaged_slide_exits_with_3_and_says_which_tiles(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    damage_tile(svs(Path("a.svs"), photo(1500, 1100), levels=(1,)), 7)
    assert run_command(["run", "a.svs", "-o", "out/a"]) == 3
    said = capfd.readouterr().err
    assert said.startswith("tileframe: a.svs: tile 1, 1 of the base cannot be read")
    assert said.endswith("(in the tiles a_files/11/0_0.jpeg to a_files/11/5_4.jpeg)\n")
    assert len(said.splitlines()) == 1
    assert os.listdir(tmp_path) == ["a.svs"]


def test_a_damaged_picture_exits_with_3_and_says_which_rows(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    tifffile.imwrite("a.tif", photo(900, 700), photometric="rgb", rowsperstrip=100, compression="jpeg")
    damage_tile(Path("a.tif"), 3)
    assert run_command(["run", "a.tif", "-o", "out/a"]) == 3
    said = capfd.readouterr().err
    assert said.startswith("tileframe: a.tif: ")
    assert said.endswith("(rows 254 to 507 of the base)\n")
    assert len(said.splitlines()) == 1
    assert os.listdir(tmp_path) == ["a.tif"]


def test_a_pool_that_is_stopped_begins_nothing_more():
    done: list[int] = []
    pool = OrderedPool(2, lambda: None)

    def task() -> None:
        time.sleep(0.01)
        done.append(1)

    for _ in range(100):
        pool.submit(task)
    pool.start()
    pool.stop()
    before = len(done)
    time.sleep(0.05)
    assert len(done) == before < 100
