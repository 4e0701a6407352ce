"""A finished pyramid in a zip file on a disk."""

from __future__ import annotations

import os
import stat
import threading

from tileframe import InputError, Location
from tileframe_storage.reading import ArchiveFiles

READ_ONLY = os.O_RDONLY | getattr(os, "O_BINARY", 0)


class StoredArchive(ArchiveFiles):
    """The members of a zip file, by one `pread` each."""

    def __init__(self, location: Location) -> None:
        path = location.path
        self._lock = threading.Lock()
        try:
            # Else it may be a pipe, for whose other end one would wait.
            if not stat.S_ISREG(os.stat(path).st_mode):
                raise InputError(f"{path}: is no file")
            self._file = os.open(path, READ_ONLY)
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror})") from error
        try:
            super().__init__(str(path), self._part, os.fstat(self._file).st_size)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            file, self._file = self._file, -1
            if file >= 0:
                os.close(file)

    def _part(self, offset: int, size: int) -> bytes:
        try:
            data = self._read_some(offset, size)
            # As much as one call gives is enough for all but members of gigabytes.
            while 0 < len(data) < size and (more := self._read_some(offset + len(data), size - len(data))):
                data += more
        except OSError as error:
            raise InputError(f"{self._path}: cannot be read ({error.strerror})") from error
        return data

    def _read_some(self, offset: int, size: int) -> bytes:
        if hasattr(os, "pread"):
            return os.pread(self._file, size, offset)
        with self._lock:
            os.lseek(self._file, offset, os.SEEK_SET)
            return os.read(self._file, size)
