"""What this process may use of the machine, and what it has used."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from tileframe.errors import InputError, OptionError
from tileframe.frozen import dataclass

MEMORY = "TILEFRAME_MEMORY"
"""The environment variable that says how many gigabytes may be taken, where that is not what is free."""
CGROUP = Path("/sys/fs/cgroup")


def available_cores() -> int:
    """Return how many cores this process may use, by its affinity and its cgroup's quota; at least 1."""
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        import psutil  # here, for Linux does without

        # macOS has no affinity.
        cores = len(getattr(psutil.Process(), "cpu_affinity", lambda: range(os.cpu_count() or 1))())
    with suppress(OSError, ValueError):  # not Linux, or no quota: "max 100000"
        quota, period = (CGROUP / "cpu.max").read_text().split()
        cores = min(cores, -(-int(quota) // int(period)))
    return max(1, cores)


def available_memory() -> int:
    """Return the bytes of memory that can be had without swapping, in this cgroup, or that `MEMORY` allows.

    `OptionError` if that is set to something else than a number.
    """
    if given := os.environ.get(MEMORY):
        if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", given):
            raise OptionError(f"{MEMORY} is a number of gigabytes, not '{given}'")
        return int(float(given) * 1e9)
    import psutil

    free = int(psutil.virtual_memory().available)
    with suppress(OSError, ValueError, KeyError):  # not Linux, or no limit: "max"
        limit = int((CGROUP / "memory.max").read_text())
        used = dict(line.split() for line in (CGROUP / "memory.stat").read_text().splitlines())
        free = min(free, max(0, limit - int(used["anon"]) - int(used["shmem"])))
    return free


def refuse_more_memory(needed: int, what: str) -> None:
    """Raise `InputError` if ``needed`` bytes, which ``what`` take, are more than can be had."""
    if needed > (free := available_memory()):
        said = f"take {needed / 1e9:.3g} GB of memory, and {free / 1e9:.3g} GB are free"
        raise InputError(f"{what} {said} ({MEMORY}=GB allows more)")


def peak_memory() -> int:
    """Return the largest resident size of this process so far, in bytes."""
    if sys.platform == "win32":
        import psutil

        return int(psutil.Process().memory_info().peak_wset)
    import resource  # POSIX only

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


@dataclass(frozen=True)
class Usage:
    """What processes have used."""

    cpu_seconds: float
    """Processor time, user and system."""
    peak_memory: int
    """The sum of the largest resident size of each, in bytes; pages that they share count for each."""


def used_by_children() -> Usage:
    """Return the processor time of all processes that this one has started, and the memory of those that still run.

    Windows tells nothing of a process that has ended; macOS of one that runs its present size alone.
    """
    times = os.times()
    cpu, memory = times.children_user + times.children_system, 0
    for pid in _descendants(os.getpid()):
        import psutil  # here, for most runs do without

        with suppress(psutil.Error, OSError):  # it may end meanwhile
            child = psutil.Process(pid)
            # First are user and system, then those of its own children that have ended; Linux adds iowait.
            cpu += sum(child.cpu_times()[:4])
            memory += _largest_size(child)
    return Usage(cpu, memory)


def _descendants(pid: int) -> Iterator[int]:
    """The processes that one has started, and theirs. psutil looks at each that there is for it: 4 ms, twice a run."""
    if not os.path.exists("/proc/thread-self/children"):  # not Linux
        import psutil

        yield from (child.pid for child in psutil.Process(pid).children(recursive=True))
    with suppress(OSError):  # it may end meanwhile, and each of its threads
        for thread in os.listdir(f"/proc/{pid}/task"):
            with suppress(OSError):
                for child in Path(f"/proc/{pid}/task/{thread}/children").read_text().split():
                    yield from (int(child), *_descendants(int(child)))


def _largest_size(process: Any) -> int:
    if sys.platform == "linux":
        for line in Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    memory = process.memory_info()
    return int(getattr(memory, "peak_wset", memory.rss))


def free_disk(folder: Path) -> int:
    """Return the free bytes on the disk of ``folder`` or its nearest existing parent."""
    return shutil.disk_usage(_existing(folder)).free


def free_inodes(folder: Path) -> int | None:
    """Return how many more files the disk of ``folder`` can hold; None where it has no such limit."""
    if not hasattr(os, "statvfs"):
        return None
    status = os.statvfs(_existing(folder))
    return status.f_favail if status.f_files else None


def _existing(folder: Path) -> Path:
    return next((one for one in (folder.absolute(), *folder.absolute().parents) if one.exists()), folder)
