"""Readers that open and read slides in processes of their own: what crashes there is an error here.

Each thread that reads at a time has a process, in which the slide is open; one that has crashed is replaced when it is
needed again, so that ``--on-error fill`` goes on after it. Pixels come through memory that both processes see.
"""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from typing import TypeVar, cast

from tileframe import BaseSource, Box, InputError, PluginError, ReaderPlugin, Rgb, Slide, Source, TileframeError
from tileframe.executors import broken
from tileframe.pixels import Pixels
from tileframe_executors import opened
from tileframe_executors.opened import Found, Opening
from tileframe_executors.processes import ProcessEnded, Worker
from tileframe_executors.shared import Shared, Written

R = TypeVar("R")

CHANNELS = 4
"""The most bytes of a pixel, as a source gives it: those of CMYK."""


class IsolatedReader:
    """Opens slides as the reader ``offer`` does, in other processes."""

    def __init__(self, offer: ReaderPlugin, options: object = None) -> None:
        self._offer, self._options = offer, options

    def open(self, path: Slide, *, background: Rgb | None = None) -> Source:
        """Open ``path`` in a process; what the reader raises is raised here, and `InputError` if it crashes."""
        opening = Opening(self._offer, self._options, path, background)
        try:
            pickle.dumps(opening)
        except Exception as error:  # pickle raises many kinds
            raise PluginError(f"the reader '{self._offer.name}' works in no other process ({error})") from error
        processes = Processes(opening)
        try:
            found = processes.use(lambda process: process.found)
        except BaseException:
            processes.close()
            raise
        return (IsolatedTiles if found.has_compressed else IsolatedSource)(processes, found)


class IsolatedSource(BaseSource):
    """A slide that is open in other processes."""

    def __init__(self, processes: Processes, found: Found) -> None:
        super().__init__(found.facts)
        self._processes, self._is_sparse = processes, found.is_sparse

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        """Return ``box``, read by one of the processes."""
        return self._processes.use(lambda process: process.read(box, native_level))

    def holds(self, box: Box) -> bool:
        """Return what the slide says."""
        return not self._is_sparse or self._processes.use(lambda process: process.call(opened.holds, box))

    def associated(self, name: str) -> Pixels:
        """Return the slide's."""
        return self._processes.use(lambda process: process.call(opened.associated, name))

    def close(self) -> None:
        """End the processes."""
        self._processes.close()


class IsolatedTiles(IsolatedSource):
    """A slide that is open in other processes, and gives its compressed tiles."""

    def refuses_compressed(self) -> str | None:
        """Return what the slide says."""
        return self._processes.use(lambda process: process.call(opened.refuses_compressed))

    def compressed_tile(self, col: int, row: int) -> bytes | None:
        """Return the slide's tile."""
        return self._processes.use(lambda process: process.call(opened.compressed_tile, col, row))


class Process:
    """A process in which the slide is open."""

    def __init__(self, opening: Opening) -> None:
        self._worker, self._memory = Worker(), Shared()
        try:
            self.found = self.call(opened.open_slide, opening)
        except BaseException:
            self.close(kill=True)
            raise

    def call(self, function: Callable[..., R], *arguments: object) -> R:
        """Return the result of a call there, or raise what it raises."""
        return cast("R", self._worker.call(pickle.dumps((function, arguments, {}), pickle.HIGHEST_PROTOCOL)))

    def read(self, box: Box, native_level: int) -> Pixels:
        """Return ``box``."""
        answer = self.call(opened.read, box, native_level, self._memory.of(box.size.area * CHANNELS))
        return self._memory.copy(answer) if isinstance(answer, Written) else answer

    def close(self, *, kill: bool) -> None:
        """Let it end; with ``kill``, whatever it does."""
        if kill:
            self._worker.kill()
        self._worker.end()
        self._memory.close()


class Processes:
    """Those in which one slide is open: as many as threads have used at the same time."""

    def __init__(self, opening: Opening) -> None:
        self._opening, self._lock = opening, threading.Lock()
        self._idle: list[Process] = []
        self._is_closed = False

    def use(self, what: Callable[[Process], R]) -> R:
        """Return ``what`` of a process that nobody else uses now."""
        process = None
        try:
            process = self._taken() or Process(self._opening)
            result = what(process)
        except ProcessEnded as error:
            if process is not None:
                process.close(kill=True)
            raise broken(error, "--isolate", str(self._opening.path)) from error
        except Exception as error:
            if process is not None:
                self._give_back(process)
            if isinstance(error, TileframeError | OSError | MemoryError):
                raise
            raise PluginError(f"the reader '{self._opening.offer.name}' failed: {error!r}") from error
        except BaseException:  # Ctrl-C: its answer is still to come
            if process is not None:
                process.close(kill=True)
            raise
        self._give_back(process)
        return result

    def close(self) -> None:
        """End those that are idle; the others end when they are."""
        with self._lock:
            self._is_closed, idle, self._idle = True, self._idle, []
        for process in idle:
            process.close(kill=False)

    def _taken(self) -> Process | None:
        with self._lock:
            if self._is_closed:
                raise InputError(f"{self._opening.path}: is closed")
            return self._idle.pop() if self._idle else None

    def _give_back(self, process: Process) -> None:
        with self._lock:
            if not self._is_closed:
                self._idle.append(process)
                return
        process.close(kill=False)
