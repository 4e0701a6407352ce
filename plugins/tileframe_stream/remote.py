"""The job of a plan in another process than the run's: opened once, and closed when nobody has used it for a while."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, cast

from tileframe import Flushes, Job, Plan, Store, TileAddress, open_job
from tileframe.ledger import PackedRecords
from tileframe_stream.halving import no_threads_of_opencv
from tileframe_stream.memory import keep_freed_memory

UNUSED = 10.0
"""Seconds after which a job is closed: the process may live on, and keep the slide open."""


@contextmanager
def remote_job(plan: Plan) -> Iterator[tuple[Job, Kept]]:
    """Give a job of ``plan`` for one block, and what that leaves to be told to the run."""
    with _OPEN.used(plan) as job, no_threads_of_opencv():
        kept = Kept()
        store = job.store if job.store.shared else cast("Store", KeptStore(job.store, kept))
        yield replace(job, ledger=kept, store=store), kept
        if job.store.shared and isinstance(job.store, Flushes):
            job.store.flush()  # before the run hears that the block is finished


class Kept:
    """What a block made in another process leaves to be told to the run."""

    def __init__(self) -> None:
        self.records: list[tuple[TileAddress, bytes]] = []
        self.files: list[tuple[str, bytes]] = []

    def put_all(self, records: PackedRecords) -> None:
        """Keep the records of some tiles; a `tileframe.Job`'s ledger."""
        self.records += records


class KeptStore:
    """Stands for a store that this process cannot write to: tiles go back to the run with their block."""

    shared = False

    def __init__(self, store: Store, kept: Kept) -> None:
        self._store, self._kept = store, kept

    def put(self, key: str, data: bytes) -> None:
        """Keep ``data`` for the run's own store."""
        self._kept.files.append((key, data))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


@dataclass(slots=True, eq=False)
class _Opened:
    """An open job, and how many threads use it now."""

    job: Job
    users: int = 0
    timer: threading.Timer | None = None


class _Open:
    """The jobs that are open in this process, by their run: a slide may be replaced before the next one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opened: dict[str, _Opened] = {}

    @contextmanager
    def used(self, plan: Plan) -> Iterator[Job]:
        """Give the job of ``plan``, opened if it is not open yet."""
        run = plan.live.run
        with self._lock:
            if run not in self._opened:
                self._opened[run] = _Opened(open_job(plan))
                keep_freed_memory()
            opened = self._opened[run]
            opened.users += 1
            if opened.timer is not None:
                opened.timer.cancel()
        try:
            yield opened.job
        finally:
            with self._lock:
                opened.users -= 1
                if not opened.users:
                    opened.timer = threading.Timer(UNUSED, self._close_unused, [run])
                    opened.timer.daemon = True
                    opened.timer.start()

    def _close_unused(self, run: str) -> None:
        with self._lock:
            if run in self._opened and not self._opened[run].users:
                self._opened.pop(run).job.source.close()


_OPEN = _Open()
