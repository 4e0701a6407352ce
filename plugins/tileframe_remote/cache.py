"""Copies of slides on this machine, for readers that read files alone: within a bound, those used last."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tileframe import InputError, OptionError
from tileframe.cli.text import in_bytes
from tileframe.machine import free_disk
from tileframe_remote.locks import Lock
from tileframe_remote.telling import told

FOLDER, SIZE = "TILEFRAME_CACHE", "TILEFRAME_CACHE_SIZE"
"""The environment variables that say where copies are kept, and how many gigabytes of them at most."""
SHARE = 4
"""Without the latter, the part of the disk's room that copies may take: a quarter of what is free or taken by them."""
PART = ".part"
LONGEST_NAME = 150


@dataclass(frozen=True)
class Copy:
    """A file of the cache, which stays there until it is released."""

    path: Path
    lock: Lock

    def release(self) -> None:
        """Allow that it is removed."""
        self.lock.release()


class Cache:
    """The folder of the copies: ``KEY/NAME``, and ``KEY.lock`` beside it."""

    def __init__(self, folder: Path, what: str) -> None:
        """``what`` is what is to be copied, for messages."""
        self.folder, self._what = folder, what

    def copy(self, key: str, name: str, length: int, fill: Callable[[BinaryIO, Path], None]) -> Copy:
        """Return the copy ``key``, which is ``length`` long; ``fill`` writes it; it gets its name at the end.

        Processes that want the same wait for the one that fills it. `OSError` for what the disk refuses.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.folder / key / _safe(name)
        lock = self._lock(key, path)
        while True:
            with suppress(FileNotFoundError):
                if not lock.share(wait=False):
                    told(f"{self._what}: waiting for another process that downloads it")
                    lock.share(wait=True)
                if path.stat().st_size == length:
                    os.utime(path)  # used last: it goes last
                    return Copy(path, lock)
            lock.release()
            lock.own(wait=True)
            try:
                if not (path.exists() and path.stat().st_size == length):
                    self._fill(path, length, fill)
            except BaseException:
                with suppress(OSError):  # of what was not downloaded, nothing stays
                    if path.parent.exists():
                        path.parent.rmdir()
                    lock.remove()
                raise
            finally:
                lock.release()

    def _fill(self, path: Path, length: int, fill: Callable[[BinaryIO, Path], None]) -> None:
        self._make_room(length, path.parent.name)
        path.parent.mkdir(exist_ok=True, mode=0o700)
        for left in list(path.parent.glob(f"*{PART}")):
            with suppress(OSError):  # of a killed process; on Windows, maybe of one that goes on
                left.unlink()
        part = path.with_name(f"{os.getpid()}{PART}")
        try:
            with part.open("wb") as file:
                file.truncate(length)  # so that others count it
                fill(file, path)
                file.flush()
                os.fsync(file.fileno())
            with suppress(PermissionError):  # Windows: another process has filled it, and uses it
                part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    def _make_room(self, length: int, key: str) -> None:
        """Remove what was not used for the longest time; `InputError` if ``length`` more bytes have no room then."""
        copies = sorted((self._entry(folder) for folder in self.folder.iterdir() if folder.is_dir()), reverse=True)
        taken, free = sum(size for _, size, _ in copies), free_disk(self.folder)
        most = allowed(taken + free)
        if length > most:
            raise InputError(
                f"{self._what}: has {in_bytes(length)}, and {self.folder} holds {in_bytes(most)} at most; "
                f"{SIZE}=GB allows more, and {FOLDER} names another folder"
            )
        while copies and (taken + length > most or length > free):
            _, size, folder = copies.pop()
            if folder.name != key and self._remove(folder):
                taken, free = taken - size, free + size
        if taken + length > most or length > free:
            used = f"; {in_bytes(taken)} there are in use" if taken else ""
            raise InputError(f"{self._what}: has {in_bytes(length)}, and there is no room in {self.folder}{used}")

    def _entry(self, folder: Path) -> tuple[float, int, Path]:
        """Return when the copy in ``folder`` was used last, and its size."""
        used, size = 0.0, 0
        with suppress(OSError):  # another process may remove it meanwhile
            for file in folder.iterdir():
                status = file.stat()
                used, size = max(used, status.st_mtime), size + status.st_size
        return used, size, folder

    def _remove(self, folder: Path) -> bool:
        """Remove a copy, and what a killed process has left of one; return False if it is in use."""
        lock = self._lock(folder.name, folder)
        if not lock.own(wait=False):
            return False
        try:
            for file in list(folder.iterdir()):
                file.unlink()
            folder.rmdir()
        except OSError:  # Windows: somebody has it open
            lock.release()
            return False
        lock.remove()
        return True

    def _lock(self, key: str, path: Path) -> Lock:
        return Lock(self.folder / f"{key}.lock", path)


def folder() -> Path:
    """Return the folder of the copies: the named one, or that of the system for caches."""
    if named := os.environ.get(FOLDER):
        return Path(named)
    if sys.platform == "win32":
        above = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        above = Path.home() / "Library" / "Caches"
    else:
        above = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return above / "tileframe" / "slides"


def allowed(room: int) -> int:
    """Return how many bytes copies may take where ``room`` is free or taken by them; `OptionError` for no number."""
    if given := os.environ.get(SIZE):
        if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", given):
            raise OptionError(f"{SIZE} is a number of gigabytes, not '{given}'")
        return int(float(given) * 1e9)
    return room // SHARE


def _safe(name: str) -> str:
    """Return a name that every system takes, with the ending by which readers know what it is."""
    plain = re.sub(r'[<>:"/\\|?*\x00-\x1f]', "_", name)
    return plain if len(plain.encode()) <= LONGEST_NAME else f"slide{Path(plain).suffix[:20]}"
