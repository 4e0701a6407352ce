"""What libvips has said of a JPEG that it does not take for an error; imported where pyvips is loaded anyway."""

from __future__ import annotations

from uuid import uuid4

from pyvips import ffi, vips_lib

from tileframe_damage.jpeg import HARMLESS, is_damage

ROOM, LONGEST = 10_240, 1_024
"""Bytes that libvips keeps of messages, after which it drops what comes; and more than any of them has."""
MARK = "tileframe-mark-"
"""What begins a line of our own among them, which is nothing for people."""


class Warnings:
    """What libjpeg warns of from now on.

    libvips keeps the messages of the whole process in one list, which whoever meets an error clears. So a line of our
    own is put there: where it is gone, a warning may be gone too.
    """

    def __init__(self) -> None:
        self._mark = f"{MARK}{uuid4().hex}"
        if len(_messages()) > ROOM // 2:
            vips_lib.vips_error_clear()
        # libvips lets nobody write there, but this fails, and says of what.
        vips_lib.vips_foreign_find_load(self._mark.encode())

    def may_be_of_damage(self) -> bool:
        """Say whether data may be lost: in this picture, or in another one that is read at the time."""
        messages = _messages()
        _, mark, said = messages.partition(self._mark)
        # libjpeg warns of a picture once: harmless bytes may be all that is said of one that lacks data as well.
        return not mark or is_damage(said) or HARMLESS in said or len(messages) > ROOM - LONGEST


def _messages() -> str:
    return str(ffi.string(vips_lib.vips_error_buffer()).decode("utf-8", "replace"))
