"""Copies of slides at URLs: kept within a bound, whole or not at all, and never removed while they are read."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.pictures import photo, png
from tests.served import Served, serving
from tileframe import Box, InputError, open_slide
from tileframe_start.command import run_command

pytest.importorskip("obstore")
posix = pytest.mark.skipif(sys.platform == "win32", reason="who reads a copy is known by locks of POSIX")
BOX = Box(0, 0, 300, 20)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("TILEFRAME_CACHE", f"{tmp_path / 'cache'}")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache"


@pytest.fixture
def served(tmp_path):
    """Three pictures of about 180 kB."""
    names = ("a.png", "b.png", "c.png")
    files = {
        f"/{name}": png(tmp_path / name, photo(300, 200, seed=seed)).read_bytes() for seed, name in enumerate(names)
    }
    with serving(files) as found:
        yield found


def copies(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.glob("*/*"))


def read(served: Served, name: str) -> None:
    with open_slide(f"{served.url}/{name}") as source:
        source.read(BOX)


def allow(monkeypatch, served: Served, count: float) -> None:
    """Let the cache hold so many of the pictures."""
    longest = max(map(len, served.files.values()))
    monkeypatch.setenv("TILEFRAME_CACHE_SIZE", f"{count * longest / 1e9:.7f}")


def test_a_copy_is_used_again_until_the_file_changes(served, cache):
    read(served, "a.png")
    sent = served.sent
    read(served, "a.png")
    assert served.sent - sent <= 1 << 14, "the beginning alone"
    served.etag = '"two"'
    read(served, "a.png")
    assert served.sent - sent > len(served.files["/a.png"])
    assert copies(cache) == ["a.png", "a.png"]


def test_another_signature_means_no_other_copy_but_another_query_does(served, cache):
    signed = "?X-Amz-Signature={}&X-Amz-Date={}", "?sv=2025&sig={}&se={}", "?Expires={}&Signature={}&Key-Pair-Id=3"
    for number in range(2):
        for query in signed:
            read(served, f"a.png{query.format(number, number)}")
    assert copies(cache) == ["a.png"]
    read(served, "a.png?id=1")
    read(served, "a.png?id=2")
    assert copies(cache) == ["a.png"] * 3


def test_a_copy_without_a_version_serves_no_other_run(served, cache):
    served.etag = None
    read(served, "a.png")
    sent = served.sent
    read(served, "a.png")
    assert served.sent - sent > len(served.files["/a.png"])
    served.modified = "Sat, 28 Nov 2026 10:00:00 GMT"
    read(served, "a.png")
    sent = served.sent
    read(served, "a.png")
    assert served.sent - sent <= 1 << 14


def test_what_was_not_used_for_the_longest_time_is_removed(served, cache, monkeypatch):
    allow(monkeypatch, served, 2.1)
    for name in ("a.png", "b.png"):
        read(served, name)
    for number, folder in enumerate(sorted(cache.glob("*/*.png"), key=lambda path: path.name)):
        os.utime(folder, (1000 + number, 1000 + number))
    read(served, "a.png")
    read(served, "c.png")
    assert copies(cache) == ["a.png", "c.png"]
    assert len(list(cache.glob("*.lock"))) in (0, 2)


@posix
def test_what_is_read_is_not_removed(served, cache, monkeypatch):
    allow(monkeypatch, served, 1.1)
    with open_slide(f"{served.url}/a.png") as source:
        with pytest.raises(InputError, match=r"b\.png: has .* kB, and there is no room in .*; .* kB there are in use"):
            read(served, "b.png")
        source.read(BOX)
    del source
    read(served, "b.png")
    assert copies(cache) == ["b.png"]


def test_what_is_larger_than_the_bound_is_refused(served, cache, monkeypatch, capsys):
    allow(monkeypatch, served, 0.5)
    assert run_command(["run", f"{served.url}/a.png"]) == 3
    said = capsys.readouterr().err
    assert said.startswith(f"tileframe: {served.url}/a.png: has ")
    assert said.endswith("TILEFRAME_CACHE_SIZE=GB allows more, and TILEFRAME_CACHE names another folder\n")
    assert list(cache.iterdir()) == []
    monkeypatch.setenv("TILEFRAME_CACHE_SIZE", "much")
    assert run_command(["run", f"{served.url}/a.png"]) == 2
    assert "TILEFRAME_CACHE_SIZE is a number of gigabytes, not 'much'" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_named(served, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TILEFRAME_CACHE", f"{tmp_path / 'file' / 'cache'}")
    assert run_command(["run", f"{served.url}/a.png"]) == 3
    assert "a.png: no copy of it can be kept in " in capsys.readouterr().err


def test_nothing_is_said_where_all_is_to_be_quiet(served, capsys):
    assert run_command(["run", f"{served.url}/a.png", "-q"]) == 0
    assert capsys.readouterr().err == ""


def test_one_download_serves_all_who_want_it_at_once(served, cache):
    served.delay = 0.05
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda name: read(served, name), ["a.png"] * 4))
    assert copies(cache) == ["a.png"]
    whole = [asked for _, asked in served.requests if asked != f"bytes=0-{(1 << 14) - 1}"]
    assert len(whole) == 1


@posix
def test_who_waits_for_another_download_says_so(served, cache, caplog):
    from tileframe_remote.locks import Lock

    read(served, "a.png")
    (path,) = cache.glob("*/a.png")
    lock = Lock(cache / f"{path.parent.name}.lock", path)
    assert lock.own(wait=True)
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(read, served, "a.png")
        deadline = time.monotonic() + 60
        while "a.png: waiting for another process that downloads it" not in caplog.text:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert not reading.done()
        lock.release()
        reading.result(60)


@posix
def test_a_killed_download_never_passes_for_a_file(served, cache):
    served.files["/a.png"] += bytes(20 << 20)  # behind the end of the picture
    served.delay = 0.2
    code = f"import tileframe; tileframe.open_slide('{served.url}/a.png')"
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while not list(cache.glob("*/*.part")) or len(served.requests) < 4:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    assert len(copies(cache)) == 1
    served.delay = 0
    read(served, "a.png")
    assert copies(cache) == ["a.png"], "what was left is gone"


def test_blocks_are_asked_for_once_and_together_where_a_file_is_read_on():
    from tileframe_remote.blocks import BLOCK, BlockFile, Blocks

    content = random.Random(1).randbytes(40 * BLOCK + 5)
    asked: list[int] = []

    def fetch(start: int, end: int) -> bytes:
        asked.append(end - start)
        return content[start:end]

    blocks = Blocks(fetch, len(content), most=50)
    with BlockFile(blocks.read, len(content)) as file:
        assert file.read() == content
        assert sum(asked) == len(content)
        assert file.read_at(len(content) - 2, 10) == content[-2:]
        assert file.read_at(len(content), 10) == b""
    asked.clear()
    on = Blocks(fetch, len(content), most=50)
    assert b"".join(on.read(place, 1000) for place in range(0, len(content), 1000)) == content
    assert (sum(asked), len(asked)) == (len(content), 6)
    asked.clear()
    gaps = Blocks(fetch, len(content), most=50)
    for place in range(0, len(content), 4 * BLOCK):
        gaps.read(place, BLOCK // 2)
    assert sum(asked) <= 11 * BLOCK
    few = Blocks(fetch, len(content), most=2)
    for place in random.Random(2).choices(range(len(content)), k=50):
        assert few.read(place, 3 * BLOCK) == content[place : place + 3 * BLOCK]
    assert len(few._kept) <= 2
