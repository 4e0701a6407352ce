"""The connection to a cluster: one for all runs of this process that ask for the same, for a start takes seconds."""

from __future__ import annotations

import asyncio
import atexit
import logging
import re
import signal
import socket
import threading
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib.util import find_spec
from multiprocessing import resource_tracker
from typing import Any, Protocol

import dask
from distributed import Client, LocalCluster, Security, rpc

from tileframe import OptionError, PluginError, WorkerError
from tileframe_dask import DaskOptions, versions

ADDRESS = re.compile(r"((tcp|tls|wss?|ucxx?)://)?[^/\s]+:\d{1,5}")
UNUSED = 60.0
"""Seconds after its last run for which a connection is kept: the next slide of a batch takes it over."""
IDLE = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.scheduler.work-stealing-interval": "1s",
}
"""Settings of a cluster here: on its own, Dask looks at itself a hundred times a second, in each process."""
LOOK = 2.0
"""Seconds between two looks at the workers that there are."""


class User(Protocol):
    """An executor that works by a cluster."""

    def fail(self, error: BrokenExecutor) -> None:
        """Give up all its calls."""


class Cluster:
    """A client of a scheduler, which is a running one, or one that was started here with its workers."""

    def __init__(self, options: DaskOptions, workers: int) -> None:
        """Connect; `OptionError` for what is no address, `WorkerError` if nobody answers there."""
        self._options = options
        self.threads = workers
        """How many calls its workers make at once."""
        self.users: set[User] = set()
        self.timer: threading.Timer | None = None
        self._local: LocalCluster | None = None
        if options.scheduler is not None and options.dashboard is not None:
            raise OptionError(f"the dashboard at {options.scheduler} is that cluster's own; leave out dashboard=N")
        try:
            self._local = _started(workers, options) if options.scheduler is None else None
            self.client = _connected(self._local or str(options.scheduler), options.timeout)
            if self._local is None:
                self._refuse_other_versions()
            self._watching = self.begin(self._watch())
        except BaseException:
            self.close()
            raise

    @property
    def address(self) -> str:
        """Of the scheduler."""
        return self._options.scheduler or "the local cluster"

    @property
    def is_alive(self) -> bool:
        """Whether the scheduler is still there."""
        return bool(self.client.status == "running")

    def begin(self, work: Coroutine[Any, Any, Any]) -> Future[Any]:
        """Begin ``work`` in the thread of the client."""
        return asyncio.run_coroutine_threadsafe(work, self.client.loop.asyncio_loop)

    def close(self) -> None:
        """Leave the scheduler; end the one that was started here, and its workers."""
        with suppress(Exception):  # the other end may be gone, and there is nobody to tell
            if hasattr(self, "client"):
                self.client.close()
        with suppress(Exception):
            if self._local is not None:
                self._local.close()

    def _refuse_other_versions(self) -> None:
        for worker, found in self.client.run(versions.here, on_error="return").items():
            if isinstance(found, ImportError | AttributeError):
                raise PluginError(f"the worker {worker} has not this version of tileframe ({found})")
            if isinstance(found, dict) and (error := refused(worker, found)):
                raise error

    async def _watch(self) -> None:
        seen = time.monotonic()
        while self.client.status in ("running", "connecting"):
            with suppress(OSError):
                self.threads = sum((await self.client.nthreads()).values())
                if self.threads:
                    seen = time.monotonic()
            if time.monotonic() - seen > self._options.patience:
                for user in list(self.users):
                    user.fail(BrokenExecutor(f"{self.address} has had no worker for {self._options.patience:g} s"))
            await asyncio.sleep(LOOK)


def refused(worker: str, theirs: versions.Versions) -> PluginError | None:
    """Return what is to be said of a ``worker`` with these versions; None if they are those of this process."""
    found = versions.difference(versions.here(), theirs)
    return PluginError(f"the worker {worker} has {found}; the same must be installed on both") if found else None


