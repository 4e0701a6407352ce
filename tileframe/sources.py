"""What most sources have in common, for readers to build on."""

from __future__ import annotations

from typing import Self

from tileframe.errors import InputError
from tileframe.interfaces import Pixels
from tileframe.model import SlideFacts


class BaseSource:
    """A `Source` without `read`: a context manager with facts, and without associated images until given some."""

    def __init__(self, facts: SlideFacts) -> None:
        self.facts = facts

    def associated(self, name: str) -> Pixels:
        """Refuse ``name`` with an `InputError` that lists those there are."""
        names = ", ".join(self.facts.associated) or "none"
        raise InputError(f"the slide has no associated image named '{name}' (have: {names})")

    def close(self) -> None:
        """Do nothing; a source that holds a file releases it here."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
