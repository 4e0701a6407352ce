"""Memory that two processes see: one makes it, another writes there what is too much for a pipe."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import numpy as np

from tileframe.pixels import Pixels

SYSTEMS = Path("/dev/shm")
"""Where Linux has it, as files; containers often have 64 MB there."""


@dataclass(frozen=True, slots=True)
class Written:
    """What was written into shared memory, from its beginning on."""

    shape: tuple[int, ...]
    kind: str
    """The type of the numbers, as numpy names it."""


class Shared:
    """Made by the process that reads; grows as it is needed."""

    def __init__(self) -> None:
        self._memory: SharedMemory | None = None

    @property
    def name(self) -> str | None:
        """By which the other process finds it; None as long as there is none."""
        return None if self._memory is None else self._memory.name

    def of(self, size: int) -> str | None:
        """Return the name of memory of ``size`` bytes; None where there is no room for it."""
        if self._memory is None or self._memory.size < size:
            self.close()
            self._memory = _made(size)
        return self.name

    def view(self, size: int) -> memoryview:
        """Return its first ``size`` bytes, without copying; whoever asks releases them."""
        assert self._memory is not None
        assert self._memory.buf is not None  # it is open
        return self._memory.buf[:size]

    def copy(self, written: Written) -> Pixels:
        """Return a copy of what was written."""
        assert self._memory is not None
        return np.ndarray(written.shape, written.kind, buffer=self._memory.buf).copy()

    def close(self) -> None:
        """Give the memory back."""
        if self._memory is not None:
            self._memory.close()
            self._memory.unlink()
            self._memory = None


class Attached:
    """The same, in the process that writes."""

    def __init__(self) -> None:
        self._memory: SharedMemory | None = None

    def write(self, name: str, pixels: Pixels) -> Written | None:
        """Write ``pixels`` to the memory ``name``; None if they are larger than that."""
        memory = self._of(name)
        if pixels.nbytes > memory.size:
            return None
        np.ndarray(pixels.shape, pixels.dtype, buffer=memory.buf)[...] = pixels
        return Written(pixels.shape, pixels.dtype.str)

    def write_bytes(self, name: str, data: bytes) -> bool:
        """Write ``data`` to the memory ``name``; false if they are more than it holds, or it is gone."""
        try:
            memory = self._of(name)
        except OSError:
            return False
        if len(data) > memory.size:
            return False
        np.ndarray(len(data), np.uint8, buffer=memory.buf)[:] = np.frombuffer(data, np.uint8)
        return True

    def _of(self, name: str) -> SharedMemory:
        if self._memory is None or self._memory.name != name:
            if self._memory is not None:
                self._memory.close()
                self._memory = None
            self._memory = SharedMemory(name)
        return self._memory


def _made(size: int) -> SharedMemory | None:
    memory = None
    try:
        memory = SharedMemory(create=True, size=size)
        if (file := SYSTEMS / memory.name).exists():
            # Taken now: where there is too little, whoever writes would be ended by a signal.
            with file.open("r+b") as opened:
                os.posix_fallocate(opened.fileno(), 0, size)
        return memory
    except OSError:
        if memory is not None:
            with suppress(OSError):
                memory.close()
                memory.unlink()
        return None