_LOCK = threading.Lock()
_OPEN: dict[DaskOptions | tuple[DaskOptions, int], Cluster] = {}
"""The connections that there are."""


def taken(options: DaskOptions, workers: int, user: User) -> Cluster:
    """Return the cluster of ``options`` for ``user``: that of an earlier run, or a new one."""
    shared = replace(options, retries=0)
    key = shared if options.scheduler else (shared, workers)
    with _LOCK:
        if key in _OPEN and not _OPEN[key].is_alive:
            _OPEN.pop(key).close()
        if key not in _OPEN:
            _OPEN[key] = Cluster(options, workers)
        cluster = _OPEN[key]
        cluster.users.add(user)
        if cluster.timer is not None:
            cluster.timer.cancel()
            cluster.timer = None
        return cluster


def given_back(cluster: Cluster, user: User) -> None:
    """Take it that ``user`` has done; a cluster that nobody uses any more is closed after a while."""
    with _LOCK:
        cluster.users.discard(user)
        if not cluster.users and cluster.timer is None:
            cluster.timer = threading.Timer(UNUSED, _close_unused, [cluster])
            cluster.timer.daemon = True
            cluster.timer.start()


def _close_unused(cluster: Cluster | None = None) -> None:
    """Close ``cluster``, if nobody uses it; all of them at the end of the process."""
    with _LOCK:
        for key, one in list(_OPEN.items()):
            if cluster is None or (one is cluster and not one.users):
                _OPEN.pop(key).close()


atexit.register(_close_unused)


def _started(workers: int, options: DaskOptions) -> LocalCluster:
    """Start a scheduler in this process, and ``workers`` others."""
    port = options.dashboard
    if port is not None:
        _refuse_no_dashboard(port)
    try:
        with _interrupts_kept(), dask.config.set(IDLE):
            return LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                memory_limit=None,  # else a worker that has more than its part of the memory would be held up
                dashboard_address=f"127.0.0.1:{port or 0}",
                scheduler_kwargs={"dashboard": port is not None},
                silence_logs=logging.getLogger("distributed").getEffectiveLevel(),
            )
    except Exception as error:
        raise WorkerError(f"no cluster can be started here ({error})") from error


def _refuse_no_dashboard(port: int) -> None:
    """Raise an error where Dask would show nothing, or at another port, and say so in its log alone."""
    if find_spec("bokeh") is None:
        raise PluginError("Dask's dashboard needs bokeh: pip install bokeh")
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        raise OptionError(f"the port {port} is not free for the dashboard ({error.strerror})") from error


def _connected(to: LocalCluster | str, timeout: float) -> Client:
    if isinstance(to, str):
        _ask(to, timeout)
    return Client(to, timeout=timeout, set_as_default=False, direct_to_workers=isinstance(to, LocalCluster))


def _ask(address: str, timeout: float) -> None:
    """See that a scheduler is there; a `Client` waits for ever for a server of another kind, and ends with noise."""
    if not ADDRESS.fullmatch(address):
        raise OptionError(f"the scheduler '{address}' is no address of Dask, as tcp://HOST:8786")

    async def identity() -> None:
        connection = Security().get_connection_args("client")
        async with rpc(address, timeout=timeout, connection_args=connection) as scheduler:
            await asyncio.wait_for(scheduler.identity(), timeout)

    try:
        with ThreadPoolExecutor(1) as another:  # this thread may have an event loop, as in a notebook
            another.submit(asyncio.run, identity()).result()
    except (OSError, EOFError) as error:
        said = "give another one, or more time, as by --executor-option timeout=60"
        raise WorkerError(f"no scheduler of Dask answers at {address} within {timeout:g} s; {said}") from error
    except Exception as error:  # among it that there are no certificates for tls://
        raise OptionError(f"the scheduler '{address}' cannot be used ({error})") from error


@contextmanager
def _interrupts_kept() -> Iterator[None]:
    """Keep a terminal's Ctrl-C from the threads and processes that begin now: this process decides what it means."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # by starting it, multiprocessing would let them through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
