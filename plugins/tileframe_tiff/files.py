"""One open file that many threads read from."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import starmap
from operator import itemgetter
from pathlib import Path
from typing import Any

from tileframe import InputError, RangeFile, Slide
from tileframe_tiff import HEADS

MOST_AT_ONCE, GAPS = 1 << 20, 4096
"""Bytes that are read in one go for several tiles, and how many of them may be of no use."""


class LocalFile:
    """Reads bytes at any place of a file of this machine, from any thread."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self._lock = threading.Lock()

    @property
    def length(self) -> int:
        """How many bytes it has now."""
        return os.fstat(self._file.fileno()).st_size

    def read_at(self, offset: int, count: int) -> bytes:
        """Return ``count`` bytes, or fewer at the end."""
        # Windows has no pread.
        return os.pread(self._file.fileno(), count, offset) if hasattr(os, "pread") else self._sought(offset, count)

    def close(self) -> None:
        """Close it; a later `read_at` raises `ValueError`."""
        self._file.close()

    def _sought(self, offset: int, count: int) -> bytes:
        with self._lock:
            self._file.seek(offset)
            pieces = []
            while count > 0 and (piece := self._file.read(count)):
                pieces.append(piece)
                count -= len(piece)
        return b"".join(pieces)


class Heard:
    """An open file whose errors are heard: tifffile passes over some, and takes what it has not read for absent."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.error: InputError | None = None
        """The first one."""

    def read(self, count: int = -1) -> bytes:
        """Return the next bytes."""
        found: bytes = self._heard(self._file.read, count)
        return found

    def readinto(self, buffer: Any) -> int:
        """Fill ``buffer`` with the next bytes; return how many there were."""
        found: int = self._heard(self._file.readinto, buffer)
        return found

    def _heard(self, function: Callable[[Any], Any], argument: object) -> Any:
        try:
            return function(argument)
        except InputError as error:
            self.error = self.error or error
            raise

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class SharedFile:
    """Reads bytes at any place of a slide, from any thread, until it is closed."""

    def __init__(self, path: Slide) -> None:
        self.path = path
        self._file: LocalFile | RangeFile | None = LocalFile(path) if isinstance(path, Path) else path.open()

    def read(self, offset: int, count: int) -> bytes:
        """Return exactly ``count`` bytes; `InputError` if it was closed or has fewer there."""
        file = self._file
        if file is None:
            raise InputError(f"{self.path}: was closed")
        try:
            found = file.read_at(offset, count)
        except (OSError, ValueError) as error:
            raise InputError(f"{self.path}: cannot be read at byte {offset} ({error})") from error
        if len(found) != count:
            raise InputError(f"{self.path}: is cut short; {len(found)} of {count} bytes are there at byte {offset}")
        return found

    def read_each(self, places: Sequence[tuple[int, int]]) -> Iterator[bytes]:
        """Yield the bytes at ``places``, each an offset and a count; read in one go where they lie side by side."""
        start, end = min(places, default=(0, 0))[0], max(map(sum, places), default=0)
        if end - start > min(MOST_AT_ONCE, GAPS + sum(map(itemgetter(1), places))):
            yield from starmap(self.read, places)
            return
        whole = self.read(start, end - start)
        for offset, count in places:
            yield whole[offset - start : offset - start + count]

    def is_tiff(self) -> bool:
        """Say whether it begins as a TIFF does, classic or big, of either byte order."""
        return self._file is not None and self._file.read_at(0, 4) in HEADS

    @contextmanager
    def opened(self) -> Iterator[Any]:
        """Give what tifffile opens: the path, or what is open already, which it leaves open."""
        if isinstance(self.path, Path):
            yield self.path
            return
        heard = Heard(self._file)
        try:
            yield heard
        finally:
            if heard.error is not None:
                raise heard.error

    def refuse_cut(self, end: int) -> None:
        """Raise `InputError` if the file is shorter than ``end`` bytes."""
        size = 0 if self._file is None else self._file.length
        if end > size:
            raise InputError(f"{self.path}: the TIFF is cut short; it should have {end} bytes and has {size}")

    def refuse_closed(self) -> None:
        """Raise `InputError` if the file was closed."""
        if self._file is None:
            raise InputError(f"{self.path}: was closed")

    def close(self) -> None:
        """Close the file; a later `read` raises."""
        file, self._file = self._file, None
        if file is not None:
            file.close()
