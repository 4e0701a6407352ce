"""The one slide that is open in a process that reads it for another one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tileframe import Box, CompressedTiles, InputError, ReaderPlugin, Rgb, Slide, SlideFacts, Source, Sparse
from tileframe.pixels import Pixels
from tileframe_executors.shared import Attached, Written


@dataclass(frozen=True)
class Opening:
    """How a slide is opened."""

    offer: ReaderPlugin
    options: object
    path: Slide
    background: Rgb | None


@dataclass(frozen=True)
class Found:
    """What is known of the slide once it is open."""

    facts: SlideFacts
    has_compressed: bool
    is_sparse: bool


_OPEN: list[Source] = []
_MEMORY = Attached()


def open_slide(opening: Opening) -> Found:
    """Open the slide, as the first call in this process."""
    reader: Any = opening.offer.create(options=opening.options)
    source: Source = reader.open(opening.path, background=opening.background)
    _OPEN.append(source)
    return Found(source.facts, isinstance(source, CompressedTiles), isinstance(source, Sparse))


def read(box: Box, native_level: int, memory: str | None) -> Pixels | Written:
    """Read ``box`` into the ``memory`` of that name; returns the pixels where there is none, or too little of it."""
    pixels = _OPEN[0].read(box, native_level=native_level)
    return pixels if memory is None else _MEMORY.write(memory, pixels) or pixels


def holds(box: Box) -> bool:
    """Return what the slide says."""
    source = _OPEN[0]
    return not isinstance(source, Sparse) or source.holds(box)


def associated(name: str) -> Pixels:
    """Return an associated image."""
    return _OPEN[0].associated(name)


def refuses_compressed() -> str | None:
    """Return what the slide says."""
    return _compressed().refuses_compressed()


def compressed_tile(col: int, row: int) -> bytes | None:
    """Return one of the slide's own tiles."""
    return _compressed().compressed_tile(col, row)


def _compressed() -> CompressedTiles:
    source = _OPEN[0]
    if not isinstance(source, CompressedTiles):
        raise InputError("the slide has no compressed tiles")
    return source
