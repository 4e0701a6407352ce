"""An application that a thread serves over HTTP, for browsers and other clients."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from tileframe_serve import running


@contextmanager
def served(application: Any, listening: socket.socket | None = None) -> Iterator[str]:
    """Serve it on a free port; gives what the addresses of all that it serves begin with, without a slash."""
    with listening or running.listen("127.0.0.1", 0) as own:
        server = uvicorn.Server(uvicorn.Config(application, **running.HOW))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [own]})
        thread.start()
        try:
            yield running.origin(own)
        finally:
            server.should_exit = True
            thread.join()
