"""What a command costs, run in a process of its own; and functions run in one."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil

T = TypeVar("T")

# Seconds between two looks at a running process.
LOOK = 0.03
KINDS = {"VmRSS:": "resident", "RssAnon:": "anonymous"}


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took, with its children."""

    seconds: float
    busy: float
    """Its processor time, all threads, in seconds: what a machine that others use disturbs least."""
    peak: int
    """Its largest resident size, in bytes: with the pages of the files that it has mapped, which the system may drop
    at any time. Of several processes, the largest sum that was seen."""
    anonymous: int | None
    """The same without the pages of files, as far as it was seen; None where the system does not say (not Linux)."""
    output: str
    """What it wrote to its standard output."""

    @property
    def cores(self) -> float:
        """How many cores it kept busy, on average."""
        return self.busy / self.seconds


def cost(command: Sequence[str | Path], *, source: Path | None = None) -> Cost:
    """Run ``command`` and return what it took; `CalledProcessError` if it failed.

    ``source`` is read beforehand, so that whoever comes first does not pay for the disk.
    """
    if hasattr(os, "sync"):
        os.sync()  # else the run before is still being written to the disk
    if source is not None:
        _into_the_page_cache(source)
    started = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    watch = _Watch(child.pid)
    # On Windows its figures are gone with it, and those of the last look have to do.
    busy, peak = (0.0, 0) if sys.platform == "win32" else _last_figures(child)
    # What our commands print fits into a pipe, so that nothing of it need be taken before they end.
    output, _ = child.communicate()
    seconds = time.perf_counter() - started
    watch.end()
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, child.args)
    return Cost(seconds, max(busy, watch.busy), max(peak, watch.resident), watch.anonymous, output)


def in_own_process(work: Callable[..., T], *arguments: Any) -> T:
    """Return ``work(*arguments)``, done in a fresh process: what it loads and holds does not stay here."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def _last_figures(child: subprocess.Popen[str]) -> tuple[float, int]:
    """Wait for ``child``; return its processor time and its largest resident size, or one of its children's."""
    # A child's figure starts at its parent's size when it was forked: this process must stay small.
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


class _Watch:
    """Looks at the memory of a process and of its children until it is told to end."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._over = threading.Event()
        self.resident = 0
        self.anonymous: int | None = None
        self.busy = 0.0
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        look = self._at_linux if sys.platform == "linux" else self._at_any
        while not self._over.wait(LOOK):
            # A process may end while it is looked at.
            with suppress(OSError, psutil.Error, ValueError):
                look()

    def _at_linux(self) -> None:
        """Read the few lines themselves: `psutil` would go through every process there is to find the children."""
        total = dict.fromkeys(KINDS.values(), 0)
        for pid in _family(self._pid):
            with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as lines:
                for line in lines:
                    words = line.split()
                    if words[0] in KINDS:
                        total[KINDS[words[0]]] += 1024 * int(words[1])
        self.resident = max(self.resident, total["resident"])
        self.anonymous = max(self.anonymous or 0, total["anonymous"])

    def _at_any(self) -> None:
        process = psutil.Process(self._pid)
        family = [process, *process.children(recursive=True)]
        sizes = [one.memory_info() for one in family]
        self.resident = max(self.resident, sum(getattr(size, "peak_wset", size.rss) for size in sizes))
        self.busy = max(self.busy, sum(sum(one.cpu_times()[:2]) for one in family))


def _family(pid: int) -> list[int]:
    """Return ``pid`` and its children and theirs."""
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as children:
        return [pid, *(one for child in children.read().split() for one in _family(int(child)))]


def _into_the_page_cache(path: Path) -> None:
    if path.is_file():
        with path.open("rb", buffering=0) as file:
            while file.read(1 << 20):
                pass
