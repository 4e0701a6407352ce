"""What a worker process does: answer calls that come through a pipe, until nobody holds its other end."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from multiprocessing.connection import Connection

# Threads of libraries' own, in every worker, would be many times as many as there are workers.
LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VIPS_CONCURRENCY")


def serve(pipe: Connection) -> None:
    """Answer call after call."""
    # Ctrl-C goes to all processes of a terminal; this one is ended by its parent.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})  # as it was started with
    threading.Thread(target=_end_with_parent, daemon=True).start()
    for name in LIMITS:
        os.environ.setdefault(name, "1")
    try:
        while True:
            pipe.send_bytes(answer(pipe.recv_bytes()))
    except (EOFError, OSError):
        pass  # the other end is closed: the work is done, or nobody wants it any more


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


def _end_with_parent() -> None:
    """End this process when its parent has ended, however that was."""
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)
