"""The directory store: nothing before all is done, and everything then."""

from __future__ import annotations

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tileframe import OutputError, Store
from tileframe.registry import Registry


@pytest.fixture
def opened(registry: Registry, tmp_path: Path) -> Store:
    store = registry.store("directory").make(tmp_path / "out.dzi", False)
    store.prepare()
    return store


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_nothing_is_seen_before_commit_and_nothing_else_after(opened, tmp_path):
    opened.put("out_files/0/0_0.png", b"tile")
    assert visible(tmp_path) == []
    opened.commit({"out.dzi": b"descriptor"})
    opened.discard()
    assert sorted(os.listdir(tmp_path)) == ["out.dzi", "out_files"]
    assert (tmp_path / "out_files/0/0_0.png").read_bytes() == b"tile"
    assert (tmp_path / "out.dzi").read_bytes() == b"descriptor"


def test_discard_leaves_nothing_not_even_the_folders_that_were_made(registry, tmp_path):
    store = registry.store("directory").make(tmp_path / "new" / "deep" / "out.dzi", False)
    store.prepare()
    store.put("out_files/0/0_0.png", b"tile")
    store.discard()
    assert os.listdir(tmp_path) == []


def test_what_was_put_can_be_listed_and_read(opened):
    opened.put("out_files/3/1_2.png", b"tile")
    assert list(opened.keys()) == ["out_files/3/1_2.png"]
    assert opened.get("out_files/3/1_2.png") == b"tile"
    with pytest.raises(KeyError):
        opened.get("out_files/3/9_9.png")
    opened.discard()


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
    opened.discard()


@pytest.mark.parametrize("there", ["out.dzi", "out_files"])
def test_an_existing_pyramid_is_not_touched(there, registry, tmp_path):
    (tmp_path / there).mkdir()
    with pytest.raises(OutputError, match=f"{there}: exists; give --overwrite"):
        registry.store("directory").make(tmp_path / "out.dzi", False).prepare()


def test_a_target_that_appears_during_the_run_is_not_touched(opened, tmp_path):
    opened.put("out_files/0/0_0.png", b"new")
    (tmp_path / "out.dzi").write_bytes(b"someone else's")
    with pytest.raises(OutputError, match="exists"):
        opened.commit({"out.dzi": b"descriptor"})
    opened.discard()
    assert visible(tmp_path) == ["out.dzi"]
    assert (tmp_path / "out.dzi").read_bytes() == b"someone else's"


OLD = b'<Image xmlns="http://schemas.microsoft.com/deepzoom/2008"/> old'


def old_pyramid(folder: Path) -> None:
    (folder / "out_files" / "7").mkdir(parents=True)
    (folder / "out_files" / "7" / "stale.png").write_bytes(b"old")
    (folder / "out.dzi").write_bytes(OLD)


def test_overwrite_replaces_the_whole_pyramid_and_only_at_commit(registry, tmp_path):
    old_pyramid(tmp_path)
    store = registry.store("directory").make(tmp_path / "out.dzi", True)
    store.prepare()
    store.put("out_files/0/0_0.png", b"new")
    assert (tmp_path / "out.dzi").read_bytes() == OLD
    store.commit({"out.dzi": b"new"})
    store.discard()
    assert (tmp_path / "out.dzi").read_bytes() == b"new"
    assert [path.name for path in (tmp_path / "out_files").rglob("*.png")] == ["0_0.png"]


def test_a_commit_that_fails_puts_the_old_pyramid_back(registry, tmp_path, monkeypatch):
    old_pyramid(tmp_path)
    store = registry.store("directory").make(tmp_path / "out.dzi", True)
    store.prepare()
    store.put("out_files/0/0_0.png", b"new")
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        # The disk goes away between the tiles and the descriptor.
        if self.parent.name == "tree" and self.name == "out.dzi":
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(OutputError, match="Input/output error"):
        store.commit({"out.dzi": b"new"})
    monkeypatch.undo()
    store.discard()
    assert (tmp_path / "out.dzi").read_bytes() == OLD
    assert [path.name for path in (tmp_path / "out_files").rglob("*.png")] == ["stale.png"]
    assert sorted(os.listdir(tmp_path)) == ["out.dzi", "out_files"]


@pytest.mark.parametrize("step", range(1, 5))
def test_ctrl_c_in_the_middle_of_a_commit_puts_the_old_pyramid_back(step, registry, tmp_path, monkeypatch):
    old_pyramid(tmp_path)
    store = registry.store("directory").make(tmp_path / "out.dzi", True)
    store.prepare()
    store.put("out_files/0/0_0.png", b"new")
    rename, done = Path.rename, []

    def interrupted(self: Path, target: Path) -> Path:
        result = rename(self, target)
        done.append(self)
        if len(done) == step:
            raise KeyboardInterrupt
        return result

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.commit({"out.dzi": b"new"})
    monkeypatch.undo()
    store.discard()
    assert (tmp_path / "out.dzi").read_bytes() == OLD
    assert [path.name for path in (tmp_path / "out_files").rglob("*.png")] == ["stale.png"]
    assert sorted(os.listdir(tmp_path)) == ["out.dzi", "out_files"]


