"""A finished pyramid in a folder, as loose files."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator

from tileframe import InputError, Location, OutputError
from tileframe_storage.writing import MOST_BYTES
from tileframe_stores.owning import recover, scratch_of

# So that opening a pipe does not wait for who fills it, and a link is seen as one; Windows has neither.
READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)


class StoredDirectory:
    """The files of a pyramid in the folder of its location."""

    def __init__(self, location: Location) -> None:
        self._folder = str(location.path.parent)
        self._name = location.name
        if not os.path.isdir(self._folder):
            raise InputError(f"{location}: cannot be read ({self._folder} is no folder)")
        try:
            recover(location.path)
        except (OSError, OutputError) as error:
            reason = f"{error.strerror}; it is in {scratch_of(location.path)}" if isinstance(error, OSError) else error
            message = f"a run was killed while it replaced this pyramid, and it cannot be put back ({reason})"
            raise InputError(f"{location}: {message}") from error

    @property
    def name(self) -> str:
        """The name in the location."""
        return self._name

    def get(self, key: str) -> bytes:
        """Read a file of the pyramid."""
        if ".." in key and ".." in key.replace("\\", "/").split("/"):
            raise KeyError(key)  # outside of the folder
        try:
            return self._read(f"{self._folder}/{key}")
        except (FileNotFoundError, NotADirectoryError) as error:
            raise KeyError(key) from error
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise KeyError(key) from error
            raise InputError(f"cannot be read ({error.strerror})") from error

    def _read(self, path: str) -> bytes:
        try:
            # Text and no buffer: a third of the time that Path.read_bytes takes for a small tile.
            with open(path, "rb", buffering=0, opener=_opened) as file:
                refuse_odd(os.fstat(file.fileno()))
                return file.readall()
        except OSError as error:
            if error.errno != errno.ELOOP or not os.path.islink(path):
                raise
        real, folder = os.path.realpath(path), os.path.realpath(self._folder)
        # A pyramid may be linked to as a whole. A tile may not: a check would tell what is in any file of the user's.
        if os.path.dirname(path) != self._folder and not real.startswith(f"{folder}{os.sep}"):
            raise InputError("is a link to a file outside of the pyramid's folder")
        try:
            return self._read(real)
        except FileNotFoundError as error:
            raise InputError("is a link that leads nowhere") from error

    def keys(self, folder: str) -> Iterator[str]:
        """Yield every file below ``folder``; links are files, and are not followed."""
        try:
            for _, key in walk(f"{self._folder}/{folder}", folder):
                yield key
        except OSError as error:
            raise InputError(f"{folder}: cannot be listed ({error.strerror})") from error

    def close(self) -> None:
        """Do nothing: no file stays open."""


def _opened(path: str, flags: int) -> int:
    return os.open(path, READ)


def refuse_odd(found: os.stat_result) -> None:
    """Raise `InputError` for what is no regular file, or is larger than any file of a pyramid."""
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(found.st_mode):
        raise InputError("is a pipe or a device, and no file")
    if found.st_size > MOST_BYTES:
        raise InputError(f"has {found.st_size:,} bytes, and no file of a pyramid has more than {MOST_BYTES:,}")


def walk(folder: str, prefix: str) -> Iterator[tuple[os.DirEntry[str], str]]:
    """Yield all that is below ``folder`` but the folders, each with its key, which begins with ``prefix``.

    Memory does not grow with their number. Nothing if there is no such folder. Links are not followed.
    """
    start = f"{prefix}/" if prefix else ""
    try:
        entries = os.scandir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return
    with entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield from walk(entry.path, f"{start}{entry.name}")
            else:
                yield entry, f"{start}{entry.name}"
