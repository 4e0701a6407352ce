"""What a run has noted, entry after entry, in a file of its scratch folder; what a crash has torn is cut off."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from zlib import crc32

from tileframe_storage.writing import write_pieces

# Before an entry: its length, and its CRC-32.
FRAME = struct.Struct("<II")
MOST = 1 << 30
"""Of the bytes of an entry: no unit of work leaves as much."""
APPEND = os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0)


class Notes:
    """A file of entries that grows at its end. Nothing is flushed: who reads it proves what it says."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = -1

    def entries(self) -> Iterator[tuple[int, bytes]]:
        """Yield every whole entry and its place."""
        try:
            with self._path.open("rb") as file:
                while entry := _next(file.read):
                    yield file.tell() - len(entry), entry
        except FileNotFoundError:
            return

    def entry(self, place: int) -> bytes:
        """Return the entry at ``place``."""
        with self._path.open("rb") as file:
            file.seek(place - FRAME.size)
            found = _next(file.read)
        if found is None:
            raise OSError(None, f"{self._path} has changed")
        return found

    def add(self, entries: Sequence[bytes]) -> None:
        """Add ``entries`` behind the last whole one."""
        if self._file < 0:
            end = max((place + len(entry) for place, entry in self.entries()), default=0)
            self._file = os.open(self._path, APPEND, 0o666)
            os.ftruncate(self._file, end)
            os.lseek(self._file, end, os.SEEK_SET)
        write_pieces(self._file, [part for entry in entries for part in (FRAME.pack(len(entry), crc32(entry)), entry)])

    def remove(self) -> None:
        """Remove the file."""
        self.close()
        self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)


def _next(read: Callable[[int], bytes]) -> bytes | None:
    head = read(FRAME.size)
    if len(head) < FRAME.size:
        return None
    length, crc = FRAME.unpack(head)
    entry = read(length) if length <= MOST else b""
    return entry if entry and len(entry) == length and crc32(entry) == crc else None
