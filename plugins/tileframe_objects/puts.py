"""Sends objects while those that make them go on: so many requests at a time, and so many bytes in memory."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import wait

MOST_BYTES = 64 << 20
"""In memory at a time; one object may be larger."""
AHEAD = 2
"""Objects in memory, for each request: the next ones are ready when an answer comes."""

Send = Callable[[str, bytes], Awaitable[None]]


class Puts:
    """A loop in a thread of its own, which waits for the network, and can be stopped at once."""

    def __init__(self, send: Send, requests: int) -> None:
        self._send, self._requests = send, requests
        self._changed = threading.Condition()
        self._count = self._bytes = 0
        self._error: BaseException | None = None
        self._flying: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def add(self, key: str, data: bytes, *, after_all: bool = False) -> None:
        """Send ``data``, ``after_all`` only once all that was added before has arrived.

        Waits while there is too much on the way. Raises what an earlier one failed with.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._error is not None or after_all or self._has_room(len(data)))
            if self._error is not None:
                raise self._error
            self._count += 1
            self._bytes += len(data)
            loop = self._loop or self._begin()
            loop.call_soon_threadsafe(self._start, key, data, after_all)

    @property
    def has_failed(self) -> bool:
        """Whether nothing can be added any more."""
        return self._error is not None

    def wait(self) -> None:
        """Wait until all that was added before has arrived; raise what one has failed with."""
        with self._changed:
            if self._loop is not None and self._error is None:
                reached = asyncio.run_coroutine_threadsafe(self._all(), self._loop)
            else:
                reached = None
        while reached is not None and not wait([reached], timeout=0.2).done:
            pass  # in short waits: Windows lets no Ctrl-C through an endless one
        with self._changed:
            if self._error is not None:
                raise self._error

    def stop(self) -> None:
        """Give up what is still on the way; nothing can be added any more."""
        with self._changed:
            self._error = self._error or RuntimeError("nothing is put after the end of a run")
            loop, self._loop, thread = self._loop, None, self._thread
            self._changed.notify_all()
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(self._cancel, loop)
            thread.join()
            loop.close()

    def _has_room(self, size: int) -> bool:
        return self._count < AHEAD * self._requests and (not self._bytes or self._bytes + size <= MOST_BYTES)

    def _begin(self) -> asyncio.AbstractEventLoop:
        self._loop = asyncio.new_event_loop()
        self._limit = asyncio.Semaphore(self._requests)
        # Not waited for at the end of the process: a worker's is never stopped.
        self._thread = threading.Thread(target=self._loop.run_forever, name="tileframe-puts", daemon=True)
        self._thread.start()
        return self._loop

    def _start(self, key: str, data: bytes, after_all: bool) -> None:
        before = list(self._flying) if after_all else []
        task = asyncio.ensure_future(self._sent(key, data, before))
        self._flying.add(task)
        task.add_done_callback(lambda done: self._ended(done, len(data)))

    async def _sent(self, key: str, data: bytes, before: list[asyncio.Task[None]]) -> None:
        if before:
            await asyncio.gather(*before)  # one that fails is an error of this one, too
        async with self._limit:
            await self._send(key, data)

    async def _all(self) -> None:
        await asyncio.gather(*self._flying, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None], size: int) -> None:
        self._flying.discard(task)
        error = None if task.cancelled() else task.exception()
        with self._changed:
            self._count -= 1
            self._bytes -= size
            self._error = self._error or error
            self._changed.notify_all()

    def _cancel(self, loop: asyncio.AbstractEventLoop) -> None:
        for task in self._flying:
            task.cancel()
        ending = asyncio.gather(*self._flying, return_exceptions=True)
        ending.add_done_callback(lambda _: loop.stop())
