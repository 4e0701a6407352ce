"""Sends objects while those that make them go on: so many requests at a time, and so many bytes in memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

MOST_BYTES = 64 << 20
"""In memory at a time; one object may be larger."""
AHEAD = 2
"""Objects in memory, for each request: the next ones are ready when an answer comes."""
GRACE = 5.0
"""Seconds that `stop` waits for what is on the way."""

Send = Callable[[str, bytes], None]


class Puts:
    """Threads that wait for the network. They cost a third of the processor time that obstore's asyncio calls do."""

    def __init__(self, send: Send, requests: int) -> None:
        self._send, self._requests = send, requests
        self._queue: SimpleQueue[tuple[int, str, bytes, bool] | None] = SimpleQueue()
        self._threads = 0
        self._changed = threading.Condition()
        self._number = self._bytes = 0
        self._flying: set[int] = set()
        """The numbers of those that have not arrived."""
        self._error: BaseException | None = None

    @property
    def has_failed(self) -> bool:
        """Whether nothing can be added any more."""
        return self._error is not None

    def add(self, key: str, data: bytes, *, after_all: bool = False) -> None:
        """Have ``data`` sent, ``after_all`` only once all that was added before has arrived.

        Waits while there is too much on the way. Raises what an earlier one has failed with.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._error is not None or after_all or self._has_room(len(data)))
            self._raise()
            self._number += 1
            self._bytes += len(data)
            self._flying.add(self._number)
            self._queue.put((self._number, key, data, after_all))
            if self._threads < min(self._requests, len(self._flying)):
                self._threads += 1
                # Daemons: one that waits for a server that does not answer must not keep the process.
                threading.Thread(target=self._work, name="tileframe-put", daemon=True).start()

    def wait(self) -> None:
        """Wait until all that was added before has arrived; raise what one has failed with."""
        with self._changed:
            last = self._number
            while self._error is None and self._is_flying(before=last + 1):
                self._changed.wait(0.2)  # in short waits: Windows lets no Ctrl-C through an endless one
            self._raise()

    def stop(self) -> None:
        """Give up what has not been sent, and wait a moment for what has; nothing can be added any more."""
        until = time.monotonic() + GRACE
        with self._changed:
            self._error = self._error or RuntimeError("nothing is put after the end of a run")
            self._changed.notify_all()
            for _ in range(self._threads):
                self._queue.put(None)
            while self._flying and time.monotonic() < until:
                self._changed.wait(0.2)

    def _has_room(self, size: int) -> bool:
        return len(self._flying) < AHEAD * self._requests and (not self._bytes or self._bytes + size <= MOST_BYTES)

    def _is_flying(self, *, before: int) -> bool:
        return bool(self._flying) and min(self._flying) < before

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            number, key, data, after_all = item
            error: BaseException | None = None
            try:
                if after_all:
                    self._wait_for_those_before(number)
                if self._error is None:
                    self._send(key, data)
            except BaseException as caught:  # whatever it is, the next `add` raises it
                error = caught
            with self._changed:
                self._flying.discard(number)
                self._bytes -= len(data)
                self._error = self._error or error
                self._changed.notify_all()

    def _wait_for_those_before(self, number: int) -> None:
        """Wait for all that have been taken from the queue before, which ends, for each has a thread."""
        with self._changed:
            self._changed.wait_for(lambda: self._error is not None or not self._is_flying(before=number))
