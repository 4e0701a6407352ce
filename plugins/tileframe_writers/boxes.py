"""The boxes of ISO base media files, of which AVIF files and JPEG XL containers consist."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from tileframe import CheckError

HEAD = struct.Struct(">I4s")
LARGE = struct.Struct(">Q")


def boxes(data: bytes, kind: str) -> Iterator[tuple[bytes, bytes]]:
    """Yield the name and the content of every box in ``data``; ``kind`` is the format, as ``an AVIF``, for messages.

    `CheckError` unless they fill it exactly.
    """
    at = 0
    while at < len(data):
        length, name, start, end = 0, b"", 0, 0
        if at + HEAD.size <= len(data):
            length, name = HEAD.unpack_from(data, at)
            start = at + HEAD.size
            if length == 1 and start + LARGE.size <= len(data):
                length, start = LARGE.unpack_from(data, start)[0], start + LARGE.size
            end = at + length if length else len(data)  # 0: as far as the file goes
        if not at < start <= end <= len(data):
            raise CheckError(f"is {kind} that is cut, or has bytes behind its end")
        yield name, data[start:end]
        at = end
