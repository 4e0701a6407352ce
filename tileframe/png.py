"""Detect truncated or corrupt PNG files, which several decoders accept silently."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from typing import BinaryIO

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"


def png_is_complete(file: BinaryIO) -> bool:
    """Say whether ``file`` is a PNG with its end chunk; bytes after that chunk do not matter."""
    file.seek(0)
    if file.read(len(PNG_SIGNATURE)) != PNG_SIGNATURE:
        return False
    end = file.seek(0, os.SEEK_END)
    if end >= len(PNG_END):
        file.seek(-len(PNG_END), os.SEEK_END)
        if file.read() == PNG_END:
            return True
    return any(kind == b"IEND" and after <= end for kind, _, after in png_chunks(file))


def png_chunks(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, length and end of each chunk, up to the end chunk, with ``file`` at the chunk's first byte."""
    position, kind = len(PNG_SIGNATURE), b""
    while kind != b"IEND":
        file.seek(position)
        head = file.read(8)
        if len(head) < 8:
            return
        length, kind = struct.unpack(">I4s", head)
        position += 12 + length
        yield kind, length, position
