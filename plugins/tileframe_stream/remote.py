"""The job of a block that is made in another process than the run's."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any, cast

from tileframe import Job, Plan, Store, TileAddress, open_job
from tileframe.ledger import TileRecord


def remote_job(plan: Plan) -> tuple[Job, Kept]:
    """Return a job of ``plan`` for one block, and what that leaves to be told to the run."""
    job, kept = _OPEN.job_of(plan), Kept()
    store = job.store if job.store.shared else cast("Store", KeptStore(job.store, kept))
    return replace(job, ledger=kept, store=store), kept


class Kept:
    """What a block made in another process leaves to be told to the run."""

    def __init__(self) -> None:
        self.records: list[tuple[TileAddress, TileRecord]] = []
        self.files: list[tuple[str, bytes]] = []

    def put(self, tile: TileAddress, record: TileRecord) -> None:
        """Keep the record of a tile; a `tileframe.Job`'s ledger."""
        self.records.append((tile, record))


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


class _Open:
    """The job of one plan, kept open in a process that tasks are sent to until another run's comes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._job: Job | None = None

    def job_of(self, plan: Plan) -> Job:
        """Return the job of ``plan``, opened once; that of an earlier run is closed."""
        with self._lock:
            if self._job is None or self._job.plan.live.run != plan.live.run:
                if self._job is not None:
                    self._job.source.close()
                self._job = None
                self._job = open_job(plan)
            return self._job


_OPEN = _Open()
