"""What tests have other processes do. A module of its own, for each of those imports it: of tests, it loads nothing."""

from __future__ import annotations

import multiprocessing
import os
import random
import struct
import sys
import time
from contextlib import closing
from multiprocessing.connection import Connection
from typing import Any

from tileframe import machine


def noise(count: int) -> tuple[str, bytes]:
    return multiprocessing.current_process().name, random.Random(count).randbytes(count)


def half_an_answer(pipe: Connection) -> None:
    pipe.recv_bytes()
    os.write(pipe.fileno(), struct.pack("!i", 1000) + b"half")
    os._exit(3)


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