def test_what_a_killed_commit_had_moved_away_is_put_back_by_the_next_run(registry, tmp_path):
    scratch = tmp_path / ".out.partial"
    old_pyramid(scratch / "replaced")
    (tmp_path / "out_files" / "0").mkdir(parents=True)  # the new tiles had come, the descriptor had not
    store = registry.store("directory").make(tmp_path / "out.dzi", True)
    store.prepare()
    store.discard()
    assert (tmp_path / "out.dzi").read_bytes() == OLD
    assert [path.name for path in (tmp_path / "out_files").rglob("*.png")] == ["stale.png"]


@pytest.mark.parametrize("kind", ["other files", "another dzi", "a scratch folder"])
def test_what_is_no_pyramid_is_not_overwritten(kind, registry, tmp_path):
    names = {
        "other files": "out_files/thesis.txt",
        "another dzi": "out.dzi",
        "a scratch folder": ".out.partial/thesis.txt",
    }
    path = tmp_path / names[kind]
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"precious")
    store = registry.store("directory").make(tmp_path / "out.dzi", True)
    with pytest.raises(OutputError, match="move"):
        store.prepare()
    store.discard()
    assert path.read_bytes() == b"precious"


def test_of_many_runs_at_once_one_gets_the_folder(registry, tmp_path):
    def attempt(_: int) -> Store | None:
        store = registry.store("directory").make(tmp_path / "out.dzi", False)
        try:
            store.prepare()
        except OutputError:
            return None
        return store

    with ThreadPoolExecutor(8) as pool:
        winners = [store for store in pool.map(attempt, range(8)) if store is not None]
    assert len(winners) == 1
    winners[0].put("out_files/0/0_0.png", b"tile")
    winners[0].commit({"out.dzi": b"descriptor"})
    winners[0].discard()
    assert sorted(os.listdir(tmp_path)) == ["out.dzi", "out_files"]


def test_a_second_commit_is_an_error(opened):
    opened.put("out_files/0/0_0.png", b"tile")
    opened.commit({"out.dzi": b"descriptor"})
    with pytest.raises(OutputError, match="committed already"):
        opened.commit({"out.dzi": b"descriptor"})


def test_two_runs_do_not_share_a_scratch_folder(opened, registry, tmp_path):
    with pytest.raises(OutputError, match=f"another run \\(process {os.getpid()}\\) is writing there"):
        registry.store("directory").make(tmp_path / "out.dzi", False).prepare()
    opened.put("out_files/0/0_0.png", b"still there")
    opened.discard()


def test_a_run_of_another_machine_is_not_disturbed(registry, tmp_path):
    (tmp_path / ".out.partial").mkdir()
    owner = {"host": "another-machine", "pid": 1, "started": 0.0}
    (tmp_path / ".out.partial" / "owner.json").write_text(json.dumps(owner))
    with pytest.raises(OutputError, match="a run on 'another-machine' is writing there"):
        registry.store("directory").make(tmp_path / "out.dzi", False).prepare()


@pytest.mark.parametrize("owner", ["", "{}", "not json", None])
def test_what_a_dead_run_left_is_cleared_away(owner, registry, tmp_path):
    scratch = tmp_path / ".out.partial"
    (scratch / "tree" / "out_files").mkdir(parents=True)
    (scratch / "tree" / "out_files" / "stale.png").write_bytes(b"stale")
    if owner is None:
        import socket

        dead = {"host": socket.gethostname(), "pid": max(psutil.pids()) + 9999, "started": 1.0}
        owner = json.dumps(dead)
    (scratch / "owner.json").write_text(owner)
    store = registry.store("directory").make(tmp_path / "out.dzi", False)
    store.prepare()
    assert list(store.keys()) == []
    store.discard()


@pytest.mark.parametrize("key", ["file/below", "file"])
def test_a_folder_that_is_a_file_is_refused(key, registry, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match=r"not a folder|cannot be written"):
        registry.store("directory").make(tmp_path / key / "out.dzi", False).prepare()
    assert os.listdir(tmp_path) == ["file"]


def test_a_folder_is_adopted_by_rename(opened, tmp_path):
    folder = opened.workspace()
    (folder / "0").mkdir()
    (folder / "0" / "0_0.png").write_bytes(b"tile")
    opened.adopt(folder, "out_files")
    assert list(opened.keys()) == ["out_files/0/0_0.png"]
    opened.commit({"out.dzi": b"descriptor"})
    opened.discard()
    assert (tmp_path / "out_files/0/0_0.png").read_bytes() == b"tile"
