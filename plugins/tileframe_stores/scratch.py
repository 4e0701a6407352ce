"""Scratch folders: two runs must not share one, and a dead run's must not stay for ever."""

from __future__ import annotations

import json
import shutil
import socket
import time
from pathlib import Path

import psutil

from tileframe import OutputError

OWNER = "owner.json"
# In seconds. A dzsave that was stopped goes on writing for a moment, and Windows holds deleted files open for one.
PAUSES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8)


def remove_tree(folder: Path) -> None:
    """Remove ``folder`` with all that is in it, and with what is still being written there."""
    for pause in PAUSES:
        time.sleep(pause)
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return


def claim(scratch: Path) -> None:
    """Make ``scratch`` as a new folder of this process, having removed one that a dead process left.

    `OutputError` if a living process, or one of another machine, has it.
    """
    try:
        scratch.mkdir()
    except FileExistsError:
        _refuse_if_owned(scratch)
        remove_tree(scratch)
        scratch.mkdir()
    me = psutil.Process()
    owner = {"host": socket.gethostname(), "pid": me.pid, "started": me.create_time()}
    (scratch / OWNER).write_text(json.dumps(owner), encoding="utf-8")


def _refuse_if_owned(scratch: Path) -> None:
    try:
        owner = json.loads((scratch / OWNER).read_text(encoding="utf-8"))
        host, pid, started = owner["host"], int(owner["pid"]), float(owner["started"])
    except (OSError, ValueError, KeyError, TypeError):
        return  # nobody wrote a name: it died at once, or the folder is not a run's
    if host != socket.gethostname():
        raise OutputError(f"{scratch}: a run on '{host}' is writing there; remove the folder if it is not running")
    try:
        alive = psutil.Process(pid).create_time() == started
    except psutil.Error:
        alive = False
    if alive:
        raise OutputError(f"{scratch}: another run (process {pid}) is writing there; wait for it to end")
