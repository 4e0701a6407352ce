"""Serves the folder of a page to this machine's own browsers, and nothing else to anybody."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO

ADDRESS = "127.0.0.1"


class Server(ThreadingHTTPServer):
    """Serves what is below ``folders``, as it is below ``root``, on a free port of 127.0.0.1 unless one is given."""

    daemon_threads = True

    def __init__(self, root: Path, folders: Sequence[Path], *, port: int = 0) -> None:
        self.folders = [folder.resolve() for folder in folders]
        super().__init__((ADDRESS, port), partial(_Handler, directory=str(root)))

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a browser that no longer wants what it asked for; anything else is a bug."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]

    @property
    def origin(self) -> str:
        """What the URLs begin with."""
        return f"http://{ADDRESS}:{self.server_port}"


class _Handler(SimpleHTTPRequestHandler):
    server: Server
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
        ".webp": "image/webp",
        ".avif": "image/avif",
        ".jxl": "image/jxl",
        ".json": "application/json",
        ".dzi": "application/xml",
        "": "application/octet-stream",
    }

    def send_head(self) -> BinaryIO | None:
        # A page of another site may have its name lead here; it does not get at the slide that way.
        host, _, port = (self.headers.get("Host") or "").partition(":")
        if host not in (ADDRESS, "localhost") or (port or "80") != str(self.server.server_port):
            self.send_error(HTTPStatus.MISDIRECTED_REQUEST)
            return None
        if not self._is_served(Path(self.translate_path(self.path))):
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        return super().send_head()

    def _is_served(self, path: Path) -> bool:
        try:
            path = path.resolve()  # a link may not lead out either
            # Folders are not listed.
            return path.is_file() and any(folder in path.parents for folder in self.server.folders)
        except (OSError, ValueError):
            return False  # no file can be called that

    def end_headers(self) -> None:
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "no-cache")  # asked for again, and answered with 304: tiles may be remade
        super().end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the terminal is the user's."""
