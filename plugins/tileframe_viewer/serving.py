"""Serves the folder of a page, and pyramids in object stores, to the browsers of this machine only."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

from tileframe import InputError, StoredFiles

ADDRESS = "127.0.0.1"
PIECE = 1 << 16
MOST = 64
"""Connections at a time, each of which has a thread; a browser opens six."""
SECONDS = 20.0
"""After which a connection is closed that neither asks nor takes what it asked for."""


class Server(ThreadingHTTPServer):
    """Serves what is below ``folders``, as it is below ``root``, on a free port of 127.0.0.1 unless one is given."""

    daemon_threads = True

    def __init__(
        self, root: Path, folders: Sequence[Path], *, port: int = 0, stored: Mapping[Path, StoredFiles] | None = None
    ) -> None:
        """``stored`` are pyramids that are shown as if they were in those folders, which have nothing else of them."""
        self.stored = {folder.resolve(): files for folder, files in (stored or {}).items()}
        self.folders = [folder.resolve() for folder in folders]
        self._free = threading.BoundedSemaphore(MOST)
        super().__init__((ADDRESS, port), partial(_Handler, directory=str(root)))

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own; close it at once if there are too many."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Make room for another one at its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore connections that the browser has closed, or keeps without a word; report everything else."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    @property
    def origin(self) -> str:
        """What the URLs begin with."""
        return f"http://{ADDRESS}:{self.server_port}"


def parse_range(header: str, length: int) -> tuple[int, int] | None:
    """Return the part of a file of ``length`` bytes that a ``Range`` header asks for: from, and to before which byte.

    None where the whole file is the answer: several parts, another unit, or no header that RFC 9110 knows. The part
    is empty if no byte of it exists.
    """
    match = re.fullmatch(r"bytes=([0-9]{0,18})-([0-9]{0,18})", header.strip(), re.IGNORECASE)
    if match is None or match[0].endswith("=-"):
        return None
    if not match[1]:
        return max(0, length - int(match[2])), length
    first = int(match[1])
    end = min(int(match[2]) + 1, length) if match[2] else length
    if match[2] and int(match[2]) < first:
        return None
    return first, max(first, end)


class _Handler(SimpleHTTPRequestHandler):
    server: Server
    timeout = SECONDS
    protocol_version = "HTTP/1.1"  # one connection for many tiles
    # Not what the system says: on Windows, that may be anything.
    extensions_map = {  # noqa: RUF012 - the base class has it as this
        ".html": "text/html; charset=utf-8",
        ".js": "text/javascript; charset=utf-8",
        ".css": "text/css; charset=utf-8",
        ".svg": "image/svg+xml",
        ".txt": "text/plain; charset=utf-8",
        ".jpeg": "image/jpeg",
        ".jpg": "image/jpeg",
        ".png": "image/png",
        ".bmp": "image/bmp",
        ".gif": "image/gif",
        ".webp": "image/webp",
        ".avif": "image/avif",
        ".jxl": "image/jxl",
        ".json": "application/json",
        ".dzi": "application/xml",
        ".xml": "application/xml",
        ".zip": "application/zip",
        "": "application/octet-stream",
    }
    part: int | None = None
    """How many bytes of the file are sent; None for all."""

    def send_head(self) -> BinaryIO | None:
        self.part = None
        # Another site may point its own name at this address, and so read what its page may not (DNS rebinding).
        host, _, port = (self.headers.get("Host") or "").partition(":")
        if host not in (ADDRESS, "localhost") or (port or "80") != str(self.server.server_port):
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST)
            return None
        path = Path(self.translate_path(self.path))
        if not self._is_served(path):
            return self._send_stored(path)
        wanted = self.headers.get("Range")
        # If-Range asks for the whole file if it has changed; we always send the whole, for we compare no versions.
        if wanted is None or self.command != "GET" or self.headers.get("If-Range"):
            return super().send_head()
        return self._send_part(path, wanted)

    def _send_stored(self, path: Path) -> BinaryIO | None:
        """Send a file of a pyramid that is somewhere else."""
        for folder, files in self.server.stored.items():
            if folder in path.parents:
                try:
                    data = files.get(path.relative_to(folder).as_posix())
                except KeyError:
                    break
                except InputError:
                    self.send_error(HTTPStatus.BAD_GATEWAY)
                    return None
                self.send_response(HTTPStatus.OK)
                self.send_header("Content-Type", self.guess_type(str(path)))
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                return BytesIO(data)
        self.send_error(HTTPStatus.NOT_FOUND)
        return None

    def _send_part(self, path: Path, wanted: str) -> BinaryIO | None:
        try:
            file = path.open("rb")
        except OSError:
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        try:
            status = os.fstat(file.fileno())
            found = parse_range(wanted, status.st_size)
            if found is None:
                file.close()
                return super().send_head()
            first, end = found
            if first == end or first >= status.st_size:
                file.close()
                self.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
                self.send_header("Content-Range", f"bytes */{status.st_size}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return None
            file.seek(first)
            self.part = end - first
            self.send_response(HTTPStatus.PARTIAL_CONTENT)
            self.send_header("Content-Type", self.guess_type(str(path)))
            self.send_header("Content-Range", f"bytes {first}-{end - 1}/{status.st_size}")
            self.send_header("Content-Length", str(self.part))
            self.send_header("Last-Modified", self.date_time_string(int(status.st_mtime)))
            self.end_headers()
        except BaseException:
            file.close()
            raise
        return file

    def copyfile(self, source: Any, outputfile: Any) -> None:
        """Send the file, or the part of it that was asked for."""
        if self.part is None:
            super().copyfile(source, outputfile)
            return
        left = self.part
        while left and (piece := source.read(min(left, PIECE))):
            outputfile.write(piece)
            left -= len(piece)
        if left:  # the file was cut meanwhile: the rest of the announced length will never come
            self.close_connection = True

    def _is_served(self, path: Path) -> bool:
        try:
            path = path.resolve()  # a link may not lead out either
            # Folders are not listed.
            return path.is_file() and any(folder in path.parents for folder in self.server.folders)
        except (OSError, ValueError):
            return False  # no file can be called that

    def end_headers(self) -> None:
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Cache-Control", "no-cache")  # asked for again, and answered with 304: tiles may be remade
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: the terminal is the user's."""
