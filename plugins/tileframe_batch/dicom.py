"""Which DICOM series a file belongs to, by its header alone."""

from __future__ import annotations

import os
import struct
from pathlib import Path

PREAMBLE = 128
MAGIC = b"DICM"
HEADER = 1 << 16
"""Bytes in which the series is named: long before the pixels."""
SERIES = (0x0020, 0x000E)
# Value representations whose length takes four bytes, behind two that are reserved (DICOM PS3.5, 7.1.2).
LONG = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
UNDEFINED = 0xFFFFFFFF
ITEM, DELIMITERS = (0xFFFE, 0xE000), ((0xFFFE, 0xE00D), (0xFFFE, 0xE0DD))


def series_of(path: Path) -> str | None:
    """Return the Series Instance UID of a DICOM file; None for other files, and where it is not found."""
    if not os.path.isfile(path):  # a pipe would be waited for
        return None
    try:
        with path.open("rb") as file:
            data = file.read(HEADER)
    except OSError:  # which whoever reads it will tell
        return None
    at = PREAMBLE + len(MAGIC)
    if data[PREAMBLE:at] != MAGIC:
        return None
    depth = 0  # of sequences and items without a length, which end at delimiters; a series named in them is another
    while at + 12 <= len(data):
        tag = struct.unpack_from("<HH", data, at)
        start, length = _value(data, at, tag)
        if tag in DELIMITERS:
            depth -= 1
        elif depth == 0 and tag == SERIES:
            return data[start : start + length].rstrip(b"\0 ").decode("ascii", "replace")
        elif depth == 0 and tag > SERIES:
            return None
        elif length == UNDEFINED:
            depth += 1
        at = start if length == UNDEFINED else start + length
    return None


def _value(data: bytes, at: int, tag: tuple[int, ...]) -> tuple[int, int]:
    """Return where the value of the element at ``at`` begins, and its length."""
    if tag == ITEM or tag in DELIMITERS:
        return at + 8, struct.unpack_from("<I", data, at + 4)[0]
    if data[at + 4 : at + 6] in LONG:
        return at + 12, struct.unpack_from("<I", data, at + 8)[0]
    return at + 8, struct.unpack_from("<H", data, at + 6)[0]
