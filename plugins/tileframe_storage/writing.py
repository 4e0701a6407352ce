"""Write or read all of something: one call to the system may do a part of it."""

from __future__ import annotations

import os

PIECES_AT_ONCE = 1000
"""Systems take 1,024 in one call."""
MOST_BYTES = 1 << 29
"""Of a file that is read: the digests of five million tiles."""


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write all of ``data`` to an open file; a disk that takes only a part of it raises at the next part."""
    written = os.write(descriptor, data)
    while written < len(data):
        data = memoryview(data)[written:]
        written = os.write(descriptor, data)
        if not written:
            raise OSError(None, "the disk is full")


def write_pieces(descriptor: int, pieces: list[bytes]) -> None:
    """Write all ``pieces`` to an open file, one after the other: without copying them first, where the system can."""
    for start in range(0, len(pieces), PIECES_AT_ONCE):
        some = pieces[start : start + PIECES_AT_ONCE]
        written = os.writev(descriptor, some) if hasattr(os, "writev") else 0
        if written < sum(map(len, some)):
            write_all(descriptor, memoryview(b"".join(some))[written:])


def read_all(descriptor: int) -> bytes:
    """Return all that an open file holds from where it is."""
    size = os.fstat(descriptor).st_size
    data = os.read(descriptor, size)
    while len(data) < size and (more := os.read(descriptor, size - len(data))):
        data += more
    return data
