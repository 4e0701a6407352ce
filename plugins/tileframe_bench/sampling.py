"""Samples of a running process and all that it has started: processor, memory and files."""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from itertools import pairwise

import psutil

from tileframe_bench.records import Sample

# Seconds between two readings, at first and in a long run.
INTERVAL, LONG_INTERVAL = 0.05, 0.25
# Of a run with more readings, as many are kept as samples, evenly spread.
MAX_SAMPLES = 200
# Seconds that processes are given to end.
GRACE = 1.0


@dataclass(frozen=True, slots=True)
class Reading:
    """The counters of a process tree at one moment, since its start."""

    seconds: float
    cpu_seconds: float
    core_seconds: tuple[float, ...]  # busy seconds of each core of the machine, by any process
    resident: int
    anonymous: int | None  # resident without the pages of mapped files; None where it is not told (not Linux)
    read: int | None
    written: int | None


class Sampler(AbstractContextManager["Sampler"]):
    """Reads the counters of process ``pid`` and all that it starts, in a thread of its own.

    At its end, as a context manager, those processes are killed that still run.
    """

    def __init__(self, pid: int) -> None:
        self._first = psutil.Process(pid)
        self._known = {pid: self._first}
        self._started = time.perf_counter()
        self._stopped = threading.Event()
        self.readings = [Reading(0, 0, _core_seconds(), 0, None, None, None)]
        self.left_over = 0  # processes that were killed at the end
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __exit__(self, kind: type[BaseException] | None, *exc: object) -> None:
        self._stopped.set()
        self._thread.join()
        with suppress(OSError, psutil.Error):
            self._members()
        # After an exception nobody has to be waited for.
        _, running = psutil.wait_procs(list(self._known.values()), timeout=0 if kind else GRACE)
        left = [one for one in running if is_alive(one)]
        for one in left:
            with suppress(psutil.Error):
                one.kill()
        psutil.wait_procs(left, timeout=GRACE)
        self.left_over = len(left)

    def samples(self) -> tuple[Sample, ...]:
        """Return `MAX_SAMPLES` of the readings at most, with the rates between one and the next."""
        every = -(-len(self.readings) // MAX_SAMPLES)
        kept = [*self.readings[:-1:every], self.readings[-1]]
        return tuple(_sample(before, now) for before, now in pairwise(kept) if now.seconds > before.seconds)

    def _run(self) -> None:
        while not self._stopped.wait(max(INTERVAL, min(LONG_INTERVAL, self.readings[-1].seconds / MAX_SAMPLES))):
            # A process may end while its counters are read.
            with suppress(OSError, psutil.Error):
                self.readings.append(self._read())

    def _read(self) -> Reading:
        members = self._members()
        memory = [one.memory_info() for one in members]
        # Where the system tells (not macOS); on Linux with what goes through the cache.
        files = [one.io_counters() for one in members] if hasattr(psutil.Process, "io_counters") else []
        read, written = (
            sum(getattr(one, f"{what}_chars", getattr(one, f"{what}_bytes")) for one in files) if files else None
            for what in ("read", "write")
        )
        return Reading(
            seconds=time.perf_counter() - self._started,
            # First are user and system, then those of children that have ended; Linux adds iowait.
            cpu_seconds=sum(sum(one.cpu_times()[:4]) for one in members),
            core_seconds=_core_seconds(),
            resident=sum(one.rss for one in memory),
            anonymous=sum(one.rss - one.shared for one in memory) if hasattr(memory[0], "shared") else None,
            read=read,
            written=written,
        )

    def _members(self) -> list[psutil.Process]:
        """Return the processes there are now, and remember them."""
        if sys.platform == "linux":
            # psutil's children() reads the files of every process of the machine.
            now = {}
            for pid in _descendants(self._first.pid):
                with suppress(psutil.Error):
                    now[pid] = self._known.get(pid) or psutil.Process(pid)
        else:
            now = {one.pid: one for one in (self._first, *self._first.children(recursive=True))}
        self._known |= now
        return list(now.values())


def is_alive(process: psutil.Process) -> bool:
    """Say whether a process runs; a zombie does not."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _descendants(pid: int) -> list[int]:
    """Return ``pid``, its children and theirs, by whichever of its threads they were started."""
    found = [pid]
    # A process or a thread that has just ended has no such file.
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with suppress(OSError), open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as children:
                for child in children.read().split():
                    found += _descendants(int(child))
    return found


def _core_seconds() -> tuple[float, ...]:
    return tuple(sum(core) - core.idle - getattr(core, "iowait", 0.0) for core in psutil.cpu_times(percpu=True))


def _sample(before: Reading, now: Reading) -> Sample:
    passed = now.seconds - before.seconds
    cores = zip(before.core_seconds, now.core_seconds, strict=True)
    loads = tuple(min(1.0, max(0.0, round((later - earlier) / passed, 3))) for earlier, later in cores)
    # The sum falls when a process has ended and its parent has not waited for it yet.
    cores_busy = max(0.0, round((now.cpu_seconds - before.cpu_seconds) / passed, 3))
    return Sample(round(now.seconds, 3), cores_busy, loads, now.resident, now.read, now.written)
