"""A commit into a folder that is cut off anywhere is undone, at once or by the next run."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.loose import (
    BESIDE,
    DESCRIPTOR,
    INSIDE,
    MANIFEST,
    SUM,
    contents,
    dead_owner,
    die,
    old_pyramid,
    prepared,
    store_for,
    without_locks,
)
from tileframe import InputError, Layout, Location, OutputError, Target
from tileframe.testing.made import Pieces
from tileframe_stores import directory as directory_module
from tileframe_stores.directory import DirectoryStore
from tileframe_stores.durable import flush
from tileframe_stores.exchange import put_back
from tileframe_stores.loose import StoredDirectory
from tileframe_stores.options import DiskOptions


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[DirectoryStore]:
    store = prepared(tmp_path)
    yield store
    store.discard()


def recorded_renames(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list to which the name is added of every file that is renamed from now on."""
    names: list[str] = []
    rename = Path.rename

    def renamed(self: Path, target: Path) -> Path:
        names.append(target.name)
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", renamed)
    return names


def test_tiles_are_shown_before_the_descriptor(opened, tmp_path, monkeypatch):
    opened.put("out_files/0/0_0.png", b"new")
    shown = recorded_renames(monkeypatch)
    opened.commit({"out.sha256": Pieces(SUM, SUM), "out.tileframe.json": MANIFEST, "out.dzi": DESCRIPTOR})
    assert shown == ["out_files", "out.sha256", "out.tileframe.json", "out.dzi"]
    assert (tmp_path / "out.sha256").read_bytes() == SUM * 2


def test_a_descriptor_among_the_tiles_is_shown_last_with_them(tmp_path, monkeypatch):
    store = prepared(tmp_path, layout=INSIDE)
    store.put("out/0/0_0.png", b"new")
    shown = recorded_renames(monkeypatch)
    store.commit({"out.tileframe.json": MANIFEST, **INSIDE.descriptor()})
    store.discard()
    assert shown == ["out.tileframe.json", "out"]


class Broken(Exception):
    """What the tests raise inside a commit."""


def failing_after(step: int, error: BaseException) -> Callable[[Path, Path], Path]:
    """A rename that raises after it was done for the ``step``-th time within the pyramid's folder."""
    rename, done = Path.rename, []

    def renamed(self: Path, target: Path) -> Path:
        result = rename(self, target)
        done.append(self)
        if len(done) == step:
            raise error
        return result

    return renamed


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(5, "Input/output error")], ids=["Ctrl-C", "disk"])
@pytest.mark.parametrize("step", range(1, 8))
def test_a_commit_that_fails_in_the_middle_puts_the_old_pyramid_back(step, error, tmp_path, monkeypatch):
    # Four old files are moved away, three new ones moved there.
    files = old_pyramid(tmp_path)
    store = prepared(tmp_path, overwrite=True)
    store.put("out_files/0/0_0.png", b"new")
    monkeypatch.setattr(Path, "rename", failing_after(step, error))
    with pytest.raises(OutputError if isinstance(error, OSError) else KeyboardInterrupt):
        store.commit({"out.tileframe.json": MANIFEST, "out.dzi": DESCRIPTOR})
    monkeypatch.undo()
    store.discard()
    assert contents(tmp_path) == files
    assert sorted(os.listdir(tmp_path)) == ["out.dzi", "out.sha256", "out.tileframe.json", "out_files"]


def killed_commit(folder: Path, step: int, monkeypatch: pytest.MonkeyPatch, layout: Layout = BESIDE) -> None:
    """Leave what a process leaves that is killed after the ``step``-th file was moved."""
    store = prepared(folder, overwrite=True, layout=layout)
    store.put(f"{layout.folder}/0/0_0.png", b"new")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", failing_after(step, Broken()))
        patched.setattr(directory_module, "put_back", lambda *_, **__: None)
        with pytest.raises(Broken):
            store.commit({"out.sha256": SUM, "out.tileframe.json": MANIFEST, **layout.descriptor()})
    die(store)
    (folder / ".out.partial" / "owner.json").write_text(dead_owner(), encoding="utf-8")


@pytest.mark.parametrize("step", range(1, 8))
def test_the_next_run_puts_back_what_a_killed_commit_had_moved_away(step, tmp_path, monkeypatch):
    files = old_pyramid(tmp_path)
    killed_commit(tmp_path, step, monkeypatch)
    with pytest.raises(OutputError, match="exists"):
        store_for(tmp_path).prepare()
    assert contents(tmp_path) == files


@pytest.mark.parametrize("has_locks", [True, False], ids=["locks", "no locks"])
@pytest.mark.parametrize("step", range(1, 8))
def test_whoever_opens_a_pyramid_puts_back_what_a_killed_commit_had_moved_away(step, has_locks, tmp_path, monkeypatch):
    if not has_locks:
        without_locks(monkeypatch)
    files = old_pyramid(tmp_path)
    killed_commit(tmp_path, step, monkeypatch)
    StoredDirectory(Location("file", str(tmp_path), "out"))
    assert {key: data for key, data in contents(tmp_path).items() if not key.startswith(".")} == files


def test_a_commit_that_goes_on_is_left_alone_by_whoever_opens_the_pyramid(tmp_path, monkeypatch):
    old_pyramid(tmp_path)
    store = prepared(tmp_path, overwrite=True)
    store.put("out_files/0/0_0.png", b"new")
    rename = Path.rename

    def opened_at_each_step(self: Path, target: Path) -> Path:
        StoredDirectory(Location("file", str(tmp_path), "out"))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", opened_at_each_step)
    store.commit({"out.dzi": DESCRIPTOR})
    store.discard()
    assert contents(tmp_path) == {"out.dzi": DESCRIPTOR, "out_files/0/0_0.png": b"new"}


