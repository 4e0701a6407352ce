"""What a command costs, run in a process of its own; and functions run in one."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self, TypeVar

import psutil

from tileframe import InputError
from tileframe_bench.records import Sample
from tileframe_bench.watching import Watch

T = TypeVar("T")

A_BUG = "tileframe: this is a bug"


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
    read: int | None = None
    """Bytes read from files, as far as it was seen; None where the system does not say (macOS)."""
    written: int | None = None
    samples: tuple[Sample, ...] = ()

    @property
    def cores(self) -> float:
        """How many cores it kept busy, on average."""
        return self.busy / self.seconds


class CommandError(Exception):
    """A command that failed; the text is the last line that it said, or how it ended."""

    def __init__(self, reason: str, code: int) -> None:
        super().__init__(reason)
        self.code = code
        """Its exit code; less than 0 for a signal."""


def cost(command: Sequence[str | Path], *, source: Path | None = None) -> Cost:
    """Run ``command`` and return what it took; `CommandError` if it failed.

    ``source`` is read beforehand, so that whoever comes first does not pay for the disk. The clock stops when the
    command ends. What it has started and left running is ended, and an error too, for it may not have been done.
    Whatever is raised here, as by Ctrl-C, the command and all that it started are ended.
    """
    if hasattr(os, "sync"):
        os.sync()  # else the run before is still being written to the disk
    if source is not None:
        _into_the_page_cache(source)
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as said:
        started = time.perf_counter()
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=said)
        watch = Watch(child.pid)
        try:
            busy, peak = _last_figures(child)
            seconds = time.perf_counter() - started
        except BaseException:
            try:
                watch.end()  # before it is gone: nobody knows afterwards whom it has started
            finally:
                child.kill()
                child.wait()
            raise
        finally:
            watch.end()
            left = watch.end_those_left()
        if child.returncode:
            raise CommandError(_reason(child.returncode, _text(said)), child.returncode)
        if left:
            raise CommandError(f"ended and left {left} of its processes running", 0)
        return Cost(
            seconds=seconds,
            busy=max(busy, watch.busy),
            peak=max(peak, watch.resident),
            anonymous=watch.anonymous,
            output=_text(output),
            read=watch.read,
            written=watch.written,
            samples=watch.samples(),
        )


class Side:
    """A second process for whatever loads libraries and holds pixels, so that this one stays small."""

    def __init__(self) -> None:
        """Start it."""
        self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=_end_with_parent)
        self._worker = self._pool.submit(os.getpid)

    def do(self, work: Callable[..., T], *arguments: Any) -> T:
        """Return ``work(*arguments)``, or raise what it raises; `InputError` if the process was killed."""
        try:
            return self._pool.submit(work, *arguments).result()
        except BrokenProcessPool as error:
            why = "the process that was to look at it was killed, perhaps for want of memory"
            raise InputError(f"{arguments[0] if arguments else work.__name__}: {why}") from error

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *exc: object) -> None:
        if kind is not None:
            # What it is at is of no use any more, and may take minutes.
            with suppress(psutil.Error, BrokenProcessPool):
                psutil.Process(self._worker.result()).kill()
        self._pool.shutdown(cancel_futures=True)


def in_own_process(work: Callable[..., T], *arguments: Any) -> T:
    """Return ``work(*arguments)``, done in a fresh process: what it loads and holds does not stay here."""
    with Side() as side:
        return side.do(work, *arguments)


def _end_with_parent() -> None:
    """Let this process end when the one that started it is gone, in whatever way that went."""

    # Ctrl-C goes to all processes of a terminal; the one that started this one ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def wait() -> None:
        if (parent := multiprocessing.parent_process()) is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _last_figures(child: subprocess.Popen[bytes]) -> tuple[float, int]:
    """Wait for ``child``; return its processor time and its largest resident size, or one of its children's."""
    if sys.platform == "win32":
        # Its figures are gone with it, and those of the last look have to do.
        child.wait()
        return 0.0, 0
    # A child's figure starts at its parent's size when it was forked: this process must stay small.
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def _reason(code: int, said: str) -> str:
    if code < 0:
        return f"ended by signal {-code}{', perhaps for want of memory' if code == -9 else ''}"
    lines = said.strip().splitlines()
    if len(lines) > 1 and lines[-1].startswith(A_BUG):
        lines.pop()  # the line before says which
    return lines[-1].removeprefix("tileframe: ") if lines else f"exit code {code}, and not a word"


def _into_the_page_cache(path: Path) -> None:
    if path.is_file():
        with path.open("rb", buffering=0) as file:
            while file.read(1 << 20):
                pass
