"""Whether a PNG file goes on to its end: decoders fill what is missing without a word."""

from __future__ import annotations

import os
import struct
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
    position = len(PNG_SIGNATURE)
    while position + 12 <= end:
        file.seek(position)
        length, kind = struct.unpack(">I4s", file.read(8))
        position += 12 + length
        if kind == b"IEND":
            return bool(position <= end)
    return False
