"""Executor `dask`: a cluster of Dask makes the blocks, on this machine or on many."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tileframe import ExecutorPlugin, PluginError, hookimpl, option
from tileframe.frozen import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor


@dataclass(frozen=True)
class DaskOptions:
    """Which cluster, and how long to wait for it."""

    scheduler: str | None = option(
        None, help="Address of a running one, as tcp://HOST:8786; without it, a cluster of --workers processes here."
    )
    dashboard: int | None = option(None, help="Port here for the dashboard of a cluster here.", low=1, high=65535)
    retries: int = option(2, help="How often a block that failed is made again.", low=0)
    timeout: float = option(10.0, help="Seconds within which the scheduler is to answer.", low=0.1)
    patience: float = option(60.0, help="Seconds to wait for a worker while there is none.", low=0.1)


def _executor(workers: int, options: DaskOptions) -> Executor:
    try:
        from tileframe_dask.quiet import be_quiet

        be_quiet()
        from tileframe_dask.executor import DaskExecutor
    except ImportError as error:
        raise PluginError(f"the executor dask needs its library: pip install 'tileframe[dask]' ({error})") from error
    return DaskExecutor(workers, options)


@hookimpl
def tileframe_executors() -> Sequence[ExecutorPlugin]:
    """Offer it."""
    summary = "a cluster of Dask: other machines, or processes of this one"
    return [ExecutorPlugin("dask", summary, _executor, options=DaskOptions)]
