"""Where tiles are made: few threads, a bounded queue, each thing once for all who wait; and what is kept of them."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
Receive = Callable[[], Awaitable[Any]]

UNWATCHED = 0.05
"""Seconds for which is not looked whether the client goes away."""


class Used(Protocol):
    """What is not to be closed while it is in use."""

    def take(self) -> None:
        """Begin to use it."""

    def give(self) -> None:
        """End that."""


class Busy(Exception):
    """Too many are waiting, or it takes too long: 503, and the client may come again."""


class Gone(Exception):
    """The client has gone away: there is nobody to answer."""


class Kept:
    """The bytes that were made or asked for last, within a bound."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._kept: OrderedDict[Hashable, bytes] = OrderedDict()
        self._lock = threading.Lock()
        self.bytes = 0

    def get(self, key: Hashable) -> bytes | None:
        """Return what is kept under ``key``."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, key: Hashable, data: bytes) -> None:
        """Keep ``data`` if it is not too large, and drop what was not asked for longest."""
        with self._lock:
            if key in self._kept or len(data) > self._most // 4:
                return
            self._kept[key] = data
            self.bytes += len(data)
            while self.bytes > self._most:
                self.bytes -= len(self._kept.popitem(last=False)[1])


@dataclass
class _Making:
    work: Future[Any]
    done: asyncio.Future[Any]
    waiting: int = 0


class Kitchen:
    """Makes things in threads, for the event loop."""

    def __init__(self, threads: int, queue: int, seconds: float) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="tileframe-serve")
        self._most, self._seconds = threads + queue, seconds
        self._making: dict[Hashable, _Making] = {}

    def __len__(self) -> int:
        return len(self._making)

    def __contains__(self, key: Hashable) -> bool:
        """Say whether ``key`` is being made, or waits for it."""
        return key in self._making

    async def make(
        self,
        key: Hashable,
        work: Callable[[], T],
        *,
        then: Callable[[T], object],
        receive: Receive,
        uses: Used | None = None,
    ) -> T:
        """Return what ``work`` does in a thread; who asks for the same ``key`` meanwhile gets the same.

        ``then`` is called with it in the event loop, whoever still waits; ``uses`` stays in use until the end.
        `Busy` where too many wait, and after too long; `Gone` as soon as ``receive`` tells that the client has gone
        away. When nobody waits any more, what was not begun is not made.
        """
        making = self._making.get(key)
        if making is None:
            if len(self._making) >= self._most:
                raise Busy("too many requests are waiting")
            making = self._begin(key, work, then, uses)
        making.waiting += 1
        try:
            # Most are made before it is worth a task to look whether the client is there.
            if not (await asyncio.wait((making.done,), timeout=min(UNWATCHED, self._seconds)))[0]:
                await self._watched(making.done, receive)
            made: T = making.done.result()
            return made
        finally:
            making.waiting -= 1
            if not making.waiting and not making.done.done() and making.work.cancel():
                self._making.pop(key, None)

    async def _watched(self, done: asyncio.Future[Any], receive: Receive) -> None:
        gone = asyncio.ensure_future(disconnected(receive))
        try:
            first = asyncio.FIRST_COMPLETED
            ended, _ = await asyncio.wait((done, gone), timeout=self._seconds, return_when=first)
        finally:
            gone.cancel()
        if not ended:
            raise Busy(f"it takes longer than {self._seconds:g} seconds")
        if not done.done():
            raise Gone

    def _begin(self, key: Hashable, work: Callable[[], T], then: Callable[[T], object], uses: Used | None) -> _Making:
        if uses is not None:
            uses.take()
        future = self._pool.submit(work)
        making = self._making[key] = _Making(future, asyncio.wrap_future(future))

        def end(done: asyncio.Future[Any]) -> None:
            if self._making.get(key) is making:
                del self._making[key]
            if uses is not None:
                uses.give()
            # The exception is looked at in any case: nobody may be waiting any more.
            if not done.cancelled() and done.exception() is None:
                then(done.result())

        making.done.add_done_callback(end)
        return making

    def close(self) -> None:
        """End the threads, when what they do is done."""
        self._pool.shutdown(wait=True, cancel_futures=True)


async def disconnected(receive: Receive) -> None:
    """Wait until the client has gone away."""
    while (await receive())["type"] != "http.disconnect":
        pass
