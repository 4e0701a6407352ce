"""Where tiles are made: few threads, a bounded queue, each thing once for all who wait; and what is kept of them."""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from queue import SimpleQueue
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


class _Making:
    """A thing that is being made, or waits for it."""

    def __init__(
        self, key: Hashable, work: Callable[[], Any], then: Callable[[Any], object], uses: Used | None
    ) -> None:
        self.key, self.work, self.then, self.uses = key, work, then, uses
        self.done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.waiting = 0
        self.claim = threading.Lock()
        """Taken once: by the thread that makes it, or by the event loop, which drops it."""


class Kitchen:
    """Makes things in threads, for the event loop.

    Not by an executor: its futures, and those of the event loop that follow them, take over twice as long.
    """

    def __init__(self, threads: int, queue: int, seconds: float) -> None:
        self._most_threads, self._most, self._seconds = threads, threads + queue, seconds
        self._threads: list[threading.Thread] = []
        self._tasks: SimpleQueue[_Making | None] = SimpleQueue()
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
            making = self._begin(_Making(key, work, then, uses))
        making.waiting += 1
        try:
            # Most are made before it is worth a task to look whether the client is there.
            if not await _within(making.done, min(UNWATCHED, self._seconds)):
                await self._watched(making.done, receive)
            made: T = making.done.result()
            return made
        finally:
            making.waiting -= 1
            if not making.waiting and making.claim.acquire(blocking=False):
                self._forget(making)

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

    def _begin(self, making: _Making) -> _Making:
        if len(self._threads) < min(self._most_threads, len(self._making) + 1):
            name = f"tileframe-serve_{len(self._threads)}"
            thread = threading.Thread(target=self._work, name=name, daemon=True)
            thread.start()  # first: where the system has no more, nothing is to wait for it
            self._threads.append(thread)
        if making.uses is not None:
            making.uses.take()
        self._making[making.key] = making
        self._tasks.put(making)
        return making

    def _work(self) -> None:
        """Make one thing after the other, in a thread."""
        while (making := self._tasks.get()) is not None:
            if not making.claim.acquire(blocking=False):
                continue
            made: Any = None
            failed: Exception | None = None
            try:
                made = making.work()
            except BaseException as error:  # whoever waits for it is to know
                failed = _bearable(error)
            loop = making.done.get_loop()
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._end, making, made, failed)
            del making, made, failed  # nothing of it is held while there is nothing to do

    def _end(self, making: _Making, made: Any, failed: Exception | None) -> None:
        self._forget(making)
        if failed is None:
            making.done.set_result(made)
            making.then(made)
        else:
            making.done.set_exception(failed)
            making.done.exception()  # looked at in any case: nobody may be waiting any more

    def _forget(self, making: _Making) -> None:
        del self._making[making.key]
        if making.uses is not None:
            making.uses.give()

    def close(self) -> None:
        """End the threads, when what they do is done."""
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads:
            thread.join()


def _bearable(error: BaseException) -> Exception:
    """Return ``error``; of a plugin's `SystemExit`, which would end the event loop, and its like, a `RuntimeError`."""
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    other = RuntimeError(f"{type(error).__name__}: {error}")
    other.__cause__ = error
    return other


async def _within(done: asyncio.Future[Any], seconds: float) -> bool:
    """Wait until ``done``, or for so long, and say which; `asyncio.wait` takes twice as long for a single future."""
    loop = asyncio.get_running_loop()
    waiter = loop.create_future()

    def wake(_: object = None) -> None:
        if not waiter.done():
            waiter.set_result(None)

    timer = loop.call_later(seconds, wake)
    done.add_done_callback(wake)
    try:
        await waiter
    finally:
        timer.cancel()
    return done.done()


async def disconnected(receive: Receive) -> None:
    """Wait until the client has gone away."""
    while (await receive())["type"] != "http.disconnect":
        pass
