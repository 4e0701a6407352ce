"""What a worker process does: answer calls that come through a pipe, until nobody holds its other end."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import Connection

from tileframe.work import answer

MOST_IN_PIPE = 64 << 10
"""Bytes of an answer that goes through the pipe: it holds some 200 kB, and for each of them both sides wake up."""

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
    # Here, for it imports numpy, which heeds the limits as it is loaded.
    from tileframe_executors.shared import Attached

    memory = Attached()
    try:
        while True:
            name, call = pipe.recv()
            made = answer(call)
            is_written = name is not None and len(made) > MOST_IN_PIPE and memory.write_bytes(name, made)
            pipe.send(len(made) if is_written else made)
    except (EOFError, OSError):
        pass  # the other end is closed: the work is done, or nobody wants it any more


def _end_with_parent() -> None:
    """End this process when its parent has ended, however that was."""
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)
