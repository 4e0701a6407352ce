"""The executor: calls become tasks of the cluster, which can be told apart on its dashboard."""

from __future__ import annotations

import asyncio
import dataclasses
import pickle
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future
from concurrent.futures import wait as wait_for_all
from contextlib import suppress
from functools import partial
from typing import Any, TypeAlias, TypeVar
from uuid import uuid4

from distributed import KilledWorker

from tileframe import CheckError, OptionError, Plan, PluginError
from tileframe.work import AHEAD, answered
from tileframe_dask import DaskOptions, versions, worker
from tileframe_dask.cluster import given_back, refused, taken

R = TypeVar("R")
Name: TypeAlias = tuple[str | int, ...]

TASKS, TOGETHER = 2, 4
"""The most tasks that a worker's thread has at a time, and the most calls of a task: each task costs 10 ms."""
IN_MEMORY = 1 << 30
"""Bytes of results that may wait here, unless each thread has no more than a few calls."""
GUESSED = 4 << 20
"""Bytes that a result is taken to have before there is one: those of an archive's block."""
STOPPING, ON_THE_WAY = 60.0, 2.0
"""Seconds that a run which stops waits, at most, for what is being made, and for results that are on their way."""
FINAL = (OptionError, CheckError, PluginError)
"""Errors that come again however often a call is made."""


class Call(Future[R]):
    """One call. It is not cancelled by itself: whether it has begun is known where it is made."""

    def __init__(self, name: Name, pickled: bytes, retries: int) -> None:
        super().__init__()
        self.name, self.pickled, self.retries = name, pickled, retries

    def cancel(self) -> bool:
        """Do nothing; `DaskExecutor.shutdown` cancels."""
        return False

    def give_up(self) -> None:
        """Be cancelled."""
        super().cancel()
        self.set_running_or_notify_cancel()


