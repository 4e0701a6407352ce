"""Small pyramids of loose files, for the tests of the folder store."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import psutil
import pytest

from tileframe import Layout, Location, Target
from tileframe.testing.made import MadeLayout
from tileframe_stores import owning
from tileframe_stores.directory import DirectoryStore
from tileframe_stores.owning import release

BESIDE = MadeLayout(folder="out_files", described_by="out.dzi")
INSIDE = MadeLayout(folder="out", described_by="out/ImageProperties.xml")
DESCRIPTOR = BESIDE.descriptor()["out.dzi"]
OLD = DESCRIPTOR + b"<!-- old -->"
SUM = f"{'0' * 64}  out_files/0/0_0.png\n".encode()
MANIFEST = b'{"schema": "tileframe-manifest/1"}'


def store_for(folder: Path, *, overwrite: bool = False, layout: Layout = BESIDE) -> DirectoryStore:
    return DirectoryStore(Target(Location("file", str(folder), "out"), layout, overwrite=overwrite))


def prepared(folder: Path, *, overwrite: bool = False, layout: Layout = BESIDE) -> DirectoryStore:
    store = store_for(folder, overwrite=overwrite, layout=layout)
    store.prepare()
    return store


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def old_pyramid(folder: Path) -> dict[str, bytes]:
    files = {"out_files/7/0_0.png": b"old", "out.dzi": OLD, "out.sha256": SUM, "out.tileframe.json": MANIFEST}
    for key, data in files.items():
        (folder / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / key).write_bytes(data)
    return files


def die(store: DirectoryStore) -> None:
    """Let go of the lock, as the system does for a process that is killed."""
    release(store._scratch._lock)


def without_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every disk one that has no locks."""
    monkeypatch.setattr(owning, "locked", lambda folder: None)


def dead_owner() -> str:
    return json.dumps({"host": socket.gethostname(), "pid": max(psutil.pids()) + 9999, "started": 1.0})
