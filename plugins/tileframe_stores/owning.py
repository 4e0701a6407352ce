"""Which run has a scratch folder: a lock that the system holds for as long as its process lives, and a record."""

from __future__ import annotations

import json
import os
import sys
import uuid
from datetime import datetime
from pathlib import Path

from tileframe import OutputError
from tileframe.frozen import dataclass
from tileframe_stores.exchange import JOURNAL, REPLACED, put_back
from tileframe_stores.notes import Notes
from tileframe_stores.removing import remove_tree

if sys.platform != "win32":
    import fcntl

OWNER, LOCK, TREE, WORKSPACE, NOTES, BEFORE = "owner.json", "lock", "tree", "workspace", "notes", "before"
OURS = {OWNER, LOCK, TREE, WORKSPACE, NOTES, BEFORE, REPLACED, JOURNAL}


class Busy(OutputError):
    """Another run is writing there."""


@dataclass(frozen=True)
class Claim:
    """A scratch folder that is this process's."""

    lock: int | None
    """What holds its lock, to be released at the end; None where there are no locks."""
    resumed: bool
    """Whether what an unfinished run has left is in it."""


def claim(scratch: Path, *, resume: bool | None = None) -> Claim:
    """Make ``scratch`` as a new folder of this process, having cleared away one that a dead process left.

    If that holds what an unfinished run has noted, it is taken over with ``resume``, and cleared away if that is
    false; `OutputError` if it is None. `OutputError`, too, if a living process has it, or if it is no run's at all.
    """
    owner = {"host": _host(), "pid": os.getpid(), "started": _started(os.getpid())}
    # Made under a name of its own, with owner and lock in it, and then renamed: nobody ever sees it without them.
    own = scratch.with_name(f"{scratch.name}-{uuid.uuid4().hex[:8]}")
    own.mkdir()
    lock = None
    try:
        (own / OWNER).write_text(json.dumps(owner), encoding="utf-8")
        if os.path.lexists(scratch):
            left = _left_by_a_dead_run(scratch)
            if _take_over(scratch, own, left, resume):
                return Claim(left, resumed=True)
        lock = locked(own)
        try:
            own.rename(scratch)
        except OSError as error:
            if scratch.exists():
                raise Busy(f"{scratch}: another run is writing there; wait for it to end") from error
            raise
    except BaseException:
        release(lock)
        raise
    finally:
        if own.exists():
            remove_tree(own)
    return Claim(lock, resumed=False)


def locked(folder: Path) -> int | None:
    """Lock ``folder`` until what is returned is released; None where the system or the disk has no locks.

    `BlockingIOError` if another run has it. The lock ends with its process, however that ends, and is seen from
    containers and, on most network disks, from other machines.
    """
    if sys.platform == "win32":
        return None  # an open file would keep its folder from being renamed; and a process has one number there
    file = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise
    except OSError:
        os.close(file)
        return None
    return file


def release(lock: int | None) -> None:
    """Give a lock back."""
    if lock is not None:
        os.close(lock)


def recover(target: Path) -> None:
    """Put back what a run had moved away that was killed while it exchanged the pyramid at ``target``.

    `OSError` or `OutputError` if that cannot be done here; a run that lives is left alone.
    """
    scratch = scratch_of(target)
    if os.path.lexists(scratch / JOURNAL) and not scratch.is_symlink():
        try:
            lock = _held_by_none(scratch)
        except Busy:
            return
        try:
            put_back(scratch)
        finally:
            release(lock)


def scratch_of(target: Path) -> Path:
    """Return the folder in which a run makes what is to be at ``target``."""
    return target.with_name(f".{target.name}.partial")


def _left_by_a_dead_run(scratch: Path) -> int | None:
    """Lock what is at ``scratch``, and put back what its run had moved away; `OutputError` if it is no dead run's."""
    if scratch.is_symlink():
        raise OutputError(f"{scratch}: is a link, and a run makes a folder of that name; move it away")
    if not scratch.is_dir():
        raise OutputError(f"{scratch}: is no folder of a run; move it away")
    strange = {path.name for path in scratch.iterdir()} - OURS
    if strange:
        raise OutputError(f"{scratch}: is no folder of a run, it holds '{min(strange)}'; move it away")
    lock = _held_by_none(scratch)
    try:
        put_back(scratch)
    except BaseException:
        release(lock)
        raise
    return lock


def _take_over(scratch: Path, own: Path, lock: int | None, resume: bool | None) -> bool:
    """Take over what an unfinished run has noted, or clear it away, and say which."""
    taken = False
    try:
        # Where all is shown and put back by nobody, the run was as good as over.
        parts = 0 if os.path.lexists(scratch / JOURNAL) else sum(1 for _ in Notes(scratch / NOTES).entries()) - 1
        if parts > 0 and resume is None:
            when = datetime.fromtimestamp(os.stat(scratch / NOTES).st_mtime).strftime("%Y-%m-%d %H:%M")
            raise OutputError(
                f"{scratch}: an unfinished run has left {parts:,} finished parts there, at {when}; "
                "give --resume to go on with it, or --no-resume to begin anew"
            )
        if parts > 0 and resume:
            os.replace(own / OWNER, scratch / OWNER)
            taken = True
        else:
            remove_tree(scratch)
    finally:
        if not taken:
            release(lock)
    return taken


def _held_by_none(scratch: Path) -> int | None:
    """Lock the folder of a dead run; `Busy` if its run lives, or may live."""
    try:
        owner = json.loads((scratch / OWNER).read_text(encoding="utf-8"))
        host, pid, started = str(owner["host"]), int(owner["pid"]), float(owner["started"])
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        host, pid, started = "", 0, 0.0  # a living run's is never seen without
    process = f"process {pid} on '{host}'" if host else "another process"
    try:
        lock = locked(scratch)
        if lock is not None and not os.path.samestat(os.fstat(lock), os.stat(scratch / LOCK)):
            release(lock)
            raise FileNotFoundError  # another run cleared it away meanwhile
    except (BlockingIOError, FileNotFoundError):
        raise Busy(f"{scratch}: another run ({process}) is writing there; wait for it to end") from None
    if lock is None and host and (host != _host() or _is_alive(pid, started)):
        # Nothing tells whether a process of another machine lives; and what is in the folder may be the only copy.
        advice = "wait for it to end" if host == _host() else f"wait for it to end, or run there on '{host}'"
        raise Busy(f"{scratch}: another run ({process}) is writing there; {advice}")
    return lock


def _is_alive(pid: int, started: float) -> bool:
    return _started(pid) == started


def _host() -> str:
    """Return the name of this machine."""
    if hasattr(os, "uname"):
        return os.uname().nodename
    import socket  # here, for most systems do without

    return socket.gethostname()


def _started(pid: int) -> float | None:
    """Return when the process ``pid`` was started, by a clock of the system's own; None if there is none."""
    try:
        return float(Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[19])
    except OSError:
        if os.path.exists("/proc/self/stat"):
            return None
    import psutil  # here, for Linux does without

    try:
        return float(psutil.Process(pid).create_time())
    except (psutil.Error, ValueError, OverflowError):
        return None
