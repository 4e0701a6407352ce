"""Executors `threads`, which is the default, and `processes`: each worker a process of this machine."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from tileframe import ExecutorPlugin, hookimpl

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor

    from tileframe import Choice, Job, ReaderPlugin


def _threads(workers: int) -> Executor:
    from tileframe.work import threads

    return threads(workers)


def _processes(workers: int) -> Executor:
    from tileframe_executors.processes import Processes

    return Processes(workers)


def _isolated(offer: ReaderPlugin) -> ReaderPlugin:
    from tileframe_executors.isolated import IsolatedReader

    return replace(offer, make=partial(IsolatedReader, offer))


def _suits(job: Job, registry: Any) -> Choice | None:
    from tileframe_executors.choice import choice

    return choice(job, registry)


@hookimpl
def tileframe_executors() -> Sequence[ExecutorPlugin]:
    """Offer both."""
    return [
        ExecutorPlugin("threads", "threads of this process: the default", _threads),
        ExecutorPlugin(
            "processes", "processes of this machine: taken where threads would saturate", _processes, _isolated, _suits
        ),
    ]
