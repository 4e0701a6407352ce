"""Backend `stream`: one pass, parallel, the same pixels as dzsave."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tileframe import BackendPlugin, PluginError, hookimpl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tileframe import Backend


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
    return [
        BackendPlugin("stream", summary, _backend, speed=100, passes_through=True, uses_executors=True, resumes=True)
    ]
