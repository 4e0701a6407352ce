"""A process that has used a known amount of processor time and memory, and what is counted of it.

A module of its own, for it is imported by two fresh processes: what they need not load takes as long as all of it.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from contextlib import closing
from typing import Any

from tileframe import machine


def count_a_child() -> None:
    before = machine.used_by_children()
    with closing(Spinning()) as child:
        during = machine.used_by_children()
        assert during.cpu_seconds > before.cpu_seconds + 0.2
        assert during.peak_memory > before.peak_memory + 60_000_000
    child.process.join()
    if sys.platform != "win32":
        assert machine.used_by_children().cpu_seconds >= during.cpu_seconds


class Spinning:
    """A process that has used 0.3 s and 80 MB when this is made, and lives until it is closed."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._ready, self._over = context.Event(), context.Event()
        self.process = context.Process(target=spin, args=(self._ready, self._over), daemon=True)
        self.process.start()
        assert self._ready.wait(60)

    def close(self) -> None:
        self._over.set()


def spin(ready: Any, over: Any) -> None:
    filled = bytearray(80_000_000)
    while time.process_time() < 0.3:
        pass
    ready.set()
    over.wait(60)
    del filled