def test_what_cannot_be_put_back_is_told_with_its_place(tmp_path, monkeypatch):
    old_pyramid(tmp_path)
    killed_commit(tmp_path, 6, monkeypatch)
    monkeypatch.setattr(Path, "rename", failing_after(1, OSError(30, "Read-only file system")))
    with pytest.raises(InputError, match=r"it cannot be put back \(Read-only file system; it is in .*\.out\.partial\)"):
        StoredDirectory(Location("file", str(tmp_path), "out"))


@pytest.mark.parametrize("sync", [True, False])
def test_all_is_on_the_disk_before_it_is_shown(sync, tmp_path, monkeypatch):
    done = recorded_renames(monkeypatch)
    monkeypatch.setattr(directory_module, "flush", lambda folder: done.append(f"flush {folder.name}"))
    monkeypatch.setattr(directory_module, "flush_folder", lambda folder: done.append(f"flush {folder.name}"))
    store = DirectoryStore(Target(Location("file", str(tmp_path), "out"), BESIDE), DiskOptions(sync=sync))
    store.prepare()
    store.put("out_files/0/0_0.png", b"new")
    done.clear()
    store.commit({"out.dzi": DESCRIPTOR})
    store.discard()
    shown = ["out_files", "out.dzi"]
    assert done == (["flush tree", *shown, f"flush {tmp_path.name}"] if sync else shown)


def test_a_disk_that_loses_what_was_written_is_told_and_the_old_pyramid_is_left(tmp_path, monkeypatch):
    def lost(folder: Path) -> None:
        raise OSError(5, "Input/output error")

    files = old_pyramid(tmp_path)
    store = prepared(tmp_path, overwrite=True)
    store.put("out_files/0/0_0.png", b"new")
    monkeypatch.setattr(directory_module, "flush", lost)
    with pytest.raises(OutputError, match=r"cannot be written \(Input/output error\)"):
        store.commit({"out.dzi": DESCRIPTOR})
    store.discard()
    assert contents(tmp_path) == files


@pytest.mark.parametrize("system", ["linux", "other"])
def test_every_file_is_brought_to_the_disk(system, tmp_path, monkeypatch):
    # Whether it is there only a power cut can show: here, that no call fails on any file or folder.
    old_pyramid(tmp_path)
    monkeypatch.setattr("tileframe_stores.durable.sys.platform", system if system == "other" else sys.platform)
    synced: list[int] = []
    fsync = os.fsync

    def recorded(file: int) -> None:
        synced.append(file)
        fsync(file)

    monkeypatch.setattr(os, "fsync", recorded)
    flush(tmp_path)
    assert len(synced) == (4 + 3 if system == "other" and sys.platform != "win32" else len(synced))


def test_a_killed_commit_that_had_shown_all_is_left_as_it_is(tmp_path, monkeypatch):
    old_pyramid(tmp_path)
    killed_commit(tmp_path, 8, monkeypatch)
    prepared(tmp_path, overwrite=True).discard()
    new = {"out.sha256": SUM, "out.tileframe.json": MANIFEST, "out.dzi": DESCRIPTOR, "out_files/0/0_0.png": b"new"}
    assert contents(tmp_path) == new


@pytest.mark.parametrize("step", range(1, 4))
def test_a_killed_commit_leaves_nothing_of_a_new_pyramid(step, tmp_path, monkeypatch):
    killed_commit(tmp_path, step, monkeypatch)
    prepared(tmp_path).discard()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("step", range(1, 4))
def test_a_killed_commit_with_the_descriptor_among_the_tiles_is_undone(step, tmp_path, monkeypatch):
    old = {"out/7/0_0.png": b"old", **INSIDE.descriptor(), "out.sha256": SUM.replace(b"out_files", b"out")}
    for key, data in old.items():
        (tmp_path / key).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / key).write_bytes(data)
    killed_commit(tmp_path, step, monkeypatch, INSIDE)
    prepared(tmp_path, overwrite=True, layout=INSIDE).discard()
    assert contents(tmp_path) == old


@pytest.mark.parametrize("step", range(1, 7))
def test_putting_back_can_be_cut_off_and_done_again(step, tmp_path, monkeypatch):
    files = old_pyramid(tmp_path)
    killed_commit(tmp_path, 6, monkeypatch)
    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", failing_after(step, Broken()))
        with pytest.raises(Broken):
            put_back(tmp_path / ".out.partial")
    prepared(tmp_path, overwrite=True).discard()
    assert contents(tmp_path) == files


def test_a_pyramid_that_was_moved_away_is_not_removed_where_nobody_knows_more(tmp_path, monkeypatch):
    old_pyramid(tmp_path)
    killed_commit(tmp_path, 6, monkeypatch)
    (tmp_path / ".out.partial" / "exchange.json").write_bytes(b"")
    with pytest.raises(OutputError, match="holds a pyramid that a run has moved away; move it back"):
        store_for(tmp_path, overwrite=True).prepare()
    assert (tmp_path / ".out.partial" / "replaced" / "out_files" / "7" / "0_0.png").read_bytes() == b"old"


def test_a_ctrl_c_while_the_scratch_folder_is_removed_leaves_nothing_of_it(opened, tmp_path, monkeypatch):
    opened.put("out_files/0/0_0.png", b"new")
    opened.commit({"out.dzi": DESCRIPTOR})
    rmtree, interrupts = shutil.rmtree, [KeyboardInterrupt]

    def interrupted(*arguments, **options):
        if interrupts:
            raise interrupts.pop()
        rmtree(*arguments, **options)

    monkeypatch.setattr(shutil, "rmtree", interrupted)
    with pytest.raises(KeyboardInterrupt):
        opened.discard()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.dzi", "out_files"]
