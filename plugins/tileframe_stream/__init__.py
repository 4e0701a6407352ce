"""Backend `stream`: one pass, parallel, the same pixels as dzsave; and the executor `threads`, which is its default."""

from __future__ import annotations

from collections.abc import Sequence

from tileframe import Backend, BackendPlugin, ExecutorPlugin, PluginError, hookimpl
from tileframe.work import Threads


def _backend() -> Backend:
    try:
        from tileframe_stream.backend import StreamBackend
    except ImportError as error:
        raise PluginError(f"the stream backend needs OpenCV: pip install opencv-python-headless ({error})") from error
    return StreamBackend()


@hookimpl
def tileframe_backends() -> Sequence[BackendPlugin]:
    """Offer the engine."""
    summary = "one pass over the slide, in parallel, in little memory"
    return [BackendPlugin("stream", summary, _backend, speed=100, passes_through=True)]


@hookimpl
def tileframe_executors() -> Sequence[ExecutorPlugin]:
    """Offer the default by its name."""
    return [ExecutorPlugin("threads", "in threads of this process: the default", Threads)]
