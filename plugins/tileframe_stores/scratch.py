"""Scratch folders: two runs must not share one, and what a dead run left must neither stay nor be lost."""

from __future__ import annotations

import json
import shutil
import socket
import time
import uuid
from pathlib import Path

import psutil

from tileframe import OutputError

OWNER, TREE, WORKSPACE, REPLACED = "owner.json", "tree", "workspace", "replaced"
# In seconds. A dzsave that was stopped goes on writing for a moment, and Windows holds deleted files open for one.
PAUSES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8)


def claim(scratch: Path) -> None:
    """Make ``scratch`` as a new folder of this process, having cleared away one that a dead process left.

    `OutputError` if a living process, or one of another machine, has it, or if it is no run's at all.
    """
    me = psutil.Process()
    owner = {"host": socket.gethostname(), "pid": me.pid, "started": me.create_time()}
    # Made under a name of its own, with its owner in it, and then renamed: nobody ever sees it without one.
    own = scratch.with_name(f"{scratch.name}-{uuid.uuid4().hex[:8]}")
    own.mkdir()
    try:
        (own / OWNER).write_text(json.dumps(owner), encoding="utf-8")
        if scratch.exists():
            _refuse_if_owned(scratch)
            put_back(scratch)
            remove_tree(scratch)
        try:
            own.rename(scratch)
        except OSError as error:
            if scratch.exists():
                raise OutputError(f"{scratch}: another run is writing there; wait for it to end") from error
            raise
    finally:
        if own.exists():
            remove_tree(own)


def put_back(scratch: Path) -> None:
    """Undo a commit that was cut off: what it had moved away goes back, if its new descriptor is not there yet."""
    replaced, folder = scratch / REPLACED, scratch.parent
    name = scratch.name.removeprefix(".").removesuffix(".partial")
    if not replaced.is_dir() or (folder / f"{name}.dzi").exists():
        return
    for path in sorted(replaced.iterdir(), key=lambda path: path.suffix == ".dzi"):
        new = folder / path.name
        if new.is_dir():
            remove_tree(new)
        else:
            new.unlink(missing_ok=True)
        path.rename(new)


def remove_tree(folder: Path) -> None:
    """Remove ``folder`` with all that is in it, and with what is still being written there."""
    for pause in PAUSES:
        time.sleep(pause)
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return


def _refuse_if_owned(scratch: Path) -> None:
    strange = {path.name for path in scratch.iterdir()} - {OWNER, TREE, WORKSPACE, REPLACED}
    if strange:
        raise OutputError(f"{scratch}: is no folder of a run, it holds '{min(strange)}'; move it away")
    try:
        owner = json.loads((scratch / OWNER).read_text(encoding="utf-8"))
        host, pid, started = owner["host"], int(owner["pid"]), float(owner["started"])
    except (OSError, ValueError, KeyError, TypeError):
        return  # a dead run's: a living one's is never seen without a name
    if host != socket.gethostname():
        raise OutputError(f"{scratch}: a run on '{host}' is writing there; remove the folder if it is not running")
    try:
        alive = psutil.Process(pid).create_time() == started
    except psutil.Error:
        alive = False
    if alive:
        raise OutputError(f"{scratch}: another run (process {pid}) is writing there; wait for it to end")
