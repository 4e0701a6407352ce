"""What sources have in common, and views: a source over another source."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Self

from tileframe.errors import InputError
from tileframe.facts import Access, NativeLevel, SlideFacts
from tileframe.geometry import Box, Size
from tileframe.protocols import CompressedTiles, Pixels, Source, Sparse

# Rows that are read at once only to be passed over.
SKIPPED = 256


class BaseSource:
    """A `Source` without `read`: a context manager with facts, and without associated images until given some."""

    def __init__(self, facts: SlideFacts) -> None:
        self.facts = facts

    def associated(self, name: str) -> Pixels:
        """Refuse ``name`` with an `InputError` that lists those there are."""
        names = ", ".join(self.facts.associated) or "none"
        raise InputError(f"the slide has no associated image named '{name}' (have: {names})")

    def close(self) -> None:
        """Do nothing; a source that holds a file releases it here."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class View(BaseSource):
    """A source over another source, which it closes with itself; for views to build on.

    It has none of the other's optional abilities: what it changes, they would go past.
    """

    def __init__(self, source: Source, facts: SlideFacts) -> None:
        super().__init__(facts)
        self.source = source

    def associated(self, name: str) -> Pixels:
        """Return the other source's."""
        return self.source.associated(name)

    def close(self) -> None:
        """Close the other source."""
        self.source.close()


class Cropped(View):
    """A part of a source. Of rows, it reads what lies above and beside, and passes over it."""

    def __init__(self, source: Source, region: Box) -> None:
        """``region`` is in base pixels of ``source``, and lies inside it."""
        super().__init__(source, _cropped_facts(source.facts, region))
        self.region = region
        self._corners = [
            (math.floor(region.x / across), math.floor(region.y / down))
            for across, down in (level.scales(source.facts.size) for level in _levels(source.facts))
        ]

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        """Return ``box``, in pixels of the part's own native level."""
        if self.source.facts.access is Access.REGIONS:
            return self.source.read(box.shifted(*self._corners[native_level]), native_level=native_level)
        region, width = self.region, self.source.facts.size.width
        if box.y == 0:
            for y in range(0, region.y, SKIPPED):
                self.source.read(Box(0, y, width, min(SKIPPED, region.y - y)))
        rows = self.source.read(Box(0, region.y + box.y, width, box.height))
        return rows[:, region.x : region.right]

    def holds(self, box: Box) -> bool:
        """Say whether the other source may hold something there, as `Sparse` does."""
        region = self.region
        return not isinstance(self.source, Sparse) or self.source.holds(box.shifted(region.x, region.y))


class CroppedTiles(Cropped):
    """A part of a source that gives its compressed tiles."""

    def refuses_compressed(self) -> str | None:
        """Say why there are none on the part's own grid; None if there are."""
        if why := self._compressed.refuses_compressed():
            return why
        tile, (x, y) = self.facts.tile_size, (self.region.x, self.region.y)
        if tile is None or x % tile.width or y % tile.height:
            right = f"give --no-limit-bounds, or a --region from a multiple of {tile} on"
            return f"the part that is tiled begins inside a tile, at ({x}, {y}); {right}"
        return None

    def compressed_tile(self, col: int, row: int) -> bytes | None:
        """Return a tile of the part's base, counted from its corner."""
        tile = self.facts.tile_size or Size(1, 1)
        return self._compressed.compressed_tile(col + self.region.x // tile.width, row + self.region.y // tile.height)

    @property
    def _compressed(self) -> CompressedTiles:
        assert isinstance(self.source, CompressedTiles)
        return self.source


def cropped(source: Source, region: Box) -> Source:
    """Return the part ``region`` of ``source``, in its base pixels, as a view; the source itself if that is all of it.

    `InputError` if the region leaves the slide.
    """
    size = source.facts.size
    whole = Box(0, 0, size.width, size.height)
    if region == whole:
        return source
    if region.clipped(whole) != region or not region.has_area:
        raise InputError(f"the region {region} leaves the slide, which is {size}")
    return CroppedTiles(source, region) if isinstance(source, CompressedTiles) else Cropped(source, region)


def _levels(facts: SlideFacts) -> tuple[NativeLevel, ...]:
    return facts.native_levels or (NativeLevel(facts.size, 1.0),)


def _cropped_facts(facts: SlideFacts, region: Box) -> SlideFacts:
    """Return the facts of a part: its size, its share of each native level, and no bounds any more."""
    levels = []
    for level in facts.native_levels:
        across, down = level.scales(facts.size)
        left, top = region.x / across, region.y / down
        x, y = math.floor(left), math.floor(top)
        size = Size(
            min(level.size.width, math.ceil(region.right / across)) - x,
            min(level.size.height, math.ceil(region.bottom / down)) - y,
        )
        if size.area:
            levels.append(NativeLevel(size, level.downsample, (across, down), (left - x, top - y)))
    return replace(facts, size=region.size, bounds=None, native_levels=tuple(levels))
