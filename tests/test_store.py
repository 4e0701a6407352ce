"""The folder as a store: nothing before all is done, and everything then."""

from __future__ import annotations

import json
import os
import shutil
import sys
import threading
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.loose import (
    DESCRIPTOR,
    contents,
    dead_owner,
    die,
    old_pyramid,
    prepared,
    store_for,
    without_locks,
)
from tileframe import InputError, Location, OutputError
from tileframe_stores.directory import DirectoryStore
from tileframe_stores.loose import StoredDirectory


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[DirectoryStore]:
    store = prepared(tmp_path)
    yield store
    store.discard()


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_nothing_is_seen_before_commit_and_nothing_else_after(opened, tmp_path):
    opened.put("out_files/0/0_0.png", b"tile")
    assert visible(tmp_path) == []
    opened.commit({"out.dzi": DESCRIPTOR})
    opened.discard()
    assert contents(tmp_path) == {"out.dzi": DESCRIPTOR, "out_files/0/0_0.png": b"tile"}
    assert sorted(os.listdir(tmp_path)) == ["out.dzi", "out_files"]


def test_discard_leaves_nothing_not_even_the_folders_that_were_made(tmp_path):
    store = prepared(tmp_path / "new" / "deep")
    store.put("out_files/0/0_0.png", b"tile")
    store.discard()
    assert os.listdir(tmp_path) == []


def test_what_was_put_can_be_listed_and_read(opened):
    opened.put("out_files/3/1_2.png", b"tile")
    assert list(opened.keys()) == ["out_files/3/1_2.png"]
    assert opened.get("out_files/3/1_2.png") == b"tile"
    with pytest.raises(KeyError):
        opened.get("out_files/3/9_9.png")


def test_a_later_put_replaces_an_earlier_one(opened):
    opened.put("out_files/3/1_2.png", b"a longer tile")
    opened.put("out_files/3/1_2.png", b"tile")
    assert opened.get("out_files/3/1_2.png") == b"tile"


