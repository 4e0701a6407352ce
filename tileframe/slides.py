"""Slides that are no files of this machine, as plugins give them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias, TypeVar, runtime_checkable

T = TypeVar("T")


class RangeFile(Protocol):
    """An open file that is elsewhere, read by ranges; for libraries, also an `io.RawIOBase`."""

    @property
    def length(self) -> int:
        """How many bytes it has."""

    def read_at(self, offset: int, count: int) -> bytes:
        """Return ``count`` bytes from ``offset`` on, fewer only at the end. Called from many threads."""

    def close(self) -> None:
        """Forget what was read; `read_at` raises `ValueError` then."""


@runtime_checkable
class RemoteSlide(Protocol):
    """A slide that is no file of this machine; as text its address, without what is secret in it. Can be pickled.

    Whatever is read is of the version that was seen first. `InputError`, which names the address, if there is another
    one by now, and for what cannot be read.
    """

    @property
    def name(self) -> str:
        """Of the file, without its folder."""

    def open(self) -> RangeFile:
        """Return the open file; the caller closes it."""

    def copied(self, use: Callable[[Path], T]) -> T:
        """Return what ``use`` makes of a copy of the file on this machine, which stays as long as that does."""

    def state(self) -> tuple[int, str]:
        """Return its length now, and what else tells one version from another, as the server says it."""

    def pieces(self, places: Sequence[int], count: int) -> list[bytes]:
        """Return ``count`` bytes from each of ``places`` on, as they are now; fewer at the end."""


Slide: TypeAlias = "Path | RemoteSlide"
"""What a reader opens."""
