"""Large archives with little in them, and a server that counts what is read of them."""

from __future__ import annotations

import io
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from PIL import Image

from tileframe import Pyramid, Size, TileAddress
from tileframe_viewer.serving import Server, _Handler

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


class CountingServer(Server):
    """The server of ``tileframe view --serve``, which notes every part that it sends of an archive."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, [folder])
        self.parts: list[tuple[int, int]] = []
        """Where each begins and how long it is."""
        self.RequestHandlerClass = partial(_Counting, directory=str(folder))


class _Counting(_Handler):
    server: CountingServer

    def copyfile(self, source: Any, outputfile: Any) -> None:
        if self.part is not None:
            self.server.parts.append((source.tell(), self.part))
        super().copyfile(source, outputfile)


class IgnoresTheEnd(_Handler):
    """Answers a range that is counted from the end with the whole file."""

    def send_head(self) -> Any:
        if (self.headers.get("Range") or "").startswith("bytes=-"):
            del self.headers["Range"]
        return super().send_head()


class RefusesTheEnd(_Handler):
    """Refuses a range that is counted from the end, as some servers and object stores do."""

    def send_head(self) -> Any:
        if (self.headers.get("Range") or "").startswith("bytes=-"):
            self.send_response(416)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None
        return super().send_head()


class WholeOnly(SimpleHTTPRequestHandler):
    """Python's own, which answers no range requests."""

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving(server: Server, handler: type[SimpleHTTPRequestHandler] | None = None) -> Iterator[Server]:
    """Let ``server`` run, with another ``handler`` if one is given."""
    if handler is not None:
        folder = str(server.folders[0])
        server.RequestHandlerClass = partial(handler, directory=folder)
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
