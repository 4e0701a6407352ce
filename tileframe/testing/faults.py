"""Finished pyramids in memory, good ones and such with a planted fault."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from tileframe import (
    WHITE,
    ColourMode,
    ColourRecord,
    Encoding,
    Equality,
    InputError,
    Intent,
    Layout,
    LayoutPlugin,
    Location,
    Manifest,
    Plan,
    Pyramid,
    SourceRecord,
    StoredPyramid,
    TileAddress,
    Writer,
    tiles_of,
)
from tileframe.absent import Absence
from tileframe.ledger import DigestList, Ledger, TileRecord
from tileframe.pixels import Pixels, padded
from tileframe.records import Made, TilesRecord
from tileframe.testing.cases import Case, cut, levels

NAME = "made"
LOCATION = Location("file", "made-in-memory", NAME)
FAULTS = ("missing tile", "extra file", "tile one pixel short", "swapped tiles", "blank tile", "wrong overlap")
DAMAGES = ("empty tile", "half a tile", "tile of another format", "unreadable tile", "no tiles at all")


class KeptFiles:
    """`StoredFiles` in memory; those in ``unreadable`` are there and raise."""

    name = NAME

    def __init__(self, files: Mapping[str, bytes], unreadable: frozenset[str] = frozenset()) -> None:
        self.files, self._unreadable = MappingProxyType(dict(files)), unreadable

    def get(self, key: str) -> bytes:
        """Return a file."""
        if key in self._unreadable:
            raise InputError("cannot be read (Input/output error)")
        return self.files[key]

    def keys(self, folder: str) -> Iterator[str]:
        """Yield what is below ``folder``, as a directory does."""
        return (key for key in self.files if key.startswith(f"{folder}/"))

    def close(self) -> None:
        """Do nothing."""


@dataclass(frozen=True)
class Kept:
    """A finished pyramid in memory: its files, and what its descriptor says of them."""

    files: Mapping[str, bytes]
    pyramid: Pyramid
    plugin: LayoutPlugin
    writer: Writer
    manifest: Manifest | None = None
    culprits: frozenset[str] = frozenset()
    """The files of which a finding must name one."""
    unreadable: frozenset[str] = frozenset()

    @property
    def layout(self) -> Layout:
        """How its files are named."""
        return self.plugin.create(NAME, self.writer.encoding.suffix, self.pyramid)

    def opened(self, workers: int) -> StoredPyramid:
        """Return it as a check gets to see it."""
        layout = self.layout
        return StoredPyramid(
            location=LOCATION,
            descriptor_key=self.plugin.descriptor.format(name=NAME) or f"{layout.folder}/",
            pyramid=self.pyramid,
            suffix=self.writer.encoding.suffix,
            layout_name=self.plugin.name,
            layout=layout,
            writer=self.writer,
            files=KeptFiles(self.files, self.unreadable),
            manifest=self.manifest,
            workers=workers,
            absent=Absence(self.manifest, self.pyramid, layout.levels, LOCATION.manifest_key),
        )

    def of_another_tool(self) -> Kept:
        """Return it without what tileframe adds to a pyramid: the record of the run, and the list of digests."""
        added = {LOCATION.digests_key, LOCATION.manifest_key}
        return replace(self, files={key: self.files[key] for key in self.files.keys() - added}, manifest=None)


def good(case: Case, base: Pixels, plugin: LayoutPlugin, writer: Writer) -> Kept:
    """Return the pyramid of ``base`` by the pixel contract, with its list of digests and the record of its run."""
    kept = Kept({}, case.pyramid, plugin, writer)
    layout, planes = kept.layout, levels(base)
    files = dict(layout.descriptor())
    ledger = Ledger(case.pyramid, layout.levels)
    try:
        for tile in tiles_of(layout, case.pyramid):
            pixels = cut(planes[tile.level], case.pyramid.tile_box(tile))
            if layout.pads:
                pixels = padded(pixels, case.tile_size, WHITE)
            data = files[layout.key(tile)] = writer.encode(pixels)
            ledger.put(tile, TileRecord.of(data))
        files.update({key: files[layout.key(tile)] for key, tile in layout.extras.items()})
        listed = b"".join(DigestList(layout, case.pyramid, ledger))
    finally:
        ledger.close()
    record = _record(made_plan(case, plugin, writer.encoding), files, listed)
    return replace(kept, files={**files, LOCATION.digests_key: listed}, manifest=record)


def made_plan(case: Case, plugin: LayoutPlugin, encoding: Encoding) -> Plan:
    """Return the plan of the pyramid of a case, as a manifest holds it."""
    return Plan(
        source=SourceRecord("slide.made", 1, "none", "made", case.size, None, None, WHITE),
        location=replace(LOCATION, folder=""),
        reader="made",
        reader_options={},
        region=case.region,
        backend="made",
        method="in memory",
        promises=Equality.PIXELS,
        pyramid=case.pyramid,
        layout=plugin.name,
        layout_options={},
        format=encoding.format,
        format_options={},
        encoding=encoding,
        store="made",
        store_options={},
        passthrough=False,
        colour=ColourRecord(ColourMode.SRGB, Intent.RELATIVE, "the slide has no colour profile"),
    )


def _record(plan: Plan, files: Mapping[str, bytes], listed: bytes) -> Manifest:
    total = sum(map(len, files.values()))
    tiles = TilesRecord(len(files), total, 0, LOCATION.digests_key, hashlib.sha256(listed).hexdigest())
    return Manifest(made=Made("2026-01-01T00:00:00+00:00", 1.0, {}), plan=plan, tiles=tiles)


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
        gone = frozenset(key for key in files if key.startswith(f"{kept.layout.folder}/"))
        return replace(kept, files={key: files[key] for key in files.keys() - gone}, culprits=gone)
    if fault == "unreadable tile":
        return replace(kept, unreadable=frozenset({tile}), culprits=frozenset({tile}))
    if fault == "wrong overlap":
        wrong = replace(kept, pyramid=replace(kept.pyramid, overlap=kept.pyramid.overlap + 1))
        # Tiles contradict the descriptor as much as it does them: any may be named.
        return replace(wrong, files={**files, **wrong.layout.descriptor()}, culprits=frozenset(files))
    raise ValueError(f"no fault is called '{fault}'")
