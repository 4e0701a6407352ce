"""Which damage of a PNG counts, by its chunks and by what they unpack to; and what some of them say."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
PIECE = 1 << 20
# By the kind of colours: grey, RGB, palette, grey and alpha, RGB and alpha.
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
# First column and row, and steps, of each pass of an interlaced picture.
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
WHOLE = ((0, 0, 1, 1),)


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


def chunks_damage(file: BinaryIO) -> str | None:
    """Say what is wrong with the chunks of a PNG, their order, checksums, header or end; None if nothing is."""
    if not png_is_complete(file):
        return "the PNG is cut short; its end chunk is missing"
    kinds: list[bytes] = []
    for kind, length, _ in png_chunks(file):
        checksum, left = zlib.crc32(kind), length
        while left and (piece := file.read(min(left, PIECE))):
            checksum, left = zlib.crc32(piece, checksum), left - len(piece)
        if file.read(4) != struct.pack(">I", checksum):
            return f"the PNG is damaged; its chunk {kind.decode('ascii', 'replace')} does not have its checksum"
        if kind == b"IDAT" and b"IDAT" in kinds[:-1] and kinds[-1] != b"IDAT":
            return "the PNG is damaged; its pixels are in chunks that do not follow each other"
        if kinds[-1:] != [kind]:
            kinds.append(kind)
    if kinds[:1] != [b"IHDR"] or _header(file)[2] not in DEPTHS.get(_header(file)[3], ()):
        return "the PNG is damaged; its header says what no PNG can be"
    return None


def png_chunk(file: BinaryIO, wanted: bytes) -> bytes | None:
    """Return the content of the first chunk ``wanted`` that comes before the pixels; None if there is none."""
    for kind, length, _ in png_chunks(file):
        if kind in (wanted, b"IDAT"):
            return file.read(length) if kind == wanted else None
    return None


def png_pictures(file: BinaryIO) -> int:
    """Return how many pictures there are: frames of an animation, and the one that is shown instead of it; else 1."""
    control = png_chunk(file, b"acTL")
    if control is None or len(control) < 4:
        return 1
    return int.from_bytes(control[:4], "big") + (png_chunk(file, b"fcTL") is None)


def pixels_damage(file: BinaryIO) -> str | None:
    """Say what is wrong with the data of a PNG that are to unpack to as many bytes as its header asks for; or None."""
    unpacker, found, wanted = zlib.decompressobj(), 0, _unpacked_bytes(file)
    try:
        for kind, length, _ in png_chunks(file):
            left = length if kind == b"IDAT" else 0
            while left and found < wanted and (piece := file.read(min(left, PIECE))):
                found, left = found + len(unpacker.decompress(piece)), left - len(piece)
    except zlib.error as error:
        return f"the PNG is damaged; its pixels cannot be unpacked ({error})"
    return None if found >= wanted else f"the PNG is damaged; it has {found} of {wanted} bytes of pixels"


def _unpacked_bytes(file: BinaryIO) -> int:
    """Return how many bytes all rows are, each with a byte for its filter; those of all passes, if it is interlaced."""
    width, height, depth, colours, _, _, interlaced = _header(file)
    bits = depth * SAMPLES.get(colours, 0)
    sizes = [(-(-(width - x) // dx), -(-(height - y) // dy)) for x, y, dx, dy in (ADAM7 if interlaced else WHOLE)]
    return sum(rows * (1 + -(-cols * bits // 8)) for cols, rows in sizes if cols > 0 and rows > 0)


def _header(file: BinaryIO) -> tuple[int, ...]:
    """Return width, height, depth, kind of colours, compression, filter and interlacing."""
    file.seek(len(PNG_SIGNATURE) + 8)
    return struct.unpack(">IIBBBBB", file.read(13))
