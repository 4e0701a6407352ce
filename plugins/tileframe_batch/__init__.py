"""``tileframe run`` of several slides, folders and patterns: `run_many`, and an index of what it has made.

`run_many` tells what happens by the events `Started`, `Planned`, `Progressed`, and at the end of each slide `Made`,
`Passed` or `Failed`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tileframe import hookimpl

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tileframe import Spec
    from tileframe_batch.events import Ended, Event, Failed, Made, Passed, Planned, Progressed, Started
    from tileframe_batch.running import run_many

__all__ = ["Ended", "Event", "Failed", "Made", "Passed", "Planned", "Progressed", "Started", "run_many"]


@hookimpl
def tileframe_run_many(slides: Sequence[str], output: str | None, spec: Spec, registry: Any) -> int:
    """Run them, and show it."""
    from tileframe_batch.showing import shown_run

    return shown_run(slides, output, spec, registry)


def __getattr__(name: str) -> Any:
    # Loaded when it is used: the command line does without.
    if name in __all__:
        from tileframe_batch import events, running

        return getattr(running if name == "run_many" else events, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
