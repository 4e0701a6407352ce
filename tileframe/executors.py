"""The executor of a run: one that the caller lends, and what is said when one breaks."""

from __future__ import annotations

import signal
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future
from typing import Any

from tileframe.errors import InputError, TileframeError, WorkerError

CRASHES = ("SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGABRT")
"""Signals by which a library dies of what it was given."""
WINDOWS_CRASH = 0xC0000000
"""On Windows, exit codes from here on say so."""


class Lent(Executor):
    """A caller's own executor: works for one run, and lives on after it."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        """Hand the call on."""
        return self._executor.submit(function, *arguments, **options)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Do nothing: whoever has made it ends it."""


def broken(error: BrokenExecutor, name: str, slide: str) -> TileframeError:
    """Return what is to be said of the executor ``name`` that broke while it worked on ``slide``.

    Where the error has an ``exitcode``, as `multiprocessing.Process` gives it, that tells the cause.
    """
    code = getattr(error, "exitcode", None)
    if code is None:
        return WorkerError(f"the executor '{name}' broke: {' '.join(str(error).split()) or type(error).__name__}")
    by = _signal(code)
    if by in CRASHES or code >= WINDOWS_CRASH:
        return InputError(f"{slide}: a worker process crashed while it worked on it ({by or hex(code)})")
    if by is None:
        return WorkerError(
            f"a worker process of the executor '{name}' ended with exit code {code}; what it wrote is above"
        )
    hint = ", perhaps for want of memory: give fewer --workers" if by == "SIGKILL" else ""
    return WorkerError(f"a worker process of the executor '{name}' was killed ({by}){hint}")


def _signal(code: int) -> str | None:
    """Return the name of the signal by which a process with this exit code ended; None if it ended by itself."""
    known = {one.value: one.name for one in signal.Signals}
    return known.get(-code, f"signal {-code}") if code < 0 else None
