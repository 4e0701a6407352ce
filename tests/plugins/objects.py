"""Plugins that are made in a test, from what the test wants to see offered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from tests.plugins.slides import Slide
from tileframe import (
    BackendPlugin,
    Equality,
    ExecutorPlugin,
    Fit,
    Job,
    Progress,
    ReaderPlugin,
    Rgb,
    StorePlugin,
    hookimpl,
)

Judge = Callable[[Job], str | None]


class Offers:
    """A plugin that offers what it is given."""

    def __init__(
        self,
        *,
        readers: Sequence[ReaderPlugin] = (),
        backends: Sequence[BackendPlugin] = (),
        stores: Sequence[StorePlugin] = (),
        executors: Sequence[ExecutorPlugin] = (),
        name: str = "offers",
    ) -> None:
        self._readers, self._backends, self._stores, self._executors = readers, backends, stores, executors
        self.__name__ = name

    @hookimpl
    def tileframe_readers(self) -> Sequence[ReaderPlugin]:
        return self._readers

    @hookimpl
    def tileframe_backends(self) -> Sequence[BackendPlugin]:
        return self._backends

    @hookimpl
    def tileframe_stores(self) -> Sequence[StorePlugin]:
        return self._stores

    @hookimpl
    def tileframe_executors(self) -> Sequence[ExecutorPlugin]:
        return self._executors


class Opener:
    """A reader that opens every path as the same slide, or fails with the same error."""

    def __init__(self, outcome: Slide | Exception) -> None:
        self._outcome = outcome

    def open(self, path: Path, *, background: Rgb | None = None) -> Slide:
        if isinstance(self._outcome, Exception):
            raise self._outcome
        return self._outcome


class Engine:
    """A backend that refuses what ``judge`` gives a reason for, and makes nothing."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge

    def refuses(self, job: Job) -> str | None:
        return self._judge(job)

    def promises(self, job: Job) -> Equality:
        return Equality.PIXELS

    def method(self, job: Job) -> str:
        return "none"

    def run(self, job: Job, progress: Progress) -> None:
        raise AssertionError("planning runs nothing")


def reader(name: str, outcome: Slide | Exception, fit: Fit = Fit.GOOD) -> ReaderPlugin:
    return ReaderPlugin(name, f"reader {name}", lambda: Opener(outcome), lambda path, head: fit)


def backend(name: str, outcome: str | Exception | Judge | None = None, *, speed: int = 10) -> BackendPlugin:
    """A backend that can do all, that refuses all with a reason, that judges, or that cannot be made."""

    def make() -> Engine:
        if isinstance(outcome, Exception):
            raise outcome
        return Engine(outcome if callable(outcome) else lambda job: outcome)

    return BackendPlugin(name, f"backend {name}", make, speed=speed)
