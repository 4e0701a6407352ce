"""Small slides of a batch are run side by side; several runs in one process do not disturb each other."""

from __future__ import annotations

import errno
import shutil
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import pytest
import pyvips

from tests.pictures import jpeg, photo, png, svs
from tests.pyramids import differing
from tileframe import Box, InputError, Location, OutputError, Spec, run, verify
from tileframe_batch import Failed, Made, Planned, Progressed, Started, run_many, running
from tileframe_start.command import run_command
from tileframe_vips.reader import VipsReader

TWO = Spec(Path(), Location("file", "", ""), workers=2)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Path:
    """A folder of slides of several kinds."""
    scans = tmp_path_factory.mktemp("drawn")
    for number in range(3):
        svs(scans / f"s{number}.svs", photo(500, 400, seed=number), levels=(1,))
        jpeg(scans / f"j{number}.jpg", photo(300, 220, seed=number))
        png(scans / f"p{number}.png", photo(260, 250, seed=number))
    return scans


@pytest.fixture
def here(drawn, tmp_path, monkeypatch) -> Path:
    """The current folder, with a copy of the folder of slides."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(drawn, tmp_path / "scans")
    return tmp_path


def under_way(events: list[Any]) -> list[int]:
    """How many slides were under way at each event, of those that were planned."""
    found, slides = [], set()
    for event in events:
        if isinstance(event, Planned):
            slides.add(event.slide)
        elif not isinstance(event, Progressed):
            slides.discard(event.slide)
        found.append(len(slides))
    return found


def test_small_ones_are_as_those_of_single_runs_and_broken_ones_stop_none(here, capsys):
    for name in ("b1.jpg", "b2.png"):
        (here / "scans" / name).write_bytes((here / "scans" / f"{name[0].replace('b', 'j')}1.jpg").read_bytes()[:900])
    assert run_command(["run", "scans", "-o", "out/", "--workers", "2"]) == 3
    said = capsys.readouterr()
    assert said.out.splitlines()[-1] == "11 slides: 9 made, 0 up to date, 2 failed"
    assert said.err.splitlines()[-1].startswith("tileframe: 2 of 11 slides failed: ")
    for slide in ("s1.svs", "j1.jpg", "p1.png"):
        run(f"scans/{slide}", f"single/{slide[:2]}", workers=1)
        assert differing(Path(f"single/{slide[:2]}.dzi"), Path(f"out/{slide[:2]}.dzi")) == []


def test_as_many_as_there_are_workers_are_under_way(here):
    events: list[Any] = []
    ended = run_many(["scans"], "out/", like=TWO, on_event=events.append)
    assert [type(one) for one in ended] == [Made] * 9
    assert max(under_way(events)) == 2
    plans = [event.plan for event in events if isinstance(event, Planned)]
    assert {plan.live.workers for plan in plans} == {1}


def test_large_ones_are_alone_with_all_workers_and_come_last(here, monkeypatch):
    monkeypatch.setattr(running, "SMALL", 500 * 400 - 1)
    events: list[Any] = []
    ended = run_many(["scans"], "out/", like=TWO, on_event=events.append)
    assert [Path(one.slide.name).suffix for one in ended[-3:]] == [".svs"] * 3
    first = next(
        at for at, event in enumerate(events) if isinstance(event, Planned) and Path(event.slide.name).suffix == ".svs"
    )
    assert max(under_way(events[first:])) == 1
    workers = {event.plan.live.workers for event in events[first:] if isinstance(event, Planned)}
    assert workers == {2}
    assert [event.number for event in events if isinstance(event, Started)].count(1) == 1


def test_what_little_memory_holds_is_run_at_once(here, monkeypatch):
    monkeypatch.setenv("TILEFRAME_MEMORY", "0.6")
    events: list[Any] = []
    run_many(["scans"], "out/", like=TWO, on_event=events.append)
    assert max(under_way(events)) == 1


def test_events_come_by_the_thread_that_asked(here):
    threads = set()
    run_many(["scans"], "out/", like=TWO, on_event=lambda event: threads.add(threading.current_thread()))
    assert threads == {threading.current_thread()}


def test_what_the_caller_raises_ends_all_and_leaves_nothing_half_made(here):
    def raising(event: object) -> None:
        if isinstance(event, Made):
            raise KeyError("of the caller")

    with pytest.raises(KeyError, match="of the caller"):
        run_many(["scans"], "out/", like=TWO, on_event=raising)
    assert not list(here.glob("out/.*"))
    made = list(here.glob("out/*.dzi"))
    assert 1 <= len(made) < 9
    assert [finding for one in made for finding in verify(one, workers=1)] == []


def test_a_full_disk_lets_none_begin(here, monkeypatch):
    from tileframe_stores.directory import DirectoryStore

    def full(self: DirectoryStore, key: str, data: bytes) -> None:
        raise OutputError(f"{key}: cannot be written") from OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(DirectoryStore, "put", full)
    ended = run_many(["scans"], "out/", like=TWO)
    assert {type(one) for one in ended} == {Failed}
    assert len(ended) <= 2
    assert not Path("out").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT is sent the POSIX way")
def test_ctrl_c_stops_all_and_leaves_nothing_that_is_not_told(here):
    large = jpeg(here / "scans" / "l0.jpg", photo(3600, 3000))
    shutil.copy(large, large.with_name("l1.jpg"))
    command = [sys.executable, "-m", "tileframe", "run", "scans", "-o", "out/", "--workers", "2", "--format", "png"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for _ in range(3):  # then the large ones are under way
        process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.splitlines()[-1].startswith("tileframe: interrupted; ")
    assert "the same command goes on with the rest" in said
    assert [path for path in Path("out").glob(".*") if f"{path}" not in said] == []
    made = list(Path("out").glob("*.dzi"))
    assert 3 <= len(made) < 11
    assert [finding for one in made for finding in verify(one, workers=1)] == []


def test_opencv_has_its_threads_back_after_the_last_of_several_runs(here):
    before = cv2.getNumThreads()
    cv2.setNumThreads(3)
    try:
        first = threading.Event()

        def progress(tiles: int, pixels: int) -> None:
            assert cv2.getNumThreads() == 1
            first.wait(10)

        with ThreadPoolExecutor(1) as pool:
            long = pool.submit(run, "scans/s0.svs", "out/s0", workers=1, progress=progress)
            run("scans/s1.svs", "out/s1", workers=1, on_plan=lambda plan: first.set())
            long.result()
        assert cv2.getNumThreads() == 3
    finally:
        cv2.setNumThreads(before)


def test_dzsave_is_bounded_for_its_own_picture_alone(here):
    before, seen = pyvips.concurrency_get(), set()
    pyvips.concurrency_set(3)
    try:
        run("scans/j0.jpg", "out/j0", backend="vips", workers=1, progress=lambda *_: seen.add(pyvips.concurrency_get()))
    finally:
        pyvips.concurrency_set(before)
    assert seen == {3}


@pytest.mark.parametrize("backend", ["stream", pytest.param("vips", marks=pytest.mark.thorough)])
def test_damage_is_seen_while_other_pictures_fail_in_the_same_process(backend, here):
    whole = (here / "scans" / "j0.jpg").read_bytes()
    cut = here / "cut.jpg"
    # In the last row of squares, of which libvips itself never tells.
    cut.write_bytes(whole[:-60] + b"\xff\xd9")
    (here / "bad.jpg").write_bytes(whole[:300])
    stop = threading.Event()

    def fail() -> None:
        while not stop.is_set():
            with pytest.raises(InputError):
                VipsReader().open(here / "bad.jpg")

    with ThreadPoolExecutor(1) as pool:
        failing = pool.submit(fail)
        try:
            for number in range(10):
                with pytest.raises(InputError, match=r"cut\.jpg: the JPEG is damaged \(Corrupt JPEG data"):
                    run(cut, f"out/cut{number}", backend=backend, workers=1)
        finally:
            stop.set()
        failing.result()


def test_a_warning_that_somebody_has_cleared_is_not_lost(here, monkeypatch):
    fetch = pyvips.Region.fetch

    def cleared(self: Any, *box: int) -> Any:
        fetched = fetch(self, *box)
        pyvips.vips_lib.vips_error_clear()
        return fetched

    monkeypatch.setattr(pyvips.Region, "fetch", cleared)
    whole = (here / "scans" / "j0.jpg").read_bytes()
    (here / "cut.jpg").write_bytes(whole[:-60] + b"\xff\xd9")
    with VipsReader().open(here / "cut.jpg") as source, pytest.raises(InputError, match="is damaged"):
        source.read(Box(0, 0, 300, 220))
    with VipsReader().open(here / "scans" / "j0.jpg") as source:
        assert source.read(Box(0, 0, 300, 220)).shape == (220, 300, 3)


def test_memory_does_not_grow_with_the_number_of_slides(here):
    jpeg(here / "m.jpg", photo(2300, 1700))
    code = """
import psutil, tileframe
for number in range(14):
    tileframe.run("m.jpg", f"out/{number}", workers=1)
    if number in (1, 13):
        print(psutil.Process().memory_info().rss)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    early, late = map(int, done.stdout.split())
    assert late - early < 30e6  # it was 80 MB
