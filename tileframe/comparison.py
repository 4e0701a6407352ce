"""How equal two pyramids are, level by level."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

from tileframe.errors import CheckError, InputError
from tileframe.facts import Equality
from tileframe.findings import Comparison, LevelDifference
from tileframe.geometry import TileAddress
from tileframe.ledger import Presence
from tileframe.protocols import Progress
from tileframe.pyramids import StoredPyramid
from tileframe.work import in_order

MOST_SENTENCES = 20


def compare(one: StoredPyramid, other: StoredPyramid, *, progress: Progress | None = None) -> Comparison:
    """Decode every tile of both, strictly, and return how equal they are. Damage is a difference, not an error.

    They may be of different layouts, of which the levels that both keep are compared, and of different lossless tile
    formats; the notes say so.
    """
    differences = _descriptors(one, other)
    if one.pyramid != other.pyramid:
        return Comparison(None, tuple(differences), (), _layouts(one, other))
    differences += _extra(one, other)
    kept = range(max(one.layout.levels.start, other.layout.levels.start), one.pyramid.level_count)
    sums, pixels = {level: _Sums() for level in kept}, 0
    tiles = chain.from_iterable(map(one.pyramid.tiles, kept))
    with closing(in_order(partial(_compared, one, other), tiles, workers=one.workers)) as results:
        for number, result in enumerate(results, 1):
            sums[result.tile.level].add(result)
            pixels += one.pyramid.tile_box(result.tile).size.area
            if progress is not None:
                progress(number, pixels)
    levels = tuple(sums[level].level(level) for level in kept)
    differences += [fault for level in kept for fault in sums[level].faults]
    return Comparison(_strength(differences, levels), tuple(differences[:MOST_SENTENCES]), levels, _notes(one, other))


@dataclass(frozen=True, slots=True)
class _Difference:
    """What one pair of tiles adds to its level."""

    tile: TileAddress
    fault: str | None = None
    samples: int = 0
    largest: int = 0
    total: int = 0
    squares: int = 0

    @property
    def mean(self) -> float:
        return self.total / self.samples if self.samples else 0.0


@dataclass
class _Sums:
    """Adds up one level."""

    tiles: int = 0
    differing: int = 0
    samples: int = 0
    total: int = 0
    squares: int = 0
    largest: int = 0
    worst: _Difference | None = None
    faults: list[str] = field(default_factory=list)
    unreadable: int = 0

    def add(self, result: _Difference) -> None:
        self.tiles += 1
        if result.fault is not None:
            self.unreadable += 1
            if len(self.faults) < MOST_SENTENCES:
                self.faults.append(result.fault)
            return
        self.samples += result.samples
        self.total += result.total
        self.squares += result.squares
        self.largest = max(self.largest, result.largest)
        self.differing += result.largest > 0
        if result.largest and (self.worst is None or result.mean > self.worst.mean):
            self.worst = result

    def level(self, level: int) -> LevelDifference:
        return LevelDifference(
            level=level, tiles=self.tiles, differing=self.differing, unreadable=self.unreadable, largest=self.largest,
            mean=self.total / self.samples if self.samples else 0.0,
            psnr=10 * math.log10(255**2 * self.samples / self.squares) if self.squares else None,
            worst=None if (at := self.worst) is None else f"{at.tile.level}/{at.tile.col}_{at.tile.row}",
        )  # fmt: skip


def _compared(one: StoredPyramid, other: StoredPyramid, tile: TileAddress) -> _Difference:
    import numpy as np

    decoded = []
    for pyramid in (one, other):
        try:
            decoded.append(pyramid.decode(tile))
        except KeyError:
            return _Difference(tile, f"{_named(pyramid, tile)}: the tile is missing")
        except (CheckError, InputError) as error:
            return _Difference(tile, f"{_named(pyramid, tile)}: {error}")
    if np.array_equal(decoded[0], decoded[1]):
        return _Difference(tile, samples=decoded[0].size)
    for number, (absent, kept) in enumerate(((one, other), (other, one))):
        # Not every flat colour is kept by a lossy format.
        if tile in absent.absent and tile not in kept.absent and not kept.writer.encoding.lossless:
            decoded[number] = kept.writer.decode(kept.writer.encode(decoded[number]))
    apart = np.abs(decoded[0].astype(np.int32) - decoded[1])
    total, squares = int(apart.sum()), int((apart * apart).sum(dtype=np.int64))
    return _Difference(tile, None, apart.size, int(apart.max()), total, squares)


def _named(pyramid: StoredPyramid, tile: TileAddress) -> str:
    key = pyramid.layout.key(tile)
    return f"{pyramid.target}: {key}" if pyramid.location.container else pyramid.location.shown(key).replace("\\", "/")


def _descriptors(one: StoredPyramid, other: StoredPyramid) -> list[str]:
    ours, theirs = one.pyramid, other.pyramid
    pairs: dict[str, tuple[object, object]] = {
        "size": (ours.base, theirs.base),
        "tile size": (ours.tile_size, theirs.tile_size),
        "overlap": (ours.overlap, theirs.overlap),
    }
    if not _both_lossless(one, other):
        formats = one.writer.encoding.format, other.writer.encoding.format
        pairs["tile format"] = formats
        if one.layout_name == other.layout_name and formats[0] == formats[1]:
            pairs["tile suffix"] = (one.writer.encoding.suffix, other.writer.encoding.suffix)
    return [f"the {name} is {first} and {second}" for name, (first, second) in pairs.items() if first != second]


def _notes(one: StoredPyramid, other: StoredPyramid) -> tuple[str, ...]:
    """Say what differs and does not count."""
    notes = [f"{layouts}; levels that both keep are compared" for layouts in _layouts(one, other)]
    if one.layout.pads != other.layout.pads and not _both_lossless(one, other):
        padding = (one if one.layout.pads else other).layout_name
        notes.append(f"the layout {padding} pads the tiles at the edges, which changes their pixels in a lossy format")
    suffixes = one.writer.encoding.suffix, other.writer.encoding.suffix
    if _both_lossless(one, other) and suffixes[0] != suffixes[1]:
        notes.append(f"the tile suffix is {suffixes[0]} and {suffixes[1]}; both formats are lossless")
    if one.absent != other.absent:
        counts = f"{one.absent.count:,} and {other.absent.count:,}"
        notes.append(f"blank tiles are left out, {counts}: they are compared as the background")
    return tuple(notes + _colours(one, other) + _associated(one, other))


def _associated(one: StoredPyramid, other: StoredPyramid) -> list[str]:
    """Say which associated images each has, where they are not the same."""
    found = [pyramid.manifest.associated if pyramid.manifest else () for pyramid in (one, other)]
    if [image.sha256 for image in found[0]] == [image.sha256 for image in found[1]]:
        return []
    names = [", ".join(image.name for image in images) or "none" for images in found]
    return [f"the associated images are not the same: {names[0]}; and {names[1]}"]


def _colours(one: StoredPyramid, other: StoredPyramid) -> list[str]:
    """Say where the same numbers are other colours, or are made so: what tiles carry is no pixel of them."""
    if one.manifest is None or other.manifest is None:
        return []
    first, second = one.manifest.plan.colour, other.manifest.plan.colour
    if (first.converted, first.embedded, first.sha256) == (second.converted, second.embedded, second.sha256):
        return []
    return [f"the colours are not alike: {first.reason}; and {second.reason}"]


def _layouts(one: StoredPyramid, other: StoredPyramid) -> tuple[str, ...]:
    names = one.layout_name, other.layout_name
    return () if names[0] == names[1] else (f"the layouts are {names[0]} and {names[1]}",)


def _both_lossless(one: StoredPyramid, other: StoredPyramid) -> bool:
    return one.writer.encoding.lossless and other.writer.encoding.lossless


def _extra(one: StoredPyramid, other: StoredPyramid) -> list[str]:
    """Say which pyramid has tiles that it should not have; those missing are seen when they are decoded."""
    said = []
    for pyramid in (one, other):
        present, suffix = Presence(pyramid.layout, pyramid.pyramid), f".{pyramid.writer.encoding.suffix}"
        keys = pyramid.files.keys(pyramid.layout.folder)
        extra, first = present.mark_all(key for key in keys if key.endswith(suffix))
        if extra:
            said.append(f"{pyramid.target}: {extra} tiles too many, {first} first")
    return said


def _strength(differences: list[str], levels: Sequence[LevelDifference]) -> Equality | None:
    if differences:
        return None
    if levels[-1].differing:
        return Equality.LAYOUT
    return Equality.BASE if any(level.differing for level in levels) else Equality.PIXELS
