"""Looks at a running process and all that it has started, again and again."""

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

# Seconds between two looks, at first and in a long run, and how many are kept: of more, about half, evenly.
LOOK, SLOW_LOOK = 0.05, 0.25
MOST_LOOKS = 200
# Seconds for processes to be gone.
PATIENCE = 1.0


@dataclass(frozen=True, slots=True)
class Look:
    """What there was to see; times and bytes since the start."""

    seconds: float
    busy: float
    cores: tuple[float, ...]
    resident: int
    anonymous: int | None
    read: int | None
    written: int | None


class Watch:
    """Looks at ``pid`` and its children until it is told to end."""

    def __init__(self, pid: int) -> None:
        """Begin to look, in a thread of its own."""
        self._family = _Family(pid)
        self._over = threading.Event()
        self._started = time.perf_counter()
        self._looks = [Look(0, 0, _cores(), 0, None, None, None)]
        self.resident = 0
        """The largest sum of resident sizes that was seen, in bytes."""
        self.anonymous: int | None = None
        """The same without the pages of mapped files; None where the system does not say."""
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Look no more, but for a last time at who is there, if it still runs."""
        self._over.set()
        self._thread.join()
        with suppress(OSError, psutil.Error):
            self._family.meet()

    def end_those_left(self) -> int:
        """End those whom the process has started and that still run after it; return how many there were."""
        return self._family.end_those_left()

    @property
    def busy(self) -> float:
        """Processor time that was seen, in seconds."""
        return self._looks[-1].busy

    @property
    def read(self) -> int | None:
        """Bytes read from files."""
        return self._looks[-1].read

    @property
    def written(self) -> int | None:
        """Bytes written to files."""
        return self._looks[-1].written

    def samples(self) -> tuple[Sample, ...]:
        """Return what was seen, with the rates between one look and the next."""
        return tuple(_sample(before, now) for before, now in pairwise(self._looks))

    def _look(self) -> None:
        while not self._over.wait(max(LOOK, min(SLOW_LOOK, self._looks[-1].seconds / MOST_LOOKS))):
            # A process may end while it is looked at.
            with suppress(OSError, psutil.Error):
                look = self._family.look(time.perf_counter() - self._started)
                self.resident = max(self.resident, look.resident)
                if look.anonymous is not None:
                    self.anonymous = max(self.anonymous or 0, look.anonymous)
                self._looks.append(look)
            if len(self._looks) > MOST_LOOKS:
                self._looks = thinned(self._looks)


def thinned(looks: list[Look]) -> list[Look]:
    """Return the first, the last, and of those between so many that they lie evenly in time."""
    apart = 2 * looks[-1].seconds / MOST_LOOKS
    kept = looks[:1]
    for look in looks[1:-1]:
        if look.seconds - kept[-1].seconds >= apart:
            kept.append(look)
    return [*kept, looks[-1]]


class _Family:
    """A process and those that it has started."""

    def __init__(self, pid: int) -> None:
        self._first = psutil.Process(pid)
        self._known: dict[int, psutil.Process] = {pid: self._first}

    def look(self, seconds: float) -> Look:
        members = self.meet()
        memory = [one.memory_info() for one in members]
        times = [one.cpu_times() for one in members]
        # Those of children that have ended are their parent's.
        busy = sum(sum(getattr(time, name, 0.0) for name in _TIMES) for time in times)
        # Linux alone says which pages are of files.
        anonymous = sum(one.rss - one.shared for one in memory) if hasattr(memory[0], "shared") else None
        read, written = _transferred(members)
        return Look(seconds, busy, _cores(), sum(one.rss for one in memory), anonymous, read, written)

    def end_those_left(self) -> int:
        """End all but the first, which has ended."""
        others = [one for pid, one in self._known.items() if pid != self._first.pid]
        _, running = psutil.wait_procs(others, timeout=PATIENCE if others else 0)
        left = [one for one in running if is_alive(one)]
        for one in left:
            with suppress(psutil.Error):
                one.kill()
        psutil.wait_procs(left, timeout=PATIENCE)
        return len(left)

    def meet(self) -> list[psutil.Process]:
        """Return who there is, and remember them."""
        if sys.platform == "linux":
            # psutil would go through every process there is.
            now = {}
            for pid in _descendants(self._first.pid):
                # One may have ended since.
                with suppress(psutil.Error):
                    now[pid] = self._known.get(pid) or psutil.Process(pid)
        else:
            now = {one.pid: one for one in (self._first, *self._first.children(recursive=True))}
        self._known |= now
        return list(now.values())


def is_alive(process: psutil.Process) -> bool:
    """Say whether it runs: one that has ended may wait long for somebody to take note."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


_TIMES = ("user", "system", "children_user", "children_system")


def _transferred(members: list[psutil.Process]) -> tuple[int | None, int | None]:
    """Return the bytes read and written, through the cache as well where the system tells (Linux)."""
    if not hasattr(members[0], "io_counters"):
        return None, None
    counters = [one.io_counters() for one in members]
    read, written = (
        sum(getattr(one, f"{what}_chars", getattr(one, f"{what}_bytes")) for one in counters)
        for what in ("read", "write")
    )
    return read, written


def _cores() -> tuple[float, ...]:
    """Return the seconds that each core of the machine has been busy."""
    return tuple(sum(core) - core.idle - getattr(core, "iowait", 0.0) for core in psutil.cpu_times(percpu=True))


def _descendants(pid: int) -> list[int]:
    """Return ``pid`` and its children and theirs, whichever of its threads has started them."""
    found = [pid]
    # A process or a thread that has just ended has no such file.
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with suppress(OSError), open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as children:
                for child in children.read().split():
                    found += _descendants(int(child))
    return found


def _sample(before: Look, now: Look) -> Sample:
    passed = now.seconds - before.seconds
    cores = tuple(
        min(1.0, max(0.0, round((later - earlier) / passed, 3)))
        for earlier, later in zip(before.cores, now.cores, strict=True)
    )
    # The sum falls when a process has ended and its parent has not yet taken note of it.
    busy = max(0.0, round((now.busy - before.busy) / passed, 3))
    return Sample(round(now.seconds, 3), busy, cores, now.resident, now.read, now.written)
