"""A finished pyramid that is open: its files as they are, and its pixels for the Image API."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import tileframe
from tileframe import (
    Access,
    BaseSource,
    Box,
    CheckError,
    InputError,
    Layout,
    NativeLevel,
    Pixels,
    Plan,
    Pyramid,
    SlideFacts,
    TileAddress,
)
from tileframe.serialize import to_json
from tileframe_serve.catalogue import Entry
from tileframe_serve.levels import Levels


class Stored:
    """An open pyramid, in the layout that it is in."""

    def __init__(self, entry: Entry, registry: Any) -> None:
        self._entry = entry
        self.stored = tileframe.open_pyramid(entry.target, registry=registry)
        try:
            self.location = self.stored.location
            self.is_local = self.location.scheme == "file"
            self._descriptors = {*self.stored.layout.descriptor(), self.stored.descriptor_key}
            self.levels = Levels(TileSource(self))
            # Of what is made of its tiles; each file has a tag of its own.
            made = self.stored.manifest or entry.state()  # one of other tools' may be replaced by another of its size
            told = to_json([made, self.stored.pyramid, self.stored.suffix, tileframe.__version__])
            self.version = hashlib.sha256(told.encode()).hexdigest()[:20]
        except BaseException:
            self.stored.close()
            raise

    @property
    def plan(self) -> Plan | None:
        """How it was made; None where its manifest is not there."""
        return None if self.stored.manifest is None else self.stored.manifest.plan

    @property
    def layouts(self) -> Mapping[str, Layout]:
        """The one that it is in."""
        return {self.stored.layout_name: self.stored.layout}

    @property
    def pyramid(self) -> Pyramid:
        """The geometry."""
        return self.stored.pyramid

    @property
    def held_bytes(self) -> int:
        """Nothing of it is in memory."""
        return 0

    def owns(self, key: str) -> bool:
        """Say whether ``key`` is a file of the pyramid: its descriptor, or a tile."""
        layout = self.stored.layout
        return key in self._descriptors or key in layout.extras or layout.address(key) is not None

    def file(self, key: str) -> bytes:
        """Return one of its files, as it is; `KeyError` if it is missing."""
        self._refuse_outside(key)
        return self.stored.files.get(key)

    def tile_pixels(self, tile: TileAddress) -> Pixels:
        """Return the pixels of a tile; `InputError` where it is damaged or missing."""
        key = self.stored.layout.key(tile)
        try:
            self._refuse_outside(key)
            return self.stored.decode(tile)
        except KeyError as error:
            raise InputError(f"{self._entry.name}: the tile {key} is missing") from error
        except CheckError as error:
            raise InputError(f"{self._entry.name}: the tile {key} {error}") from error

    def _refuse_outside(self, key: str) -> None:
        """Raise `KeyError` where the file of ``key`` is a link that leads out of the folder that is served."""
        if self.is_local and not self.location.container and not self._entry.holds(Path(self.location.folder, key)):
            raise KeyError(key)

    def close(self) -> None:
        """Close what is open."""
        self.stored.close()


class TileSource(BaseSource):
    """A source over the tiles of a finished pyramid, whose levels are its native levels."""

    def __init__(self, shown: Stored) -> None:
        pyramid, layout = shown.stored.pyramid, shown.stored.layout
        levels = tuple(
            NativeLevel(pyramid.level_size(level), float(pyramid.downsample(level)), (2.0**steps, 2.0**steps))
            for steps, level in enumerate(reversed(layout.levels))
        )
        facts = SlideFacts(shown.stored.layout_name, pyramid.base, Access.REGIONS, native_levels=levels)
        if shown.plan is not None:
            facts = replace(facts, background=shown.plan.source.background)
        super().__init__(facts)
        self._shown, self._pyramid = shown, pyramid

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        """Return ``box`` of a level, put together from its tiles."""
        pyramid, level, side = self._pyramid, self._pyramid.base_level - native_level, self._pyramid.tile_size
        pixels = np.empty((box.height, box.width, 3), np.uint8)
        for row in range(box.y // side, -(-box.bottom // side)):
            for col in range(box.x // side, -(-box.right // side)):
                tile = TileAddress(level, col, row)
                whole, part = pyramid.tile_box(tile), pyramid.cell(tile).clipped(box)
                found = self._shown.tile_pixels(tile)
                pixels[part.y - box.y : part.bottom - box.y, part.x - box.x : part.right - box.x] = found[
                    part.y - whole.y : part.bottom - whole.y, part.x - whole.x : part.right - whole.x
                ]
        return pixels
