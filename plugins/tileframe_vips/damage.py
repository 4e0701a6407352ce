"""Damage that libvips does not take for an error: found by its warnings, and judged as every reader judges it."""

from __future__ import annotations

from pathlib import Path

from pyvips import ffi, vips_lib

from tileframe_damage.jpeg import is_damage, jpeg_damage
from tileframe_damage.png import chunks_damage, pixels_damage


def forget_warnings() -> None:
    """Clear libvips' messages, which it keeps for the whole process."""
    vips_lib.vips_error_clear()


def warned_of_damage() -> bool:
    """Say whether libjpeg has warned since of lost data: in this picture, or in another that is read at the time."""
    return is_damage(ffi.string(vips_lib.vips_error_buffer()).decode("utf-8", "replace"))


def damage_of(path: Path, kind: str) -> str | None:
    """Return what is wrong with a JPEG or PNG, in the words of every reader; None if nothing is."""
    if kind == "png":
        with path.open("rb") as file:
            return chunks_damage(file) or pixels_damage(file)
    return jpeg_damage(path.read_bytes())
