"""Lets uvicorn serve an application at an address, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from typing import Any

import click

from tileframe import OutputError

GRACE = 30
"""Seconds that answers which were begun have when the server is stopped."""
HOW: dict[str, Any] = {
    "http": "tileframe_serve.connections:Bounded", "ws": "none", "lifespan": "on", "proxy_headers": False,
    # What clients do wrong would be warned of, each time: whoever likes could fill the log.
    "access_log": False, "log_level": "error", "server_header": False, "date_header": True,
    "timeout_graceful_shutdown": GRACE, "timeout_keep_alive": 30,
    "timeout_worker_healthcheck": 30,  # a process that does not answer for so long is killed, and its answers with it
}  # fmt: skip
"""Options of uvicorn."""


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens there; `OutputError` where that cannot be had. 0 is any port that is free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        reason = f"{error.strerror}".partition(" (while")[0]
        right = "give another --port, or 0 for one that is free"
        raise OutputError(f"port {port} of {host} cannot be had ({reason}); {right}") from error
    listening.set_inheritable(True)
    return listening


def origin(listening: socket.socket) -> str:
    """Return what the addresses of all that is served there begin with."""
    host, port = listening.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def serve(application: Any, listening: socket.socket, *, grace: int = GRACE) -> None:
    """Serve ``application`` in this process until it is stopped; what was begun then has ``grace`` seconds."""
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(application, **{**HOW, "timeout_graceful_shutdown": grace}))
    until_stopped(lambda: server.run(sockets=[listening]))


def serve_in_processes(factory: str, workers: int, listening: socket.socket) -> None:
    """Serve what ``factory``, the name of a function, makes in each of ``workers`` processes, until it is stopped."""
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    class Processes(Multiprocess):
        def terminate_all(self) -> None:
            # Else it would take connections which nobody serves any more, until the last process has ended.
            listening.close()
            super().terminate_all()

    config = uvicorn.Config(factory, factory=True, workers=workers, **HOW)
    until_stopped(Processes(config, sockets=[listening]).run)


def until_stopped(run: Callable[[], object]) -> None:
    """Call ``run``, which Ctrl-C ends."""
    try:
        run()
    except KeyboardInterrupt:  # raised once more when all is done: the way to end it
        if sys.stderr.isatty():
            click.echo(err=True)  # below the terminal's ^C
