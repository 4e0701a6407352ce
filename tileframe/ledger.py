"""What is known of every tile of a run, kept on disk in the order of the tiles; and the list of digests of it."""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import struct
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, cast

from tileframe.errors import CheckError, OutputError
from tileframe.geometry import Pyramid, TileAddress
from tileframe.protocols import Layout, tiles_of

# SHA-256, length, and whether the tile is known, is the slide's own, lacks some of the slide, is left out as blank.
RECORD = struct.Struct("<32sIB3x")
KNOWN, PASSED_THROUGH, FILLED, ABSENT = 1, 2, 4, 8
FLAGS = 36
"""Where they are in a record."""
AT_ONCE = 4096
"""Records that are read, and lines that are written, at once."""
MAX_CHECKED = 1 << 27
"""Tiles, 4 GB of digests; of what a descriptor can claim there is no end."""


class TileRecord(NamedTuple):
    """What is known of one tile."""

    length: int
    """In bytes."""
    sha256: bytes
    """Of those bytes: 32 bytes."""
    passed_through: bool = False
    """Whether they are the slide's own."""
    filled: bool = False
    """Whether it shows background where the slide could not be read."""
    absent: bool = False
    """Whether it is left out because it is blank: then there are no bytes."""

    @classmethod
    def of(cls, data: bytes, *, passed_through: bool = False, filled: bool = False) -> TileRecord:
        """Return the record of the tile ``data``."""
        return cls(len(data), hashlib.sha256(data).digest(), passed_through, filled)

    def packed(self) -> bytes:
        """Return it as `RECORD.size` bytes."""
        flags = KNOWN | PASSED_THROUGH * self.passed_through | FILLED * self.filled | ABSENT * self.absent
        return RECORD.pack(self.sha256, self.length, flags)

    @classmethod
    def unpacked(cls, fields: tuple[bytes, int, int]) -> TileRecord | None:
        """Return what `packed` was, given what `RECORD` unpacks; None for zeros."""
        sha256, length, flags = fields
        marks = flags & PASSED_THROUGH > 0, flags & FILLED > 0, flags & ABSENT > 0
        return cls(length, sha256, *marks) if flags else None


PackedRecords = Sequence[tuple[TileAddress, bytes]]
"""Rows of tiles, or parts of them: the first tile, and the records of all as `TileRecord.packed` gives them, joined."""
LEFT_OUT = TileRecord(0, bytes(32), absent=True).packed()
"""The record of a tile that is blank."""


def tiles_in(records: PackedRecords) -> Iterator[tuple[TileAddress, TileRecord]]:
    """Yield each tile of ``records`` with its own."""
    for first, packed in records:
        for col, fields in enumerate(RECORD.iter_unpack(packed), first.col):
            if (record := TileRecord.unpacked(fields)) is not None:
                yield TileAddress(first.level, col, first.row), record


class TileOrder:
    """The tiles that a layout keeps of a pyramid, numbered from 0: level by level from the top, row by row."""

    def __init__(self, pyramid: Pyramid, levels: range) -> None:
        self._widths = {level: pyramid.grid(level).width for level in levels}
        areas = [pyramid.grid(level).area for level in levels]
        self._starts = dict(zip(levels, itertools.accumulate(areas, initial=0), strict=False))
        self.count = sum(areas)

    def number(self, tile: TileAddress) -> int:
        """Return the number of ``tile``."""
        return self._starts[tile.level] + tile.row * self._widths[tile.level] + tile.col


def order_to_check(layout: Layout, pyramid: Pyramid) -> TileOrder:
    """Return the order of the tiles; `CheckError` for more than can be checked."""
    order = TileOrder(pyramid, layout.levels)
    if order.count > MAX_CHECKED:
        raise CheckError(f"the pyramid would have more tiles than the {MAX_CHECKED:,} that can be checked")
    return order


