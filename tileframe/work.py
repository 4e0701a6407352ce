"""Windowed work over a pool, whose results come in order and which stops cleanly."""

from __future__ import annotations

import pickle
import threading
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack
from typing import Any, TypeVar
from uuid import uuid4

from tileframe.errors import PluginError

T = TypeVar("T")
R = TypeVar("R")

# Begun ahead of the one that is waited for, per worker.
AHEAD = 4


class WhileUsed:
    """Holds a setting of the whole process while any run needs it: made for the first, put back after the last."""

    def __init__(self, setting: Callable[[], AbstractContextManager[object]]) -> None:
        """``setting()`` sets it when it is entered, and puts it back when it is left."""
        self._setting, self._lock = setting, threading.Lock()
        self._users, self._set = 0, ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            if not self._users:
                self._set.enter_context(self._setting())
            self._users += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._users -= 1
            if not self._users:
                self._set.close()


def threads(workers: int) -> Executor:
    """Return a pool of as many threads of this process: what does the work unless an executor is asked for."""
    return ThreadPoolExecutor(workers, thread_name_prefix="tileframe")


def in_order(
    work: Callable[[T], R], things: Iterable[T], *, workers: int, stop: threading.Event | None = None,
    pool: Executor | None = None, name: str = "threads",
) -> Generator[R, None, None]:  # fmt: skip
    """Yield ``work(thing)`` for each of ``things``, in their order, made by ``pool``, or by ``workers`` threads.

    A few for each worker are begun ahead; a pool whose workers are not as many as ``workers``, or come and go, has
    their number as ``workers``. What ``work`` raises is raised here. On that, or when it is closed, ``stop``
    is set, the pool is shut down, and what is running is waited for. Iterate in a ``with closing(...)``: else, after an
    exception of the caller's own, the work goes on until the traceback is gone.

    `PluginError`, naming the pool by ``name``, where a result is not that of its call.
    """
    used = threads(workers) if pool is None else pool
    run = uuid4().hex
    waiting: deque[tuple[str, Future[tuple[str, R]]]] = deque()
    try:
        for number, thing in enumerate(things):
            mark = f"{run}-{number}"
            waiting.append((mark, _checked(used.submit(_marked, mark, work, thing), name)))
            if len(waiting) >= AHEAD * getattr(used, "workers", workers):
                yield _result(*waiting[0], name)
                waiting.popleft()
        while waiting:
            yield _result(*waiting[0], name)
            waiting.popleft()
    except BaseException:
        if stop is not None:
            stop.set()
        used.shutdown(wait=False, cancel_futures=True)
        raise
    finally:
        running = [future for _, future in waiting if not future.cancel()]
        while wait(running, timeout=0.2).not_done:
            pass
        if pool is None:
            used.shutdown()


def _marked(mark: str, work: Callable[[T], R], thing: T) -> tuple[str, R]:
    """Return the result with the mark of its call, unlike that of any other call in any run."""
    return mark, work(thing)


def _checked(made: object, name: str) -> Future[Any]:
    if not isinstance(made, Future):
        kind = type(made).__name__
        raise PluginError(f"the executor '{name}' gives a {kind} for a call, not a concurrent.futures.Future")
    return made


def _result(mark: str, future: Future[tuple[str, R]], name: str) -> R:
    """Return the result of the call ``mark``; `PluginError` for anything else that ``future`` holds."""
    # In short waits: Windows lets no Ctrl-C through an endless one.
    while not wait([future], timeout=0.2).done:
        pass
    if future.cancelled():
        raise PluginError(f"the executor '{name}' cancelled a call that nobody wanted cancelled")
    match future.result():
        case (str(found), result) if found == mark:
            return result
        case (str(found), _) if found.startswith(mark.partition("-")[0]):
            raise PluginError(f"the executor '{name}' gave the result of another call than the one that was asked for")
        case other:
            raise PluginError(f"the executor '{name}' gave a {type(other).__name__} that is no result of the call")


def answer(call: bytes) -> bytes:
    """Return the pickled result of a pickled call, beside what it has raised."""
    try:
        function, args, kwargs = pickle.loads(call)
        return pickle.dumps((function(*args, **kwargs), None), pickle.HIGHEST_PROTOCOL)
    except BaseException as error:  # whatever it is, it is raised again by the thread that waits for it
        return _pickled(error)


def _pickled(error: BaseException) -> bytes:
    # A traceback cannot be sent; a note is shown with the exception, and changes nothing of it.
    note = "In a worker process:\n" + "".join(traceback.format_exception(error))
    error.add_note(note)
    try:
        answer = pickle.dumps((None, error))
        pickle.loads(answer)
    except Exception:  # an exception of a stranger's need not survive that
        other = RuntimeError(f"{type(error).__name__}: {error}")
        other.add_note(note)
        return pickle.dumps((None, other))
    return answer


def answered(answer: bytes | memoryview) -> Any:
    """Return the result that ``answer`` has in another process, or raise what was raised there."""
    result, raised = pickle.loads(answer)
    if raised is not None:
        raise raised
    return result