class DaskExecutor(Executor):
    """Has calls made by the workers of a cluster, for one run."""

    def __init__(self, workers: int, options: DaskOptions) -> None:
        self._run, self._digest, self._retries = uuid4().hex, versions.digest(), options.retries
        self._asked = workers
        self._lock = threading.Lock()
        self._calls: set[Call[Any]] = set()
        """Those that are not done."""
        self._waiting: deque[Call[Any]] = deque()
        """Those of them that are in no task; in the client's thread."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._count = self._task_count = self._largest = 0
        self._is_shut = self._is_stopped = False
        self._cluster = taken(options, workers, self)

    @property
    def threads(self) -> int:
        """How many calls can be made at once now, for workers come and go; as many as were asked for, at least."""
        return max(self._asked, self._cluster.threads)

    @property
    def workers(self) -> int:
        """What `tileframe.work.in_order` is to take for the number of workers: enough for each thread to have tasks."""
        most = IN_MEMORY // (AHEAD * (self._largest or GUESSED))
        return max(self.threads, min(TASKS * TOGETHER // 2 * self.threads, most))

    def submit(self, function: Callable[..., R], /, *arguments: Any, **options: Any) -> Future[R]:
        """Have ``function`` called by a worker; it, its arguments and its result go there and back by pickle."""
        pickled = pickle.dumps((function, arguments, options), pickle.HIGHEST_PROTOCOL)
        with self._lock:
            if self._is_shut:
                raise RuntimeError("cannot schedule new futures after shutdown")
            self._count += 1
            call: Call[R] = Call(named(arguments, self._run, self._count), pickled, self._retries)
            self._calls.add(call)
        self._cluster.begin(self._take(call))
        return call

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take nothing more; with ``cancel_futures``, begin nothing more, and end when what is being made is done."""
        with self._lock:
            self._is_shut = True
            if cancel_futures and self._calls and not self._is_stopped:
                self._is_stopped = True
                self._cluster.begin(self._stop())
        if wait:
            # In short waits: Windows lets no Ctrl-C through an endless one.
            while left := list(self._calls):
                wait_for_all(left, timeout=0.2)
            given_back(self._cluster, self)

    def fail(self, error: BrokenExecutor) -> None:
        """Give up all calls, with ``error``; in the client's thread."""
        self._waiting.clear()
        self._end_all(list(self._calls), error)
        for task in self._tasks:
            task.cancel()

    async def _take(self, call: Call[Any]) -> None:
        self._waiting.append(call)
        self._send()

    def _send(self) -> None:
        """Make tasks of what is waiting, as far as the workers have too few."""
        most = TASKS * self.threads
        while self._waiting and len(self._tasks) < most:
            count = min(TOGETHER, -(-len(self._waiting) // most))
            calls = [self._waiting.popleft() for _ in range(count)]
            self._tasks.add(task := asyncio.ensure_future(self._made(calls)))
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._send()

    async def _made(self, calls: list[Call[Any]]) -> None:
        """Have ``calls`` made by one task, which is named after the first of them."""
        self._task_count += 1
        # A key that was there before would give the result that it had then.
        key = (*calls[0].name, self._task_count)
        try:
            pickled = [call.pickled for call in calls]
            client = self._cluster.client
            found = await client.submit(worker.make, self._run, self._digest, pickled, key=key, pure=False)
        except (CancelledError, asyncio.CancelledError):
            self._end_all(calls, BrokenExecutor(f"the scheduler at {self._cluster.address} went away"))
        except KilledWorker as error:
            count = error.allowed_failures + 1
            said = f"{count} workers died one after the other while they made {key}; a library may crash on it"
            self._end_all(calls, BrokenExecutor(f"{said}, or memory be short"))
        except ImportError as error:
            self._end_all(calls, PluginError(f"a worker of {self._cluster.address} lacks what it needs ({error})"))
        except Exception as error:  # whatever it is, it is raised again by the thread that waits for it
            self._end_all(calls, error)
        else:
            if isinstance(found, worker.Different):
                self._end_all(calls, refused(found.worker, found.versions))
            else:
                self._answered(calls, found)

    def _answered(self, calls: list[Call[Any]], answers: list[bytes]) -> None:
        for call, answer in zip(calls, answers, strict=False):
            self._largest = max(self._largest, len(answer))
            try:
                result = answered(answer)
            except BaseException as error:  # as above
                if call.retries and not isinstance(error, FINAL) and not self._is_stopped:
                    call.retries -= 1
                    self._waiting.append(call)
                else:
                    self._end(call, error)
            else:
                call.set_result(result)
                self._calls.discard(call)
        for call in calls[len(answers) :]:
            self._end(call, None)

    def _end_all(self, calls: list[Call[Any]], error: BaseException | None) -> None:
        for call in calls:
            self._end(call, None if self._is_stopped else error)

    def _end(self, call: Call[Any], error: BaseException | None) -> None:
        """End a call by ``error``; None cancels it."""
        if not call.done():
            if error is None:
                call.give_up()
            else:
                call.set_exception(error)
        self._calls.discard(call)

    async def _stop(self) -> None:
        """Let no worker begin a call, wait for what they are making, and give up the rest."""
        waiting = list(self._waiting)
        self._waiting.clear()
        self._end_all(waiting, None)
        with suppress(Exception):  # workers may be gone, or take too long
            stopped = self._cluster.client.run(worker.stop, self._run, on_error="return")
            await asyncio.wait_for(stopped, STOPPING)
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=ON_THE_WAY)
            for task in late:
                task.cancel()


def named(arguments: tuple[Any, ...], run: str, number: int) -> Name:
    """Return the name of a call. Its first part, by which the dashboard groups tasks, is that of all calls of ``run``.

    The arguments are those that `tileframe.Job.in_order` gives to an executor.
    """
    match arguments:
        case (_, partial(args=(Plan() as plan, *_)), thing):
            kind, slide = type(thing).__name__.lower(), plan.source.name
            is_record = dataclasses.is_dataclass(thing) and not isinstance(thing, type)
            place = dataclasses.astuple(thing) if is_record else (thing,)
            where = (part if isinstance(part, int) else str(part) for part in place)
            return (f"tileframe-{kind}-{slide}-{run}", plan.pyramid.base_level, *where)
        case _:
            return (f"tileframe-call-{run}", number)
