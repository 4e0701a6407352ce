"""Executor `processes`: threads that each hand their calls to a process of their own.

Unlike those of Python's `ProcessPoolExecutor`, the processes share no queue: one that is killed in the middle of a
result holds nobody up, and the call that it was at is known to have failed, with the exit code.
"""

from __future__ import annotations

import pickle
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import ParamSpec, TypeVar, cast

from tileframe.work import answered
from tileframe_executors.shared import Shared
from tileframe_executors.worker import MOST_IN_PIPE, serve

P = ParamSpec("P")
R = TypeVar("R")


class ProcessEnded(BrokenExecutor):
    """A worker process ended before its call did."""

    def __init__(self, exitcode: int) -> None:
        super().__init__(f"a worker process ended with exit code {exitcode}")
        self.exitcode = exitcode


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Keep Ctrl-C from a process that begins now, for good, and from this thread while it starts one."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Processes(Executor):
    """As many fresh processes as there is work for, ``workers`` at most. They end with it, and with this process."""

    def __init__(self, workers: int) -> None:
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="tileframe-processes")
        self._of_thread = threading.local()
        self._lock = threading.Lock()
        self._workers: list[Worker] = []
        self._killed = False

    def submit(self, function: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Call ``function`` in a process; it, its arguments and its result go there and back by pickle."""
        return self._threads.submit(self._call, function, args, kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take nothing more, and end the processes when all is done; with ``cancel_futures``, kill them now."""
        self._threads.shutdown(wait=False, cancel_futures=cancel_futures)
        if cancel_futures:
            with self._lock:
                self._killed = True
                for worker in self._workers:
                    worker.kill()
        if wait:
            self._threads.shutdown(wait=True)
            while self._workers:
                self._workers.pop().end()

    def _call(self, function: Callable[..., R], args: tuple[object, ...], kwargs: dict[str, object]) -> R:
        worker: Worker | None = getattr(self._of_thread, "worker", None)
        if worker is None:
            with self._lock:
                if self._killed:
                    raise CancelledError
                worker = self._of_thread.worker = Worker()
                self._workers.append(worker)
        return cast("R", worker.call(pickle.dumps((function, args, kwargs), pickle.HIGHEST_PROTOCOL)))


class Worker:
    """One process, the pipe to it, and memory for answers that are too large for a pipe."""

    def __init__(self) -> None:
        # Fresh, never forked: a lock that a thread of this process holds would stay locked there for ever.
        context = get_context("spawn")
        self._pipe, far_end = context.Pipe()
        self._process = context.Process(target=serve, args=(far_end,), name="tileframe-worker", daemon=True)
        with _signals_kept():
            self._process.start()
        far_end.close()
        self._memory = Shared()

    def call(self, pickled: bytes) -> object:
        """Return the result of a call, or raise what it raises; `ProcessEnded` where the process does not survive."""
        try:
            self._pipe.send((self._memory.name, pickled))
            answer: bytes | int = self._pipe.recv()
        except (EOFError, OSError) as error:
            self._process.join()
            raise ProcessEnded(self._process.exitcode or 0) from error
        if isinstance(answer, int):
            with self._memory.view(answer) as view:
                return answered(view)
        if len(answer) > MOST_IN_PIPE:
            self._memory.of(len(answer) + len(answer) // 4)  # for the next ones
        return answered(answer)

    def kill(self) -> None:
        """End it at once, whatever it does."""
        self._process.kill()

    def end(self) -> None:
        """Let it end, and wait for that."""
        self._pipe.close()
        self._process.join()
        self._process.close()
        self._memory.close()
