"""Damage of a picture that libvips reads, judged as every reader judges it."""

from __future__ import annotations

from pathlib import Path

from tileframe_damage.jpeg import jpeg_damage
from tileframe_damage.png import chunks_damage, pixels_damage


def damage_of(path: Path, kind: str) -> str | None:
    """Return what is wrong with a JPEG or PNG, in the words of every reader; None if nothing is."""
    if kind == "png":
        with path.open("rb") as file:
            return chunks_damage(file) or pixels_damage(file)
    return jpeg_damage(path.read_bytes())
