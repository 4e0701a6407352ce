"""A web server of the tests' own, as it should be or with one of the faults that servers have."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

SAID = b"the server's own words"


@dataclass
class Served:
    """What the server has and does; may be changed while it runs."""

    files: dict[str, bytes]
    ranges: bool = True
    etag: str | None = '"one"'
    modified: str | None = None
    status: int | None = None
    """Of every answer."""
    failing: int = 0
    """So many requests are answered by 503 before any is answered."""
    dropping: int = 0
    """So many connections are closed without an answer."""
    cutting: int = 0
    """So many answers end in their middle."""
    shift: int = 0
    """Added to where a part begins."""
    mute: bool = False
    """Does not say how long an answer is."""
    padding: int = 0
    """Bytes that it sends behind each part."""
    longer: int = 0
    """Added to the length that it gives of a file."""
    moved: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    changes_after: int | None = None
    """Requests after which it has another version of everything."""
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    sent: int = 0
    """Bytes of files, counted as each answer begins."""
    url: str = ""

    def takes(self, name: str) -> bool:
        """Count one of the answers that fail as ``name`` says."""
        left: int = getattr(self, name)
        setattr(self, name, max(0, left - 1))
        return left > 0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    served: Served

    def log_message(self, *arguments: Any) -> None:
        pass

    def do_GET(self) -> None:
        served = self.served
        asked = self.headers.get("Range")
        path = unquote(urlsplit(self.path).path)
        served.requests.append((path, asked))
        if served.changes_after is not None and len(served.requests) > served.changes_after:
            served.etag = '"two"'
        time.sleep(served.delay)
        if served.takes("dropping"):
            self.close_connection = True
            return
        if path in served.moved:
            self.answer(302, b"", Location=served.moved[path])
        elif served.takes("failing") or served.status is not None:
            self.answer(served.status or 503, SAID)
        elif path not in served.files:
            self.answer(404, SAID)
        elif asked is None or not served.ranges:
            self.answer(200, served.files[path])
        else:
            first, last = (int(number) for number in asked.removeprefix("bytes=").split("-"))
            part = served.files[path][first + served.shift : last + served.shift + 1]
            if not part:
                self.answer(416, SAID)
                return
            begin, length = first + served.shift, len(served.files[path]) + served.longer
            self.answer(
                206, part + bytes(served.padding), Content_Range=f"bytes {begin}-{begin + len(part) - 1}/{length}"
            )

    def answer(self, status: int, content: bytes, **headers: str) -> None:
        served = self.served
        self.send_response(status)
        more = {"ETag": served.etag, "Last-Modified": served.modified, "Content-Length": f"{len(content)}"}
        for name, value in {**headers, **more}.items():
            if value is not None and (name != "Content-Length" or not served.mute):
                self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.close_connection = self.close_connection or served.mute
        if status < 300 and served.takes("cutting"):
            content = content[: len(content) // 2]
            self.close_connection = True
        # Counted before the client has them: who has read a file looks at the count at once.
        served.sent += len(content) if status < 300 else 0
        with suppress(OSError):  # nobody wants the rest
            self.wfile.write(content)


@contextmanager
def serving(files: dict[str, bytes], **how: Any) -> Iterator[Served]:
    """Serve ``files``, by path."""
    served = Served(files, **how)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handling", (Handler,), {"served": served}))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
