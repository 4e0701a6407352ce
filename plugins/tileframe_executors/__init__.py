"""Executors `threads`, which is the default, and `processes`: each worker a process of this machine."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial

from tileframe import ExecutorPlugin, ReaderPlugin, hookimpl
from tileframe.work import threads


def _processes(workers: int) -> Executor:
    from tileframe_executors.processes import Processes

    return Processes(workers)


def _isolated(offer: ReaderPlugin) -> ReaderPlugin:
    from tileframe_executors.isolated import IsolatedReader

    return replace(offer, make=partial(IsolatedReader, offer))


@hookimpl
def tileframe_executors() -> Sequence[ExecutorPlugin]:
    """Offer both."""
    return [
        ExecutorPlugin("threads", "threads of this process: the default", threads),
        ExecutorPlugin(
            "processes", "processes of this machine, for readers that let no other thread run", _processes, _isolated
        ),
    ]
