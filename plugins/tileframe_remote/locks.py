"""Locks by which processes agree who uses a file of the cache, and who may replace or remove it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from types import ModuleType

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # Windows: there no file is removed or replaced that somebody has open
    fcntl = None


class Lock:
    """A lock on one file of the cache, shared by those who use it; free again when its process ends, however it does.

    On Windows it is the open file itself.
    """

    def __init__(self, path: Path, file: Path) -> None:
        """``path`` is the lock's own, and ``file`` what it is for."""
        self._path, self._file = path, file
        self._number: int | None = None

    def share(self, *, wait: bool) -> bool:
        """Keep others from changing the file until `release`; without ``wait``, return False where somebody does now.

        `FileNotFoundError` on Windows alone, where there is no file.
        """
        if fcntl is None:
            self._number = os.open(self._file, os.O_RDONLY)
            return True
        return self._take(fcntl.LOCK_SH | (0 if wait else fcntl.LOCK_NB))

    def own(self, *, wait: bool) -> bool:
        """Take it for oneself; without ``wait``, return False where somebody else has it."""
        if fcntl is None:
            return True
        return self._take(fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))

    def release(self) -> None:
        """Let others have it."""
        number, self._number = self._number, None
        if number is not None:
            os.close(number)

    def remove(self) -> None:
        """Remove the lock that this has for itself."""
        with suppress(OSError):
            self._path.unlink()
        self.release()

    def _take(self, how: int) -> bool:
        assert fcntl is not None
        while True:
            self.release()
            number = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
            try:
                fcntl.flock(number, how)
                # Whoever removed the file may have removed the lock while this one waited for it.
                there = self._path.stat()
                here = os.fstat(number)
                if (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino):
                    self._number = number
                    return True
            except BlockingIOError:
                os.close(number)
                return False
            except FileNotFoundError:
                pass
            except BaseException:
                os.close(number)
                raise
            os.close(number)
