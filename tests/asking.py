"""A server's application, asked without a network: each request is the ASGI scope that uvicorn would make of it."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tileframe.registry import load
from tileframe_serve.app import App
from tileframe_serve.settings import Settings


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Asked:
    """Asks one application, in one event loop of its own."""

    def __init__(self, app: App, run: Callable[[Any], Any]) -> None:
        self.app, self.run = app, run

    async def asking(self, path: str | bytes, *, method: str = "GET", **headers: str) -> Reply:
        raw, _, query = (path.encode("latin-1") if isinstance(path, str) else path).partition(b"?")
        given = {"host": "127.0.0.1", **{name.replace("_", "-"): value for name, value in headers.items()}}
        scope = {
            "type": "http", "method": method, "path": raw.decode("latin-1"), "raw_path": raw, "query_string": query,
            "scheme": "http", "headers": [(name.encode(), value.encode("latin-1")) for name, value in given.items()],
        }  # fmt: skip
        sent: list[Any] = []

        async def receive() -> Any:
            await asyncio.Event().wait()

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        start, body = sent
        return Reply(start["status"], {k.decode(): v.decode("latin-1") for k, v in start["headers"]}, body["body"])

    def __call__(self, path: str | bytes, **how: Any) -> Reply:
        reply: Reply = self.run(self.asking(path, **how))
        return reply

    def id(self, name: str = "") -> str:
        """The id of what is called so; of the only one there is, without a name."""
        entries = self.app.served.catalogue.entries.values()
        (found,) = [entry.id for entry in entries if name in ("", entry.name)]
        return found


@contextmanager
def own_loop() -> Iterator[Callable[[Any], Any]]:
    """What runs coroutines in a thread with a loop of its own: that of the test may drive a browser."""
    runner = asyncio.Runner()
    with ThreadPoolExecutor(1) as thread:
        try:
            yield lambda work: thread.submit(runner.run, work).result()
        finally:
            thread.submit(runner.close).result()


@contextmanager
def serving(*paths: Path | str, **asked: Any) -> Iterator[Asked]:
    with own_loop() as run:
        app = App(Settings(paths=tuple(map(str, paths)), **asked), load())
        try:
            yield Asked(app, run)
        finally:
            run(app.end())


@contextmanager
def server(*arguments: str | Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process that serves, and its port."""
    command = [sys.executable, "-m", "tileframe", "serve", "--port", "0", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/\n", line)
            assert found, (line, process.stderr and process.stderr.read())
            yield process, int(found[1])
        finally:
            process.kill()


def got(port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()
