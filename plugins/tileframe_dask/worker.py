"""What a worker of the cluster does: the calls of a run, until that is stopped."""

from __future__ import annotations

import asyncio
import ctypes
import threading
from collections import Counter, deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

from tileframe.work import answer
from tileframe_dask import versions

TRIM, MAP = -1, -3
"""What glibc calls the two settings in `_keep_freed_memory`."""


@dataclass(frozen=True, slots=True)
class Different:
    """What comes back of a worker that has other versions than the run."""

    worker: str
    versions: versions.Versions


_LOCK = threading.Lock()
_BUSY: Counter[str] = Counter()
"""How many threads of this process make a call of each run now."""
_STOPPED: deque[str] = deque(maxlen=1000)
"""The last runs that were stopped: calls of theirs may still be on the way."""


def make(run: str, digest: str, calls: Sequence[bytes]) -> list[bytes] | Different:
    """Make ``calls`` of ``run``, which has the versions of ``digest``; return their answers, up to where it stopped."""
    if versions.digest() != digest:
        from distributed import get_worker

        return Different(get_worker().address, dict(versions.here()))
    _keep_freed_memory()
    answers = []
    for call in calls:
        with _LOCK:
            if run in _STOPPED:
                break
            _BUSY[run] += 1
        try:
            answers.append(answer(call))
        finally:
            with _LOCK:
                _BUSY[run] -= 1
                if not _BUSY[run]:
                    del _BUSY[run]
    return answers


async def stop(run: str) -> None:
    """Begin no more calls of ``run``, and wait for those that are being made."""
    with _LOCK:
        _STOPPED.append(run)
    while run in _BUSY:
        await asyncio.sleep(0.02)


@cache
def _keep_freed_memory() -> None:
    """Let glibc keep some freed memory: Dask tells it to give all back, which costs a fifth of the time of a block.

    Told anything, it no longer learns which sizes are asked for again and again. Elsewhere this does nothing.
    """
    with suppress(OSError, TypeError, AttributeError):
        glibc = ctypes.CDLL(None)
        glibc.mallopt(MAP, 32 << 20)
        glibc.mallopt(TRIM, 256 << 20)
