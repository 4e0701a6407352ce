"""What a hook offers: a name, a line of help, and how to make the thing, one record for each kind of plugin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from tileframe.interfaces import Backend, Check, Executor, Reader, Store, StoredTiles, Viewer, Writer
from tileframe.model import Fit

T = TypeVar("T", covariant=True)


@dataclass(frozen=True)
class Plugin(Generic[T]):
    """One offer of a plugin. ``make`` is called only when the user picks ``name``."""

    name: str
    """A lower-case word."""
    summary: str
    """For a line of help."""
    make: Callable[..., T]


@dataclass(frozen=True)
class ReaderPlugin(Plugin[Reader]):
    """A way to open slides; ``make()`` returns the reader."""

    guess: Callable[[Path, bytes], Fit]
    """Judges a file by its path and its first 4096 bytes. Opens nothing heavy."""


@dataclass(frozen=True)
class WriterPlugin(Plugin[Writer]):
    """A tile format; ``make(quality)`` returns the writer, ``quality`` being None unless the user gave it."""


@dataclass(frozen=True)
class StorePlugin(Plugin[Store]):
    """A destination; ``make(target, overwrite)`` returns the store for ``target``, a path that ends in ``NAME.dzi``."""

    open: Callable[[Path], StoredTiles]
    """Opens the finished pyramid at ``target`` for reading."""


@dataclass(frozen=True)
class CheckPlugin(Plugin[Check]):
    """A check for ``tileframe verify``; ``make()`` returns it."""


@dataclass(frozen=True)
class ExecutorPlugin(Plugin[Executor]):
    """A place where blocks are made; ``make()`` returns the executor. Without a name, threads of this process do."""


@dataclass(frozen=True)
class ViewerPlugin(Plugin[Viewer]):
    """A page to look at pyramids in; ``make()`` returns what writes it."""


@dataclass(frozen=True)
class BackendPlugin(Plugin[Backend]):
    """An engine; ``make()`` returns the backend."""

    speed: int
    """How fast it is beside the others; ``auto`` tries the largest first. The plain Deep Zoom way is 10."""
    passes_through: bool = False
    """Whether it heeds `Job.compressed`; others are not taken for such a job."""
