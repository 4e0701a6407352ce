"""The small pyramids that the contract of stores keeps."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tileframe import Content, Layout, TileAddress

NAME = "made"
LEVELS, COLUMNS = range(18), range(3)
UNKNOWN = TileAddress(3, 9, 0)
"""A tile that is never put."""


class Pieces:
    """A file's content in pieces, which can be iterated over again."""

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)


@dataclass(frozen=True)
class MadeLayout:
    """A small pyramid of the name ``made``: 18 levels of three tiles, with a Deep Zoom descriptor beside the tiles."""

    folder: str = f"{NAME}_files"
    described_by: str = f"{NAME}.dzi"
    levels: range = LEVELS
    pads: bool = False
    extras: Mapping[str, TileAddress] = field(default_factory=dict)

    def key(self, tile: TileAddress) -> str:
        """Return the key of ``tile``."""
        return f"{self.folder}/{tile.level}/{tile.col}_{tile.row}.png"

    def address(self, key: str) -> TileAddress | None:
        """Return the tile of ``key``; there are more than the contract puts."""
        found = re.fullmatch(re.escape(self.folder) + r"/([0-9]+)/([0-9]+)_([0-9]+)\.png", key)
        return TileAddress(*map(int, found.groups())) if found else None

    def owns(self, key: str) -> bool:
        """Say whether ``key`` is a tile's or the descriptor's."""
        return self.address(key) is not None or key == self.described_by

    def descriptor(self) -> Mapping[str, bytes]:
        """Return one small file."""
        return {self.described_by: b'<Image xmlns="http://schemas.microsoft.com/deepzoom/2008"/>'}


BESIDE = MadeLayout()
INSIDE = MadeLayout(folder=NAME, described_by=f"{NAME}/made.xml")
"""A layout whose descriptor is among the tiles."""


def tiles_of(layout: Layout) -> dict[str, bytes]:
    """Return the tiles that the contract puts, by key."""
    return {layout.key(tile): f"{tile}".encode() for tile in (TileAddress(n, c, 0) for n in LEVELS for c in COLUMNS)}


def files_of(layout: Layout) -> dict[str, Content]:
    """Return what the contract commits: a list of digests in pieces, the record of a run, and the descriptor."""
    digests = (f"{'0' * 64}  {key}\n".encode() for key in tiles_of(layout))
    record = json.dumps({"schema": "tileframe-manifest/2"}).encode()
    return {f"{NAME}.sha256": Pieces(*digests), f"{NAME}.tileframe.json": record, **layout.descriptor()}


def whole(layout: Layout) -> dict[str, bytes]:
    """Return all files of the finished pyramid."""
    return {**tiles_of(layout), **{key: joined(content) for key, content in files_of(layout).items()}}


def joined(content: Content) -> bytes:
    """Return a file's content in one piece."""
    return content if isinstance(content, bytes) else b"".join(content)


def many_tiles(count: int) -> dict[str, bytes]:
    """Return ``count`` tiles of the layout `BESIDE`, by key."""
    return {BESIDE.key(TileAddress(n % 7, n, 0)): f"tile {n}".encode() * 20 for n in range(count)}


TILES = tiles_of(BESIDE)
WHOLE = whole(BESIDE)
FILES = {key: WHOLE[key] for key in WHOLE.keys() - TILES.keys()}
"""What the contract commits beside the tiles."""
