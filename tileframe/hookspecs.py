"""The hooks that a plugin may implement.

A plugin is a module (or any object) named by an entry point in the group ``tileframe``. Its hooks are
called once per command, never per tile. They *offer*: cheap records, whose ``make`` is called only when
the user picks the name. Importing the module must not import an image library; do that in ``make``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pluggy

from tileframe.offers import (
    BackendPlugin,
    CheckPlugin,
    ExecutorPlugin,
    ReaderPlugin,
    StorePlugin,
    ViewerPlugin,
    WriterPlugin,
)

if TYPE_CHECKING:
    import click

PROJECT = "tileframe"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def tileframe_readers() -> Sequence[ReaderPlugin]:  # type: ignore[empty-body]
    """Offer ways to open slides.

    Readers are ranked by what their ``guess`` says of a file, then by name. A reader that raises
    `UnsupportedInput` when it opens the file leaves it to the next one.
    """


@hookspec
def tileframe_writers() -> Sequence[WriterPlugin]:  # type: ignore[empty-body]
    """Offer tile formats, chosen by ``--format NAME``."""


@hookspec
def tileframe_stores() -> Sequence[StorePlugin]:  # type: ignore[empty-body]
    """Offer destinations for the bytes of a pyramid."""


@hookspec
def tileframe_backends() -> Sequence[BackendPlugin]:  # type: ignore[empty-body]
    """Offer engines, chosen by ``--backend NAME``; ``auto`` takes the one of the largest ``speed`` that can do it."""


@hookspec
def tileframe_executors() -> Sequence[ExecutorPlugin]:  # type: ignore[empty-body]
    """Offer places where blocks are made, chosen by ``--executor NAME``; without it, they are made by threads."""


@hookspec
def tileframe_checks() -> Sequence[CheckPlugin]:  # type: ignore[empty-body]
    """Offer checks; ``tileframe verify`` runs all of them, or those chosen by ``--check NAME``, by name."""


@hookspec
def tileframe_viewers() -> Sequence[ViewerPlugin]:  # type: ignore[empty-body]
    """Offer pages to look at pyramids in, chosen by ``--viewer=NAME``; ``--viewer`` takes the first by name."""


@hookspec
def tileframe_add_commands(cli: click.Group) -> None:
    """Add subcommands with ``cli.add_command``; a name that is taken already is an error.

    In a command, ``click.get_current_context().obj`` is the `Registry`.
    """
