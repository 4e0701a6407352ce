"""What a worker process does: answer calls that come through a pipe, until nobody holds its other end."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from multiprocessing.connection import Connection

from tileframe.work import answer

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


def _end_with_parent() -> None:
    """End this process when its parent has ended, however that was."""
    if (parent := multiprocessing.parent_process()) is not None:
        parent.join()
        os._exit(1)