def test_many_threads_may_put_at_once(opened):
    def put(thread: int) -> None:
        for number in range(50):
            opened.put(f"out_files/{number % 5}/{thread}_{number}.png", b"%d" % thread)

    threads = [threading.Thread(target=put, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(list(opened.keys())) == 400


def test_listing_needs_no_memory_for_every_key(opened):
    for number in range(3000):
        opened.put(f"out_files/12/{number}_0.png", b"")
    tracemalloc.start()
    assert sum(map(bool, opened.keys())) == 3000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60_000  # 3,000 keys alone are 200,000 bytes


def test_a_put_after_the_end_of_the_run_makes_nothing(tmp_path):
    first, late = prepared(tmp_path), store_for(tmp_path)
    first.discard()
    with pytest.raises(OutputError, match="cannot be written"):
        late.put("out_files/0/0_0.png", b"of a worker that was not told")
    assert os.listdir(tmp_path) == []


def test_a_scratch_folder_that_is_none_is_not_removed(tmp_path):
    (tmp_path / ".out.partial").mkdir()
    (tmp_path / ".out.partial" / "thesis.txt").write_bytes(b"precious")
    with pytest.raises(OutputError, match=r"holds 'thesis\.txt'; move it away"):
        store_for(tmp_path).prepare()
    assert contents(tmp_path) == {".out.partial/thesis.txt": b"precious"}


def test_of_many_runs_at_once_one_gets_the_folder(tmp_path):
    def attempt(_: int) -> DirectoryStore | None:
        try:
            return prepared(tmp_path)
        except OutputError:
            return None

    with ThreadPoolExecutor(8) as pool:
        winners = [store for store in pool.map(attempt, range(8)) if store is not None]
    assert len(winners) == 1
    winners[0].put("out_files/0/0_0.png", b"tile")
    winners[0].commit({"out.dzi": DESCRIPTOR})
    winners[0].discard()
    assert sorted(os.listdir(tmp_path)) == ["out.dzi", "out_files"]


def test_a_second_commit_is_an_error(opened):
    opened.put("out_files/0/0_0.png", b"tile")
    opened.commit({"out.dzi": DESCRIPTOR})
    with pytest.raises(OutputError, match="committed already"):
        opened.commit({"out.dzi": DESCRIPTOR})


@pytest.mark.parametrize("has_locks", [True, False], ids=["locks", "no locks"])
def test_two_runs_do_not_share_a_scratch_folder(has_locks, tmp_path, monkeypatch):
    if not has_locks:
        without_locks(monkeypatch)
    opened = prepared(tmp_path)
    with pytest.raises(OutputError, match=f"another run \\(process {os.getpid()} on .*\\) is writing there; wait"):
        store_for(tmp_path).prepare()
    opened.put("out_files/0/0_0.png", b"still there")
    opened.discard()


def of_another_host(folder: Path) -> None:
    owner = {"host": "another-machine", "pid": 1, "started": 0.0}
    (folder / ".out.partial" / "owner.json").write_text(json.dumps(owner))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locks")
def test_a_run_in_another_container_is_known_by_its_lock(tmp_path):
    # Its process has another number here, or none, and its host another name.
    opened = prepared(tmp_path)
    of_another_host(tmp_path)
    with pytest.raises(OutputError, match="process 1 on 'another-machine'"):
        store_for(tmp_path).prepare()
    opened.put("out_files/0/0_0.png", b"still there")
    die(opened)
    prepared(tmp_path).discard()
    assert os.listdir(tmp_path) == []


def test_without_locks_a_run_of_another_machine_is_not_disturbed(tmp_path, monkeypatch):
    without_locks(monkeypatch)
    (tmp_path / ".out.partial").mkdir()
    of_another_host(tmp_path)
    with pytest.raises(OutputError, match="wait for it to end, or run there on 'another-machine'") as caught:
        store_for(tmp_path).prepare()
    assert "remove" not in str(caught.value), "there may be the only copy of a pyramid in it"


def test_a_link_in_the_place_of_the_scratch_folder_is_refused(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    try:
        (tmp_path / ".out.partial").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    except OSError:
        pytest.skip("this user cannot make links here")
    with pytest.raises(OutputError, match="is a link, and a run makes a folder of that name"):
        store_for(tmp_path).prepare()
    assert (tmp_path / "elsewhere").is_dir()


@pytest.mark.parametrize("owner", ["", "{}", "not json", None])
def test_what_a_dead_run_left_is_cleared_away(owner, tmp_path):
    scratch = tmp_path / ".out.partial"
    (scratch / "tree" / "out_files").mkdir(parents=True)
    (scratch / "tree" / "out_files" / "stale.png").write_bytes(b"stale")
    (scratch / "owner.json").write_text(dead_owner() if owner is None else owner)
    store = prepared(tmp_path)
    assert list(store.keys()) == []
    store.discard()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("key", ["file/below", "file"])
def test_a_folder_that_is_a_file_is_refused(key, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match=r"not a folder|cannot be written"):
        store_for(tmp_path / key).prepare()
    assert os.listdir(tmp_path) == ["file"]


def test_a_disk_that_takes_only_a_part_of_a_tile_is_full(opened, monkeypatch):
    answers = [3, 0]
    monkeypatch.setattr(os, "write", lambda descriptor, data: answers.pop(0))
    with pytest.raises(OutputError, match=r"out_files/0/0_0\.png: cannot be written in .* \(the disk is full\)"):
        opened.put("out_files/0/0_0.png", b"tile")


def test_a_folder_is_adopted_by_rename(opened, tmp_path):
    folder = opened.workspace()
    (folder / "0").mkdir()
    (folder / "0" / "0_0.png").write_bytes(b"tile")
    opened.adopt(folder, "out_files")
    assert list(opened.keys()) == ["out_files/0/0_0.png"]
    opened.commit({"out.dzi": DESCRIPTOR})
    opened.discard()
    assert (tmp_path / "out_files/0/0_0.png").read_bytes() == b"tile"


def test_of_a_finished_pyramid_links_are_listed_and_not_followed(tmp_path):
    old_pyramid(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "0_0.png").write_bytes(b"")
    try:
        (tmp_path / "out_files" / "8").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    except OSError:
        pytest.skip("this user cannot make links here")
    stored = StoredDirectory(Location("file", str(tmp_path), "out"))
    assert sorted(stored.keys("out_files")) == ["out_files/7/0_0.png", "out_files/8"]
    with pytest.raises(InputError, match="cannot be read"):
        stored.get("out_files/8")


def test_a_pyramid_in_a_folder_that_is_not_there_cannot_be_opened(tmp_path):
    shutil.rmtree(tmp_path)
    with pytest.raises(InputError, match="is no folder"):
        StoredDirectory(Location("file", str(tmp_path), "out"))
