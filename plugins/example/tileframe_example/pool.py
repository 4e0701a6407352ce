from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor

from tileframe import ExecutorPlugin, hookimpl


def make(workers: int) -> Executor:
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    # Fresh processes: to fork one that has threads may leave a lock locked for ever.
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"))


@hookimpl
def tileframe_executors() -> Sequence[ExecutorPlugin]:
    return [ExecutorPlugin("pool", "Python's own pool of processes", make)]
