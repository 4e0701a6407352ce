"""A proxy before a server that takes down what is asked, and answers some requests as networks and services do."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

STATUS = {
    "500": b"HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n",
    "503": b"HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n",
    "429": b"HTTP/1.1 429 X\r\nContent-Length: 0\r\n\r\n",
}
FAULTS = (*STATUS, "unheard", "unanswered", "half", "stall")
STALL = 1.5
"""Seconds for which an answer does not come, after which the connection breaks."""


class Faulty:
    """``fault`` says, by number, method and target of a request, what becomes of it; None is nothing."""

    def __init__(self, upstream: str) -> None:
        self.port = int(upstream.rpartition(":")[2])
        self.asked: list[tuple[str, str]] = []
        """Method and target of every request, in the order in which they came."""
        self.fault: Callable[[int, str, str], str | None] = lambda number, method, target: None
        self.delay = 0.0

    def every(self, count: int, faults: Sequence[str]) -> None:
        """Let each ``count``th request go wrong, in one way after the other."""
        self.fault = lambda number, _, __: faults[number // count % len(faults)] if number % count == 0 else None

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while True:
                head, body = await message(reader)
                method, target = head.decode("latin-1").split(" ", 2)[:2]
                self.asked.append((method, target))
                fault = self.fault(len(self.asked), method, target)
                await asyncio.sleep(self.delay)
                if fault in STATUS:
                    writer.write(STATUS[fault])
                    continue
                if fault is not None and fault not in FAULTS:
                    writer.write(fault.encode())
                    continue
                if fault == "stall":
                    await asyncio.sleep(STALL)
                if fault in ("unheard", "stall"):
                    break
                answer = await self.forwarded(head + body, is_head=method == "HEAD")
                if fault == "unanswered":
                    break
                writer.write(answer[: len(answer) // 2] if fault == "half" else answer)
                if fault == "half":
                    await writer.drain()
                    break
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    async def forwarded(self, request: bytes, *, is_head: bool) -> bytes:
        """Return the answer of the server itself, on a connection of its own."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
        try:
            writer.write(request)
            head, body = await message(reader, has_body=not is_head)
            return head + body
        finally:
            writer.close()


async def message(reader: asyncio.StreamReader, *, has_body: bool = True) -> tuple[bytes, bytes]:
    """Return head and body of a request or an answer."""
    head = await reader.readuntil(b"\r\n\r\n")
    body = b""
    if has_body and re.search(rb"transfer-encoding: *chunked", head, re.IGNORECASE):
        while True:
            line = await reader.readline()
            body += line + await reader.readexactly(int(line, 16) + 2)
            if not int(line, 16):
                break
    elif has_body and (length := re.search(rb"content-length: *([0-9]+)", head, re.IGNORECASE)):
        body = await reader.readexactly(int(length[1]))
    return head, body


@contextmanager
def faulty(upstream: str) -> Iterator[tuple[str, Faulty]]:
    """The URL of a proxy before ``upstream``, and what it does."""
    proxy = Faulty(upstream)
    loop = asyncio.new_event_loop()
    # All in the thread: that of the test may have a loop already, which drives a browser.
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    starting = asyncio.start_server(proxy.talk, "127.0.0.1", 0, limit=1 << 20)
    server = asyncio.run_coroutine_threadsafe(starting, loop).result()
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", proxy
    finally:
        loop.call_soon_threadsafe(server.close)
        for task in asyncio.all_tasks(loop):
            loop.call_soon_threadsafe(task.cancel)
        time.sleep(0.05)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
