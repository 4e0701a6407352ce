"""Commands and functions run in processes of their own, and the cost of a command."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar

import psutil

from tileframe import InputError
from tileframe_bench.records import Run
from tileframe_bench.sampling import Sampler

T = TypeVar("T")

BUG_REPORT_LINE = "tileframe: this is a bug"


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one command, with its children, and its output."""

    run: Run
    peak_anonymous: int | None  # without the pages of mapped files; None where the system does not tell (not Linux)
    output: str  # its standard output


class CommandError(Exception):
    """A command that failed; the text is the last line of its standard error, or how it ended."""

    def __init__(self, reason: str, code: int) -> None:
        super().__init__(reason)
        self.code = code  # less than 0 for a signal


def cost(command: Sequence[str | Path], *, source: Path | None = None, codes: Collection[int] = (0,)) -> Cost:
    """Run ``command`` and return its cost; `CommandError` if it ends with an exit code that is none of ``codes``.

    The disk is synced and ``source`` is read beforehand, so that no command pays for the one before. The clock stops
    when the command ends. Processes that it leaves running are killed and make it fail. If anything is raised here, as
    by Ctrl-C, the command and all that it started are killed.
    """
    if hasattr(os, "sync"):
        os.sync()
    if source is not None and source.is_file():
        with source.open("rb", buffering=0) as file:
            while file.read(1 << 20):
                pass
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        started = time.perf_counter()
        with (
            subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=errors) as child,
            Sampler(child.pid) as sampler,
        ):
            cpu_seconds, peak_resident = _wait(child)
            seconds = time.perf_counter() - started
        if child.returncode not in codes:
            raise CommandError(_reason(child.returncode, _text(errors)), child.returncode)
        if sampler.left_over:
            raise CommandError(f"ended and left {sampler.left_over} of its processes running", 0)
        last, anonymous = sampler.readings[-1], [one.anonymous for one in sampler.readings if one.anonymous is not None]
        run = Run(
            seconds=seconds,
            cpu_seconds=max(cpu_seconds, last.cpu_seconds),
            peak_resident=max(peak_resident, *(one.resident for one in sampler.readings)),
            read=last.read,
            written=last.written,
            samples=sampler.samples(),
        )
        return Cost(run, max(anonymous, default=None), _text(output))


class Helper(AbstractContextManager["Helper"]):
    """A second process for work that loads libraries and holds pixels: a large parent would distort measurements."""

    def __init__(self) -> None:
        self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=_end_with_parent)
        self._pid = self._pool.submit(os.getpid)

    def do(self, work: Callable[..., T], *arguments: Any, **options: Any) -> T:
        """Return ``work(*arguments, **options)``, or raise what it raises; `InputError` if the process was killed."""
        try:
            return self._pool.submit(work, *arguments, **options).result()
        except BrokenProcessPool as error:
            reason = "the process that worked on it was killed, perhaps for want of memory"
            raise InputError(f"{arguments[0] if arguments else work.__name__}: {reason}") from error

    def __exit__(self, kind: type[BaseException] | None, *exc: object) -> None:
        if kind is not None:
            # The work it is doing is not needed any more, and may take minutes.
            with suppress(psutil.Error, BrokenProcessPool):
                psutil.Process(self._pid.result()).kill()
        self._pool.shutdown(cancel_futures=True)


def in_own_process(work: Callable[..., T], *arguments: Any) -> T:
    """Return ``work(*arguments)``, done in a fresh process."""
    with Helper() as helper:
        return helper.do(work, *arguments)


def _end_with_parent() -> None:
    """Let this process end when its parent has, however the parent ended."""
    # Ctrl-C goes to all processes of a terminal; this one is ended by its parent.
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def wait() -> None:
        if (parent := multiprocessing.parent_process()) is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _wait(child: subprocess.Popen[bytes]) -> tuple[float, int]:
    """Wait for ``child``; return its processor time and the largest resident size, its own or a child's."""
    if sys.platform == "win32":
        child.wait()  # its counters are gone; the last sample has to do
        return 0.0, 0
    # A child's peak starts at its parent's size when it was forked: this process must stay small.
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def _reason(code: int, errors: str) -> str:
    if code < 0:
        return f"ended by signal {-code}{', perhaps for want of memory' if code == -9 else ''}"
    lines = errors.strip().splitlines()
    if len(lines) > 1 and lines[-1].startswith(BUG_REPORT_LINE):
        lines.pop()  # the line before says which
    return lines[-1].removeprefix("tileframe: ") if lines else f"exit code {code} without a message"
