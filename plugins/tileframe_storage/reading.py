"""A finished pyramid in a zip file, wherever its bytes are: an own index, and one read a member, from many threads."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from zlib import crc32

from tileframe import InputError
from tileframe_storage.writing import MOST_BYTES
from tileframe_storage.zipformat import (
    LOCAL,
    LOCAL_MARK,
    Member,
    Read,
    ZipError,
    find_directory,
    members,
    shown,
    text,
)


class ArchiveFiles:
    """The members of a zip file below its one folder. Keeps 28 bytes for each of them, and no name."""

    def __init__(self, path: str, read: Read, length: int) -> None:
        """``read`` gives parts of the file at ``path``, ``length`` bytes long; `InputError` if that is no such zip."""
        self._path, self._read = path, read
        try:
            self._directory = find_directory(read, length)
            self._index = _Index(members(read, self._directory))
        except ZipError as error:
            raise InputError(f"{path}: {error}") from error
        self._start = self._index.folder + b"/"

    @property
    def name(self) -> str:
        """The name of the folder in the archive."""
        return text(self._index.folder)

    def get(self, key: str) -> bytes:
        """Read a member, and compare its CRC-32."""
        name = self._start + key.encode("utf-8", "surrogateescape")
        member = self._index.find(name)
        if member is None:
            raise KeyError(key)
        if member.size > MOST_BYTES:
            raise InputError(f"has {member.size:,} bytes, and no file of a pyramid has more than {MOST_BYTES:,}")
        head = LOCAL.size + len(name)
        found = self._read(member.offset, head + member.size)
        if found[:4] != LOCAL_MARK or found[LOCAL.size : head] != name:
            raise InputError("is damaged in the archive: what is stored there is something else")
        data = found[head:]
        if extra := LOCAL.unpack_from(found)[-1]:
            data = self._read(member.offset + head + extra, member.size)
        if len(data) != member.size or crc32(data) != member.crc:
            raise InputError("is damaged in the archive: its CRC-32 is wrong")
        return data

    def keys(self, folder: str) -> Iterator[str]:
        """Yield every key below ``folder``; all of them for an empty one. Reads the directory again."""
        start = self._start + (f"{folder}/".encode("utf-8", "surrogateescape") if folder else b"")
        try:
            for member in members(self._read, self._directory):
                if member.name.startswith(start):
                    yield text(member.name[len(self._start) :])
        except ZipError as error:
            raise InputError(f"{self._path}: {error}") from error


class _Index:
    """Where each member is, found by a 64-bit hash of its name: its local header has the name itself."""

    def __init__(self, found: Iterable[Member]) -> None:
        import numpy as np

        hashes, offsets, sizes, crcs = array("q"), array("Q"), array("Q"), array("I")
        folder = b""
        for member in found:
            first, slash, _ = member.name.partition(b"/")
            if not slash:
                raise ZipError(f"has a member '{shown(first)}' outside of the pyramid's folder")
            if folder and first != folder:
                raise ZipError(f"has members in '{shown(folder)}' and in '{shown(first)}'; all must be in one folder")
            folder = first
            hashes.append(hash(member.name))
            offsets.append(member.offset)
            sizes.append(member.size)
            crcs.append(member.crc)
        if not folder:
            raise ZipError("is empty")
        self.folder = folder
        order = np.argsort(np.frombuffer(hashes, np.int64), kind="stable")

        def ordered(values: array[int]) -> array[int]:
            return array(values.typecode, np.frombuffer(values, f"{values.typecode}")[order].tobytes())

        self._hashes, self._offsets, self._sizes, self._crcs = map(ordered, (hashes, offsets, sizes, crcs))
        ours = np.frombuffer(self._hashes, np.int64)
        twice = np.flatnonzero(ours[1:] == ours[:-1])
        if twice.size:
            first, second = self._offsets[twice[0]], self._offsets[twice[0] + 1]
            raise ZipError(f"has two members of the same name, at bytes {first} and {second}")

    def find(self, name: bytes) -> Member | None:
        """Return the member of a name; None if there is none."""
        wanted = hash(name)
        place = bisect_left(self._hashes, wanted)
        if place == len(self._hashes) or self._hashes[place] != wanted:
            return None
        return Member(name, self._crcs[place], self._sizes[place], self._offsets[place])