class Presence:
    """Which tiles of a pyramid are there, by one bit for each; `CheckError` for more than can be checked."""

    def __init__(self, layout: Layout, pyramid: Pyramid) -> None:
        self._layout, self._order = layout, order_to_check(layout, pyramid)
        self._bits = bytearray(-(-self._order.count // 8))
        self.count = self.missing = self._order.count
        """How many tiles have not been marked."""

    def mark(self, key: str) -> bool:
        """Mark the tile of ``key`` as there; say whether any tile has that key."""
        tile = self._layout.address(key)
        if tile is None:
            return key in self._layout.extras
        self.add(tile)
        return True

    def add(self, tile: TileAddress) -> None:
        """Mark ``tile`` as there."""
        number = self._order.number(tile)
        bit = 1 << number % 8
        self.missing -= not self._bits[number // 8] & bit
        self._bits[number // 8] |= bit

    def mark_all(self, keys: Iterable[str]) -> tuple[int, str]:
        """Mark the tiles of ``keys``; return how many are the keys of no tile, and the first of those by name."""
        extra, first = 0, ""
        for key in keys:
            if not self.mark(key):
                extra, first = extra + 1, min(first, key) if first else key
        return extra, first

    def has(self, tile: TileAddress) -> bool:
        """Say whether ``tile`` was marked."""
        number = self._order.number(tile)
        return bool(self._bits[number // 8] & 1 << number % 8)


class Ledger:
    """A file with a record for each tile that a layout keeps of a pyramid, at a place that its address gives.

    So records may come in any order and from many threads, and no memory grows with their number. The file has no
    name, and is gone when it is closed.
    """

    def __init__(self, pyramid: Pyramid, levels: range) -> None:
        self._order = TileOrder(pyramid, levels)
        self.count = self._order.count
        """Of all tiles that there are to be."""
        self._lock = threading.Lock()
        try:
            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - closed by `close`
            self._file.truncate(self.count * RECORD.size)
        except OSError as error:
            raise _no_room(error) from error

    def put(self, tile: TileAddress, record: TileRecord) -> None:
        """Keep the record of ``tile``; a later one replaces it."""
        self.put_all([(tile, record.packed())])

    def put_all(self, records: PackedRecords) -> None:
        """Keep ``records`` as `put` does each of them: those of tiles side by side are written in one go."""
        for first, packed in records:
            self._write(RECORD.size * self._order.number(first), packed)

    def _write(self, offset: int, data: bytes) -> None:
        try:
            if hasattr(os, "pwrite"):
                written = os.pwrite(self._file.fileno(), data, offset)
            else:
                with self._lock:
                    self._file.seek(offset)
                    written = self._file.write(data)
        except OSError as error:
            raise _no_room(error) from error
        if written < len(data):
            raise _no_room(OSError(None, "the disk is full"))

    def get(self, tile: TileAddress) -> TileRecord | None:
        """Return the record of ``tile``; None where there is none."""
        return TileRecord.unpacked(RECORD.unpack(self._read(RECORD.size * self._order.number(tile), RECORD.size)))

    def records(self) -> Iterator[TileRecord | None]:
        """Yield the record of every tile, in their order; None where there is none."""
        for start in range(0, self.count, AT_ONCE):
            data = self._read(start * RECORD.size, AT_ONCE * RECORD.size)
            yield from map(TileRecord.unpacked, RECORD.iter_unpack(data))

    def absent(self) -> Iterator[bool]:
        """Yield of every tile, in their order, whether it is left out."""
        for start in range(0, self.count, AT_ONCE):
            for flags in self._read(start * RECORD.size, AT_ONCE * RECORD.size)[FLAGS :: RECORD.size]:
                yield bool(flags & ABSENT)

    def _read(self, offset: int, size: int) -> bytes:
        if hasattr(os, "pread"):
            return os.pread(self._file.fileno(), size, offset)
        with self._lock:
            self._file.seek(offset)
            return self._file.read(size)

    def close(self) -> None:
        """Give the file back."""
        self._file.close()


def _no_room(error: OSError) -> OutputError:
    return OutputError(f"the folder for temporary files cannot be written ({error.strerror}); name another in TMPDIR")


class DigestList:
    """The list of the tiles' digests, in the format of `sha256sum`, in pieces; can be iterated over again."""

    def __init__(self, layout: Layout, pyramid: Pyramid, ledger: Ledger) -> None:
        self._layout, self._pyramid, self._ledger = layout, pyramid, ledger

    def __iter__(self) -> Iterator[bytes]:
        key, get = self._layout.key, cast("Callable[[TileAddress], TileRecord]", self._ledger.get)
        records = cast("Iterator[TileRecord]", self._ledger.records())  # every tile has one by now
        listed = zip(tiles_of(self._layout, self._pyramid), records, strict=True)
        lines = itertools.chain(
            (digest_line(record.sha256.hex(), key(tile)) for tile, record in listed if not record.absent),
            (digest_line(get(tile).sha256.hex(), copy) for copy, tile in self._layout.extras.items()),
        )
        while piece := "".join(itertools.islice(lines, AT_ONCE)):
            yield piece.encode("utf-8", "surrogateescape")

    def sha256(self) -> str:
        """Return the digest of the list itself."""
        whole = hashlib.sha256()
        for piece in self:
            whole.update(piece)
        return whole.hexdigest()


def digest_line(sha256: str, key: str) -> str:
    """Return the line of one file, escaped as `sha256sum` does it for names with a newline or a backslash."""
    if "\n" in key or "\\" in key:
        escaped = key.replace("\\", "\\\\").replace("\n", "\\n")
        return f"\\{sha256}  {escaped}\n"
    return f"{sha256}  {key}\n"


def parse_digests(lines: Iterable[bytes]) -> Iterator[tuple[str, str]]:
    """Yield key and digest of every line of a list; `CheckError` at the first that is none."""
    for number, line in enumerate(lines, 1):
        text = line.rstrip(b"\r\n").decode("utf-8", "surrogateescape")
        match = re.fullmatch(r"(\\?)([0-9a-f]{64}) [ *](.+)", text)
        if match is None:
            raise CheckError(f"line {number} is not a digest and a name")
        yield (_unescaped(match[3]) if match[1] else match[3]), match[2]


def _unescaped(key: str) -> str:
    return re.sub(r"\\(.)", lambda found: {"n": "\n", "r": "\r"}.get(found[1], found[1]), key)
