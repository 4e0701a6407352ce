"""A zip file that only grows: members are appended, and their directory records kept in files until the end."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO
from zlib import crc32

from tileframe_storage.writing import write_pieces
from tileframe_storage.zipformat import (
    BLOCK,
    CENTRAL,
    CENTRAL_MARK,
    LOCAL,
    Directory,
    Member,
    central_record,
    end_records,
    local_header,
    member_of,
)

APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
ARCHIVE = "archive"
WRITTEN_AT_ONCE = 1 << 20
"""In bytes. More is no quicker: it does not stay in the processor's cache until it is written."""


class Members:
    """Appends members to a new archive, from many threads, in large writes, in memory that does not grow.

    Members are of groups; the central directory lists group after group.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / ARCHIVE
        """The archive, which may hold something before the first member."""
        self._folder = folder
        self._file = os.open(self.path, APPEND, 0o666)
        self._size = os.fstat(self._file).st_size
        self._count = 0
        self._pieces: list[bytes] = []
        self._waiting = 0
        """Bytes of the pieces, which are still to be written."""
        self._records: dict[str, IO[bytes]] = {}
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        """Is taken before the other one, and alone while the disk is busy: others go on appending meanwhile."""
        self._reason: str | None = None
        """Why nothing can be added any more."""

    def add(self, group: str, name: bytes, data: bytes) -> None:
        """Append a member."""
        crc, size = crc32(data), len(data)
        header = local_header(name, crc, size)
        with self._lock:
            self._append(header, data)
            self._record(group, name, crc, size, self._size - len(header) - size)
            is_full = self._waiting >= WRITTEN_AT_ONCE
        if is_full:
            with self._writing:
                with self._lock:
                    pieces = self._taken() if self._waiting >= WRITTEN_AT_ONCE else []
                self._write(pieces)

    def add_pieces(self, group: str, name: bytes, crc: int, size: int, pieces: Iterable[bytes]) -> None:
        """Append a member of ``size`` bytes in pieces; ``crc`` is its CRC-32."""
        header = local_header(name, crc, size)
        with self._writing, self._lock:
            offset = self._size
            self._append(header)
            for piece in pieces:
                self._append(piece)
                if self._waiting >= WRITTEN_AT_ONCE:
                    self._write(self._taken())
            if self._size != offset + len(header) + size:
                self._reason = "it changed while it was written"
            self._record(group, name, crc, size, offset)

    def flush(self) -> None:
        """Write all that waits to be written."""
        with self._writing, self._lock:
            self._write(self._taken())

    def get(self, group: str, name: bytes) -> bytes | None:
        """Return what was put under ``name``; None if there is nothing. Searches all names of the group."""
        self.flush()
        with self._lock:
            member = self._find(group, name)
        if member is None:
            return None
        with self.path.open("rb") as file:
            file.seek(member.offset + LOCAL.size + len(name))
            return file.read(member.size)

    def names(self) -> Iterator[bytes]:
        """Yield the name of every member so far."""
        with self._lock:
            for records in self._records.values():
                records.flush()
            paths = [records.name for records in self._records.values()]
        for path in paths:
            with open(path, "rb") as file:
                while head := file.read(CENTRAL.size):
                    fields = CENTRAL.unpack(head)
                    yield file.read(fields[10])
                    file.seek(fields[11] + fields[12], os.SEEK_CUR)

    def finish(self, groups: Sequence[str], *, sync: bool = True) -> None:
        """Write the central directory, ``groups`` first, in that order, to the disk if ``sync``; close the archive."""
        try:
            with self._writing, self._lock:
                start = self._size
                for group in [*groups, *(self._records.keys() - set(groups))]:
                    if records := self._records.get(group):
                        self._append_file(records)
                self._append(end_records(Directory(start, self._size - start, self._count)))
                self._write(self._taken())
                if sync:
                    os.fsync(self._file)
        finally:
            self.close()

    def close(self) -> None:
        """Close all files; nothing can be added any more."""
        with self._writing, self._lock:
            file, self._file = self._file, -1
            if file < 0:
                return
            self._reason = self._reason or "it is closed"
            os.close(file)
            for records in self._records.values():
                with suppress(OSError):  # what could not be written before cannot be written now
                    records.close()

    def _append(self, *pieces: bytes) -> None:
        if self._reason is not None:
            raise OSError(None, self._reason)
        self._pieces += pieces
        size = sum(map(len, pieces))
        self._waiting += size
        self._size += size

    def _append_file(self, records: IO[bytes]) -> None:
        records.flush()
        with open(records.name, "rb") as file:
            while block := file.read(BLOCK):
                self._append(block)
                self._write(self._taken())

    def _taken(self) -> list[bytes]:
        pieces, self._pieces, self._waiting = self._pieces, [], 0
        return pieces

    def _write(self, pieces: list[bytes]) -> None:
        try:
            write_pieces(self._file, pieces)
        except BaseException as error:
            # Something in the middle of the file is missing, and nothing may follow it.
            self._reason = f"a write failed before: {error!r}"
            raise

    def _record(self, group: str, name: bytes, crc: int, size: int, offset: int) -> None:
        if self._reason is not None:
            raise OSError(None, self._reason)
        try:
            self._group(group).write(central_record(name, crc, size, offset))
        except BaseException as error:
            self._reason = f"a write failed before: {error!r}"
            raise
        self._count += 1

    def _group(self, group: str) -> IO[bytes]:
        file = self._records.get(group)
        if file is None:
            file = self._records[group] = (self._folder / f"{group}.records").open("xb", buffering=1 << 16)
        return file

    def _find(self, group: str, name: bytes) -> Member | None:
        file = self._records.get(group)
        if file is None:
            return None
        file.flush()
        with open(file.name, "rb") as records:  # no map of it, whose pages would count as memory of the process
            view = b""
            while block := records.read(BLOCK):
                view = view[-len(name) :] + block
                end = records.tell()
                at = view.find(name)
                while at >= 0:
                    if member := _member_at(records, end - len(view) + at, name):
                        return member
                    at = view.find(name, at + 1)
                records.seek(end)
        return None


def _member_at(records: IO[bytes], at: int, name: bytes) -> Member | None:
    """Return the member whose name stands at the offset ``at``; None where that is only a part of another name."""
    if at < CENTRAL.size:
        return None
    records.seek(at - CENTRAL.size)
    fields = CENTRAL.unpack(records.read(CENTRAL.size))
    if fields[0] != CENTRAL_MARK or fields[10] != len(name):
        return None
    records.seek(at + len(name))
    return member_of(fields, name, records.read(fields[11]))
