"""Damage that libvips does not take for an error: found by its warnings, and judged as every reader judges it."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

from pyvips import ffi, vips_lib

from tileframe_damage.jpeg import HARMLESS, is_damage, jpeg_damage
from tileframe_damage.png import chunks_damage, pixels_damage

ROOM, LONGEST = 10_240, 1_024
"""Bytes that libvips keeps of messages, after which it drops what comes; and more than any of them has."""


class Warnings:
    """What libjpeg warns of from now on.

    libvips keeps the messages of the whole process in one list, which whoever meets an error clears. So a line of our
    own is put there: where it is gone, a warning may be gone too.
    """

    def __init__(self) -> None:
        self._mark = f"tileframe-{uuid4().hex}"
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


def damage_of(path: Path, kind: str) -> str | None:
    """Return what is wrong with a JPEG or PNG, in the words of every reader; None if nothing is."""
    if kind == "png":
        with path.open("rb") as file:
            return chunks_damage(file) or pixels_damage(file)
    return jpeg_damage(path.read_bytes())
