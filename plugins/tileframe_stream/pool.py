"""Thread pool whose first thread also runs an ordered producer and helps while it waits."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

Task = Callable[[], None]


class Stopped(Exception):
    """Raised inside a worker to unwind after cancellation; never reported."""


class OrderedPool:
    """``workers`` threads: the first runs the producer ``lead``, and tasks while that waits; the others run tasks."""

    def __init__(self, workers: int, lead: Callable[[], None]) -> None:
        self._tasks: deque[Task] = deque()
        lock = threading.RLock()
        self._changed = threading.Condition(lock)
        # The thread that waits for the end has one of its own: else each task wakes it, some in the place of a worker.
        self._over = threading.Condition(lock)
        self._unfinished = 0
        self._leading = True
        self._error: BaseException | None = None
        self._lead = lead
        self._threads = [
            threading.Thread(target=self._guarded, args=(work,), name=f"tileframe_{number}", daemon=True)
            for number, work in enumerate([self._first, *[self._others] * (workers - 1)])
        ]

    def submit(self, task: Task) -> None:
        """Have ``task`` done by whoever is free."""
        with self._changed:
            self._tasks.append(task)
            self._unfinished += 1
            self._changed.notify()

    def help_until(self, ready: Callable[[], bool]) -> None:
        """Do tasks until ``ready()``, which one of them makes true; for ``lead``."""
        while self._one(until=ready):
            pass

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def finished(self, seconds: float) -> bool:
        """Wait that long at most; say whether all is done, or raise what a task or ``lead`` raised."""
        with self._over:
            over = self._over.wait_for(self._is_over, timeout=seconds)
            if self._error is not None:
                raise self._error
            return over

    def stop(self) -> None:
        """Begin nothing more, and wait for what is running."""
        with self._changed:
            self._error = self._error or Stopped()
            self._tell_all()
        for thread in self._threads:
            while thread.is_alive():
                thread.join(timeout=0.2)  # in short waits: Windows lets no Ctrl-C through an endless one

    def _is_over(self) -> bool:
        return self._error is not None or not (self._leading or self._unfinished)

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Stopped:
            pass
        except BaseException as error:  # whatever it is, the thread that waits raises it again
            with self._changed:
                self._error = self._error or error
                self._tell_all()

    def _first(self) -> None:
        self._lead()
        with self._changed:
            self._leading = False
            self._tell_all()
        self._others()

    def _others(self) -> None:
        while self._one(until=self._is_over):
            pass

    def _one(self, *, until: Callable[[], bool]) -> bool:
        """Do one task, as soon as there is one; say no when ``until()`` came first."""
        with self._changed:
            self._changed.wait_for(lambda: self._error is not None or until() or bool(self._tasks))
            if self._error is not None:
                raise Stopped
            if until():
                return False
            task = self._tasks.popleft()
        task()
        with self._changed:
            self._unfinished -= 1
            self._tell_all()
        return True

    def _tell_all(self) -> None:
        self._changed.notify_all()
        if self._is_over():
            self._over.notify_all()
