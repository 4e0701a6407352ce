"""Finished pyramids in memory, good ones and such with a planted fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from tileframe import InputError, Pyramid, StoredPyramid, TileAddress, Writer
from tileframe.dzi import DziLayout
from tileframe.pixels import Pixels
from tileframe.testing.cases import Case, cut, levels

NAME = "made"
FAULTS = ("missing tile", "extra file", "tile one pixel short", "swapped tiles", "blank tile", "wrong overlap")
DAMAGES = ("empty tile", "half a tile", "tile of another format", "unreadable tile", "no tiles at all")


class KeptTiles:
    """`StoredTiles` in memory; those in ``unreadable`` are there and raise."""

    def __init__(self, files: Mapping[str, bytes], unreadable: frozenset[str] = frozenset()) -> None:
        self.files, self._unreadable = MappingProxyType(dict(files)), unreadable

    def get(self, key: str) -> bytes:
        """Return a file."""
        if key in self._unreadable:
            raise InputError("cannot be read (Input/output error)")
        return self.files[key]

    def keys(self) -> Iterator[str]:
        """Yield the tiles and what else is in their folder, as a directory does."""
        return (key for key in self.files if key.startswith(f"{NAME}_files/"))


@dataclass(frozen=True)
class Kept:
    """A finished pyramid in memory: its files, and what its descriptor says of them."""

    files: Mapping[str, bytes]
    pyramid: Pyramid
    writer: Writer
    culprits: frozenset[str] = frozenset()
    """The files of which a finding must name one."""
    unreadable: frozenset[str] = frozenset()

    @property
    def layout(self) -> DziLayout:
        """How its files are named."""
        return DziLayout(NAME, self.writer.encoding.suffix)

    def opened(self, folder: Path, manifest: Mapping[str, Any], workers: int) -> StoredPyramid:
        """Return it as a check gets to see it."""
        files = KeptTiles(self.files, self.unreadable)
        return StoredPyramid(folder / f"{NAME}.dzi", self.pyramid, self.layout, self.writer, files, manifest, workers)


def good(case: Case, base: Pixels, writer: Writer) -> Kept:
    """Return the pyramid of ``base`` by the pixel contract."""
    layout = DziLayout(NAME, writer.encoding.suffix)
    files = dict(layout.descriptor(case.pyramid))
    for level, plane in enumerate(levels(base)):
        for tile in case.pyramid.tiles(level):
            files[layout.key(tile)] = writer.encode(cut(plane, case.pyramid.tile_box(tile)))
    return Kept(files, case.pyramid, writer)


def planted(kept: Kept, fault: str) -> Kept:
    """Return ``kept`` with one of `FAULTS` or `DAMAGES`; it has at least 3x3 tiles on its base."""
    base = kept.pyramid.base_level
    tile, other = (kept.layout.key(TileAddress(base, col, 1)) for col in (1, 2))
    extra = kept.layout.key(TileAddress(base, 99, 99))
    writer, files = kept.writer, dict(kept.files)

    def repainted(change: Callable[[Pixels], Pixels]) -> bytes:
        return writer.encode(np.ascontiguousarray(change(writer.decode(files[tile]))))

    changes: dict[str, Callable[[], dict[str, bytes]]] = {
        "extra file": lambda: {extra: files[tile]},
        "tile one pixel short": lambda: {tile: repainted(lambda pixels: pixels[:, :-1])},
        "swapped tiles": lambda: {tile: files[other], other: files[tile]},
        "blank tile": lambda: {tile: repainted(lambda pixels: np.full_like(pixels, 128))},
        "empty tile": lambda: {tile: b""},
        "half a tile": lambda: {tile: files[tile][: len(files[tile]) // 2]},
        "tile of another format": lambda: {tile: b"GIF89a, or so it says"},
    }
    if fault in changes:
        changed = changes[fault]()
        return replace(kept, files=files | changed, culprits=frozenset(changed))
    if fault == "missing tile":
        del files[tile]
        return replace(kept, files=files, culprits=frozenset({tile}))
    if fault == "no tiles at all":
        gone = frozenset(key for key in files if key.startswith(f"{NAME}_files/"))
        return replace(kept, files={key: files[key] for key in files.keys() - gone}, culprits=gone)
    if fault == "unreadable tile":
        return replace(kept, unreadable=frozenset({tile}), culprits=frozenset({tile}))
    if fault == "wrong overlap":
        wrong = replace(kept.pyramid, overlap=kept.pyramid.overlap + 1)
        # Tiles contradict the descriptor as much as it does them: any may be named.
        return replace(kept, files={**files, **kept.layout.descriptor(wrong)}, pyramid=wrong, culprits=frozenset(files))
    raise ValueError(f"no fault is called '{fault}'")
