"""Large archives with little in them, and a server that counts what is read of them."""

from __future__ import annotations

import io
import struct
from dataclasses import replace
from pathlib import Path
from zlib import crc32

import numpy as np
from PIL import Image

from tileframe import Pyramid, Size, TileAddress
from tileframe_serve.answers import Answer
from tileframe_serve.files import Files
from tileframe_serve.requests import Request

END64 = struct.Struct("<IQHHIIQQQQ")
LOCATOR64 = struct.Struct("<IIQI")
END = struct.Struct("<IHHHHIIH")
LOCAL = struct.Struct("<IHHHHHIIIHH")
ENTRY = struct.Struct("<IHHHHHHIIIHHHHHII")


def picture(side: int) -> bytes:
    """A JPEG of a square with something to see in it."""
    y, x = np.mgrid[0:side, 0:side]
    pixels = np.dstack([x * 255 // side, y * 255 // side, (x + y) % 256]).astype(np.uint8)
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "JPEG", quality=50)
    return data.getvalue()


def large_archive(target: Path, pyramid: Pyramid, *, name: str = "slide") -> int:
    """Write an SZI of ``pyramid`` that is listed as the store does it; return the length of its directory.

    The descriptor is listed first, then the tiles from the top level down, then the rest. All tiles are one picture,
    which is in the file once: so it is quickly made, and reading it is what it is for a large file.
    """
    tile = picture(pyramid.tile_size)
    tiles = [address for level in range(pyramid.level_count) for address in pyramid.tiles(level)]
    with target.open("wb") as file:

        def member(key: str, data: bytes) -> bytes:
            """Append a member, and return its entry."""
            numbers = (0x02014B50, 45, 45, 0x800, 0, 0, 0, crc32(data), len(data), len(data), len(key))
            entry = ENTRY.pack(*numbers, 0, 0, 0, 0, 0, file.tell()) + key.encode()
            size = (crc32(data), len(data), len(data), len(key))
            file.write(LOCAL.pack(0x04034B50, 20, 0x800, 0, 0, 0, *size, 0) + key.encode() + data)
            return entry

        head = member(f"{name}/{name}.dzi", _descriptor(pyramid))
        first = _key(name, tiles[0])
        entry = member(first, tile)
        rest = member(f"{name}/scan-properties.xml", b"<image/>")
        fixed = ENTRY.unpack_from(entry)
        entries = [head]
        for address in tiles:
            key = _key(name, address).encode()
            entries.append(ENTRY.pack(*fixed[:10], len(key), *fixed[11:]) + key)
        directory = b"".join([*entries, rest])
        start, count = file.tell(), len(tiles) + 2
        file.write(directory)
        file.write(END64.pack(0x06064B50, 44, 45, 45, 0, 0, count, count, len(directory), start))
        file.write(LOCATOR64.pack(0x07064B50, 0, start + len(directory), 1))
        few = min(count, 0xFFFF)
        file.write(END.pack(0x06054B50, 0, 0, few, few, len(directory), start, 0))
    return len(directory)


def _descriptor(pyramid: Pyramid) -> bytes:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Image xmlns="http://schemas.microsoft.com/deepzoom/2008" Format="jpeg" Overlap="{pyramid.overlap}" '
        f'TileSize="{pyramid.tile_size}"><Size Width="{pyramid.base.width}" Height="{pyramid.base.height}"/></Image>'
    ).encode()


def _key(name: str, tile: TileAddress) -> str:
    return f"{name}/{name}_files/{tile.level}/{tile.col}_{tile.row}.jpeg"


def square(side: int) -> Pyramid:
    """A square pyramid of tiles of the usual size."""
    return Pyramid(Size(side, side), 256, 0)


class Counting(Files):
    """The server of ``tileframe view --serve``, which notes every part that it sends of an archive."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, [folder])
        self.parts: list[tuple[int, int]] = []
        """Where each begins and how long it is."""

    def file(self, request: Request, path: Path) -> Answer:
        answer = super().file(request, path)
        if answer.status == 206 and answer.part is not None:
            self.parts.append((answer.part.file.tell(), answer.part.length))
        return answer


class IgnoresTheEnd(Files):
    """Answers a range that is counted from the end with the whole file."""

    def file(self, request: Request, path: Path) -> Answer:
        return super().file(without_range(request) if counts_from_the_end(request) else request, path)


class RefusesTheEnd(Files):
    """Refuses a range that is counted from the end, as some servers and object stores do."""

    def file(self, request: Request, path: Path) -> Answer:
        return Answer(status=416) if counts_from_the_end(request) else super().file(request, path)


class WholeOnly(Files):
    """Answers no range requests."""

    def file(self, request: Request, path: Path) -> Answer:
        return super().file(without_range(request), path)


def counts_from_the_end(request: Request) -> bool:
    return request.header(b"range").startswith("bytes=-")


def without_range(request: Request) -> Request:
    return replace(request, headers={name: value for name, value in request.headers.items() if name != b"range"})
