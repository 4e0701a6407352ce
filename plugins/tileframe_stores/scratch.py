"""Scratch folders: exclusive per run; what a crashed run left in one is put back or removed."""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import time
import uuid
from pathlib import Path

import psutil

from tileframe import OutputError
from tileframe_stores.exchange import JOURNAL, REPLACED, put_back

OWNER, TREE, WORKSPACE = "owner.json", "tree", "workspace"
# In seconds. A dzsave that was stopped goes on writing for a moment, and Windows holds deleted files open for one.
PAUSES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8)
PIECES_AT_ONCE = 1000
"""Systems take 1,024 in one call."""


LONGEST = ".tileframe.json"
"""The longest ending of what stands beside a target."""


class Scratch:
    """The hidden folder ``.NAME.partial`` beside a target, in which a run makes its files before they are shown."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.folder = target.parent
        self.path = self.folder / f".{target.name}.partial"
        self.tree = self.path / TREE
        """Where the files are made."""
        self._made_parents: list[Path] = []
        self._claimed = False

    def open(self) -> None:
        """Make the folder, and those above it; `OutputError` if another run has it, or it cannot be made."""
        try:
            if self.folder.exists() and not self.folder.is_dir():
                raise OutputError(f"{self.folder}: is not a folder; the pyramid cannot be written there")
            self._made_parents = [parent for parent in (self.folder, *self.folder.parents) if not parent.exists()]
            self.folder.mkdir(parents=True, exist_ok=True)
            claim(self.path)
            self._claimed = True
            self.tree.mkdir()
            # The longest name of all that is to come beside the target: after the work it would be too late.
            longest = self.tree / f"{self.target.name}{LONGEST}"
            longest.touch()
            longest.unlink()
        except BaseException as error:
            self.close()
            raise self.explained(error) from error

    def close(self, *, committed: bool = False) -> None:
        """Remove the folder; and the folders that were made for it, unless something was ``committed`` into them."""
        if self._claimed:
            try:
                put_back(self.path)
            except OSError as error:
                message = f"the old pyramid could not be moved back ({error.strerror}); it is in {self.path / REPLACED}"
                raise OutputError(f"{self.target}: {message}") from error
            try:
                remove_tree(self.path)
            except KeyboardInterrupt:
                remove_tree(self.path)  # first to its end: a Ctrl-C leaves nothing behind
                raise
            self._claimed = False
        if committed:
            self._made_parents.clear()
        for folder in self._made_parents:
            try:
                folder.rmdir()
            except OSError:
                break  # someone else has put something there

    def explained(self, error: BaseException, key: str | None = None) -> BaseException:
        """Return an error of the system as an `OutputError` that names the place, any other as it is."""
        if not isinstance(error, OSError):
            return error
        reason = error.strerror or str(error)
        if error.errno == errno.ENAMETOOLONG:
            name = self.target.name
            what = f"'{name[:20]}...' of {len(os.fsencode(name))} bytes" if len(name) > 20 else f"'{name}'"
            return OutputError(f"{self.folder}: a name like {what} is too long there; give a shorter output")
        if key is None:
            return OutputError(f"{self.folder}: cannot be written ({reason})")
        return OutputError(f"{key}: cannot be written in {self.folder} ({reason})")


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write all of ``data`` to an open file; a disk that takes only a part of it raises at the next part."""
    written = os.write(descriptor, data)
    while written < len(data):
        data = memoryview(data)[written:]
        written = os.write(descriptor, data)
        if not written:
            raise OSError(None, "the disk is full")


def write_pieces(descriptor: int, pieces: list[bytes]) -> None:
    """Write all ``pieces`` to an open file, one after the other: without copying them first, where the system can."""
    for start in range(0, len(pieces), PIECES_AT_ONCE):
        some = pieces[start : start + PIECES_AT_ONCE]
        written = os.writev(descriptor, some) if hasattr(os, "writev") else 0
        if written < sum(map(len, some)):
            write_all(descriptor, memoryview(b"".join(some))[written:])


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
        if os.path.lexists(scratch):
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


def remove_tree(folder: Path) -> None:
    """Remove ``folder`` with all that is in it, and with what is still being written there."""
    for pause in PAUSES:
        time.sleep(pause)
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return


def _refuse_if_owned(scratch: Path) -> None:
    if scratch.is_symlink() or not scratch.is_dir():
        raise OutputError(f"{scratch}: is no folder of a run; move it away")
    strange = {path.name for path in scratch.iterdir()} - {OWNER, TREE, WORKSPACE, REPLACED, JOURNAL}
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
