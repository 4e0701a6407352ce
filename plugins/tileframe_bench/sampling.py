"""Samples of a running process and all that it has started: processor, memory and files."""

from __future__ import annotations

import os
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise

import psutil

from tileframe_bench.records import Sample

# Seconds between two readings, at first and in a long run.
INTERVAL, LONG_INTERVAL = 0.05, 0.25
# Readings kept of one run; when there are more, about half are dropped.
MAX_READINGS = 200
# Seconds that processes are given to end.
GRACE = 1.0


@dataclass(frozen=True, slots=True)
class Reading:
    """The counters of a process tree at one moment, since its start."""

    seconds: float
    cpu_seconds: float = 0
    core_seconds: tuple[float, ...] = ()  # busy seconds of each core of the machine, by any process
    resident: int = 0
    anonymous: int | None = None  # resident without the pages of mapped files; None where it is not told (not Linux)
    read: int | None = None
    written: int | None = None


class Sampler:
    """Reads the counters of process ``pid`` and all that it starts, in a thread of its own, until `stop`."""

    def __init__(self, pid: int) -> None:
        """Start the thread."""
        self._first = psutil.Process(pid)
        self._known = {pid: self._first}
        self._stopped = threading.Event()
        self._started = time.perf_counter()
        self._readings = [Reading(0, core_seconds=_core_seconds())]
        self.peak_resident = 0  # the largest sum in a reading, in bytes
        self.peak_anonymous: int | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread, and note the processes that run now."""
        self._stopped.set()
        self._thread.join()
        with suppress(OSError, psutil.Error):
            self._members()

    def kill_left_over(self) -> int:
        """Kill the processes that the first one, which has ended, has left running; return how many there were."""
        started = [one for pid, one in self._known.items() if pid != self._first.pid]
        _, running = psutil.wait_procs(started, timeout=GRACE)
        left = [one for one in running if is_alive(one)]
        for one in left:
            with suppress(psutil.Error):
                one.kill()
        psutil.wait_procs(left, timeout=GRACE)
        return len(left)

    @property
    def last(self) -> Reading:
        """The last reading."""
        return self._readings[-1]

    def samples(self) -> tuple[Sample, ...]:
        """Return the readings, with the rates between one and the next."""
        return tuple(_sample(before, now) for before, now in pairwise(self._readings))

    def _run(self) -> None:
        while not self._stopped.wait(max(INTERVAL, min(LONG_INTERVAL, self.last.seconds / MAX_READINGS))):
            # A process may end while its counters are read.
            with suppress(OSError, psutil.Error):
                reading = self._read()
                self.peak_resident = max(self.peak_resident, reading.resident)
                if reading.anonymous is not None:
                    self.peak_anonymous = max(self.peak_anonymous or 0, reading.anonymous)
                self._readings.append(reading)
            if len(self._readings) > MAX_READINGS:
                self._readings = thinned(self._readings)

    def _read(self) -> Reading:
        members = self._members()
        memory = [one.memory_info() for one in members]
        read, written = _transferred(members)
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


def thinned(readings: list[Reading]) -> list[Reading]:
    """Return the first, the last, and about half as many as may be kept, evenly in time."""
    interval = 2 * readings[-1].seconds / MAX_READINGS
    kept = readings[:1]
    for reading in readings[1:-1]:
        if reading.seconds - kept[-1].seconds >= interval:
            kept.append(reading)
    return [*kept, readings[-1]]


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


def _transferred(members: list[psutil.Process]) -> tuple[int | None, int | None]:
    """Return the bytes read and written, where the system tells (not macOS); on Linux with those through the cache."""
    if not hasattr(members[0], "io_counters"):
        return None, None
    counters = [one.io_counters() for one in members]
    read, written = (
        sum(getattr(one, f"{what}_chars", getattr(one, f"{what}_bytes")) for one in counters)
        for what in ("read", "write")
    )
    return read, written


def _core_seconds() -> tuple[float, ...]:
    return tuple(sum(core) - core.idle - getattr(core, "iowait", 0.0) for core in psutil.cpu_times(percpu=True))


def _sample(before: Reading, now: Reading) -> Sample:
    passed = now.seconds - before.seconds
    loads = tuple(
        min(1.0, max(0.0, round((later - earlier) / passed, 3)))
        for earlier, later in zip(before.core_seconds, now.core_seconds, strict=True)
    )
    # The sum falls when a process has ended and its parent has not waited for it yet.
    cores_busy = max(0.0, round((now.cpu_seconds - before.cpu_seconds) / passed, 3))
    return Sample(round(now.seconds, 3), cores_busy, loads, now.resident, now.read, now.written)
