"""What libvips has said of a JPEG that it does not take for an error; imported where pyvips is loaded anyway."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from pyvips import ffi, vips_lib

from tileframe_damage.jpeg import HARMLESS, is_damage

ROOM, LONGEST = 10_240, 1_024
"""Bytes that libvips keeps of messages, after which it drops what comes; and more than any of them has."""
MARK = "tileframe-mark-"
"""What begins a line of our own among them, which is nothing for people."""


class Silences:
    """When libvips may have dropped messages: it does for the whole process while it looks for the saver of a tile."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = self._ended = 0

    @contextmanager
    def silence(self) -> Iterator[None]:
        """Note that meanwhile what is said may be lost."""
        with self._lock:
            self._running += 1
        try:
            yield
        finally:
            with self._lock:
                self._running -= 1
                self._ended += 1

    @property
    def ended(self) -> int:
        """Return how many there have been."""
        return self._ended

    def since(self, ended: int) -> bool:
        """Say whether there has been one, or is, since so many had ended."""
        return self._running > 0 or self._ended != ended


SILENCES = Silences()
"""Of this process, as the list of messages is."""


class Warnings:
    """What libjpeg warns of from now on.

    libvips keeps the messages of the whole process in one list, which whoever meets an error clears. So a line of our
    own is put there: where it is gone, a warning may be gone too.
    """

    def __init__(self) -> None:
        self._mark = f"{MARK}{uuid4().hex}"
        if len(_messages()) > ROOM // 2:
            vips_lib.vips_error_clear()
        self._silences = SILENCES.ended
        self._harmless: str | None = None
        """The list as it was when it was looked at last, if nothing in it was of damage."""
        # libvips lets nobody write there, but this fails, and says of what.
        vips_lib.vips_foreign_find_load(self._mark.encode())

    def may_be_of_damage(self) -> bool:
        """Say whether data may be lost: in this picture, or in another one that is read at the time."""
        if SILENCES.since(self._silences):
            return True
        messages = _messages()
        if messages == self._harmless:
            return False
        _, mark, said = messages.partition(self._mark)
        # libjpeg warns of a picture once: harmless bytes may be all that is said of one that lacks data as well.
        if not mark or is_damage(said) or HARMLESS in said or len(messages) > ROOM - LONGEST:
            return True
        self._harmless = messages  # mostly nothing is said from one piece of rows to the next
        return False


def _messages() -> str:
    return str(ffi.string(vips_lib.vips_error_buffer()).decode("utf-8", "replace"))
