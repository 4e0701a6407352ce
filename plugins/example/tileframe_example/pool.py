from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from multiprocessing import get_context

from tileframe import ExecutorPlugin, hookimpl


def make(workers: int) -> Executor:
    # Fresh processes: to fork one that has threads may leave a lock locked for ever.
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"))


@hookimpl
def tileframe_executors() -> Sequence[ExecutorPlugin]:
    return [ExecutorPlugin("pool", "Python's own pool of processes", make)]
