"""One of two plugins that offer a backend of the same name."""

from __future__ import annotations

from collections.abc import Sequence

from tests.plugins.objects import backend
from tileframe import BackendPlugin, hookimpl


@hookimpl
def tileframe_backends() -> Sequence[BackendPlugin]:
    return [backend("same")]
