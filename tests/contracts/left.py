"""What could be wrong with how a store goes on with what a stopped run has left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from tileframe import Target
from tileframe_stores.archive import ArchiveStore
from tileframe_stores.directory import DirectoryStore


class Forgetful(DirectoryStore):
    """Notes nothing."""

    def note(self, entries: Sequence[bytes]) -> None:
        super().note(entries[:0])


class Mixing(ArchiveStore):
    """Keeps all that it is not to keep."""

    def keep(self, wanted: Callable[[str], bool]) -> None:
        super().keep(lambda key: not wanted(key))


class Clinging(DirectoryStore):
    """Goes on, wanted or not."""

    def __init__(self, target: Target) -> None:
        super().__init__(replace(target, resume=True if target.resume is False else target.resume))


class Obstinate(DirectoryStore):
    """Removes what it finds unasked."""

    def __init__(self, target: Target) -> None:
        super().__init__(replace(target, resume=bool(target.resume)))
