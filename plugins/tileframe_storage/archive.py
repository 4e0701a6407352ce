"""The files of a pyramid as members of a new zip file: below one folder, in groups, none of them twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from zlib import crc32

from tileframe import Content, Layout, OutputError, TileAddress
from tileframe_storage.members import Members
from tileframe_storage.zipformat import text, unsafe

DESCRIPTORS, OTHERS = "descriptors", "others"
"""The first and the last group of members in the central directory; between them are the levels, from the top on."""


class Archive:
    """Appends the files of the pyramid ``name`` to a zip file, not compressed, from many threads."""

    def __init__(self, name: str, layout: Layout, members: Members) -> None:
        self.members = members
        self._layout = layout
        self._folder = f"{name}/"
        self._seen = Seen()

    def put(self, key: str, data: bytes) -> None:
        """Append ``data``; `OutputError` for a key that was put before, for nothing in a zip file can be replaced."""
        tile = self._layout.address(key)
        self._claim(key, tile)
        self.members.add(self._group(key, tile), (self._folder + key).encode(), data)

    def put_whole(self, key: str, content: Content) -> None:
        """Append ``content`` as `put` does; it may come in pieces."""
        if isinstance(content, bytes):
            self.put(key, content)
            return
        tile = self._layout.address(key)
        self._claim(key, tile)
        crc = size = 0
        for piece in content:
            crc, size = crc32(piece, crc), size + len(piece)
        self.members.add_pieces(self._group(key, tile), (self._folder + key).encode(), crc, size, content)

    def get(self, key: str) -> bytes:
        """Read from the unfinished archive; `KeyError` if there is nothing. Searches the names of a whole level."""
        data = self.members.get(self._group(key, self._layout.address(key)), (self._folder + key).encode())
        if data is None:
            raise KeyError(key)
        return data

    def keys(self) -> Iterator[str]:
        """Yield what the unfinished archive holds."""
        start = len(self._folder.encode())
        for name in self.members.names():
            yield text(name[start:])

    def finish(self, *, sync: bool) -> None:
        """Append the central directory, and close the archive."""
        self.members.finish([DESCRIPTORS, *map(str, self._layout.levels), OTHERS], sync=sync)

    def _group(self, key: str, tile: TileAddress | None) -> str:
        if tile is not None:
            return str(tile.level)
        return DESCRIPTORS if key in self._layout.descriptor() else OTHERS

    def _claim(self, key: str, tile: TileAddress | None) -> None:
        if tile is None and unsafe(key.encode("utf-8", "replace")):
            raise OutputError(f"{key}: is no name for a file in an archive")
        if not self._seen.add(tile or key):
            raise OutputError(f"{key}: was put twice, and nothing in an archive can be replaced")


def refuse_name(name: str, place: object) -> None:
    """Raise `OutputError` if the archive at ``place`` can have no folder ``name``, where a pyramid's files would be."""
    try:
        is_unsafe = unsafe(name.encode())
    except UnicodeEncodeError:
        is_unsafe = True
    if is_unsafe:
        raise OutputError(f"{place}: {name!a} is no name for a folder in an archive; give another output")


class Seen:
    """A set of files that were put: one bit for each tile, for a set of 2,000,000 keys would take 200 MB."""

    def __init__(self) -> None:
        self._rows: dict[tuple[int, int], bytearray] = {}
        self._others: set[str] = set()
        self._lock = threading.Lock()

    def add(self, item: TileAddress | str) -> bool:
        """Take note of a tile, or of a key that is no tile's; say whether it is new."""
        with self._lock:
            if isinstance(item, str):
                is_new = item not in self._others
                self._others.add(item)
                return is_new
            row, col = (item.level, item.row), item.col
            bits = self._rows.get(row)
            if bits is None:
                bits = self._rows[row] = bytearray()
            place, bit = col >> 3, 1 << (col & 7)
            if place >= len(bits):
                bits.extend(bytes(place + 1 - len(bits)))
            old = bits[place]
            bits[place] = old | bit
            return not old & bit

    def __contains__(self, item: TileAddress | str) -> bool:
        """Say whether it was added."""
        with self._lock:
            if isinstance(item, str):
                return item in self._others
            bits, place = self._rows.get((item.level, item.row), b""), item.col >> 3
            return place < len(bits) and bool(bits[place] & 1 << (item.col & 7))
