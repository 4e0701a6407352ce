"""What a command costs, run in a process of its own; and functions run in one."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

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


def cost(command: Sequence[str | Path], *, source: Path | None = None) -> Cost:
    """Run ``command`` and return what it took; `CommandError` if it failed.

    ``source`` is read beforehand, so that whoever comes first does not pay for the disk. Whatever is raised here,
    as by Ctrl-C, the command is ended.
    """
    if hasattr(os, "sync"):
        os.sync()  # else the run before is still being written to the disk
    if source is not None:
        _into_the_page_cache(source)
    with tempfile.TemporaryFile() as said:
        started = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True) as child:
            watch = Watch(child.pid)
            try:
                # On Windows its figures are gone with it, and those of the last look have to do.
                busy, peak = (0.0, 0) if sys.platform == "win32" else _last_figures(child)
                # What our commands print fits into a pipe, so that nothing of it need be taken before they end.
                output, _ = child.communicate()
                seconds = time.perf_counter() - started
            except BaseException:
                child.kill()
                raise
            finally:
                watch.end()
        if child.returncode:
            said.seek(0)
            raise CommandError(_reason(child.returncode, said.read().decode(errors="replace")))
    return Cost(
        seconds=seconds,
        busy=max(busy, watch.busy),
        peak=max(peak, watch.resident),
        anonymous=watch.anonymous,
        output=output,
        read=watch.read,
        written=watch.written,
        samples=watch.samples(),
    )


class Side:
    """A second process for whatever loads libraries and holds pixels, so that this one stays small."""

    def __init__(self) -> None:
        """Start it when it is first needed."""
        self._pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=_end_with_parent)

    def do(self, work: Callable[..., T], *arguments: Any) -> T:
        """Return ``work(*arguments)``, or raise what it raises."""
        return self._pool.submit(work, *arguments).result()

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(self, *exc: object) -> None:
        self._pool.shutdown(cancel_futures=True)


def in_own_process(work: Callable[..., T], *arguments: Any) -> T:
    """Return ``work(*arguments)``, done in a fresh process: what it loads and holds does not stay here."""
    with Side() as side:
        return side.do(work, *arguments)


def _end_with_parent() -> None:
    """Let this process end when the one that started it is gone, in whatever way that went."""

    def wait() -> None:
        if (parent := multiprocessing.parent_process()) is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _last_figures(child: subprocess.Popen[str]) -> tuple[float, int]:
    """Wait for ``child``; return its processor time and its largest resident size, or one of its children's."""
    # A child's figure starts at its parent's size when it was forked: this process must stay small.
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


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
