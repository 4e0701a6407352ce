"""What the folder and the archives have in common as stores that a later run can go on with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tileframe_stores.scratch import Scratch


class Noted:
    """The journal in the scratch folder; the methods of `tileframe.Resumes` that have nothing to do with tiles."""

    _scratch: Scratch

    def entries(self) -> Iterator[tuple[int, bytes]]:
        """Yield what an unfinished run has noted."""
        try:
            yield from self._scratch.notes.entries()
        except OSError as error:
            raise self._scratch.explained(error) from error

    def entry(self, place: int) -> bytes:
        """Return the entry at ``place``."""
        try:
            return self._scratch.notes.entry(place)
        except OSError as error:
            raise self._scratch.explained(error) from error

    def note(self, entries: Sequence[bytes]) -> None:
        """Add ``entries``; the tiles before them have been given to the system already."""
        try:
            self._scratch.notes.add(entries)
        except OSError as error:
            raise self._scratch.explained(error) from error

    def leave(self) -> str:
        """Leave the scratch folder with all that is in it."""
        self._scratch.leave()
        return str(self._scratch.path)
