"""Download a slide as a whole: said before, shown while it goes on, and held to what the server said of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from tileframe import InputError
from tileframe.cli.text import in_bytes
from tileframe.work import in_order
from tileframe_remote.access import Answer, BrokenOff, NoRanges, Server, State
from tileframe_remote.telling import Shown, told

PART = 4 << 20
AT_ONCE = 4
"""Requests."""
ATTEMPTS = 3
"""Where a server gives files as a whole alone, and its answer broke off."""


class Download:
    """Writes the file that ``server`` gives, of the version ``state``, into another."""

    def __init__(self, shown: str, server: Server, state: State, *, by_ranges: bool) -> None:
        self._shown, self._server, self._state, self._by_ranges = shown, server, state, by_ranges

    def __call__(self, file: BinaryIO, path: Path) -> None:
        """Fill ``file``, which is to be called ``path``; `InputError` for what is not what the server said it is."""
        why = "a reader needs all of it" if self._by_ranges else "its server gives no parts of it"
        told(f"{self._shown}: downloading all {in_bytes(self._state.length)} of it, for {why}, to {path}")
        for _ in range(0 if self._by_ranges else ATTEMPTS - 1):
            try:
                return self._write(file)
            except BrokenOff:
                file.seek(0)  # it begins anew
        return self._write(file)

    def _write(self, file: BinaryIO) -> None:
        shown = Shown(self._shown, self._state.length)
        try:
            for piece in self._pieces():
                file.write(piece)
                shown(len(piece))
        finally:
            shown.end()
        if shown.done != self._state.length:
            said = f"the server gave {shown.done:,} bytes, and had said {self._state.length:,}"
            raise BrokenOff(f"{self._shown}: {said}")

    def _pieces(self) -> Iterator[bytes]:
        if not self._by_ranges:
            with self._server.whole() as (state, pieces):
                self._refuse_other(state)
                yield from pieces
            return
        starts = range(0, self._state.length, PART)
        for answer in in_order(self._part, starts, workers=AT_ONCE):
            self._refuse_other(answer.state)
            yield answer.content

    def _part(self, start: int) -> Answer:
        try:
            return self._server.get(start, min(start + PART, self._state.length))
        except NoRanges:
            raise InputError(f"{self._shown}: the server no longer gives parts of it; run again") from None

    def _refuse_other(self, state: State) -> None:
        if state != self._state:
            raise InputError(f"{self._shown}: was changed while it was read; run again")
