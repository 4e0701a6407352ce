"""``tileframe run`` of several slides, folders and patterns: `run_many`, and an index of what it has made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tileframe import Spec, hookimpl

if TYPE_CHECKING:
    from tileframe_batch.running import run_many as run_many


@hookimpl
def tileframe_run_many(slides: Sequence[str], output: str | None, spec: Spec, registry: Any) -> int:
    """Run them, and show it."""
    from tileframe_batch.showing import shown_run

    return shown_run(slides, output, spec, registry)


def __getattr__(name: str) -> Any:
    if name == "run_many":
        from tileframe_batch.running import run_many

        return run_many
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
