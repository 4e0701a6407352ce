"""The journal of a run: which parts of the work are finished and stored, so that a later run goes on after them."""

from __future__ import annotations

import json
import struct
import threading
import time
from hashlib import sha256

from tileframe.errors import OutputError
from tileframe.geometry import Pyramid, TileAddress
from tileframe.ledger import RECORD, Ledger, PackedRecords, Presence, tiles_in
from tileframe.protocols import Layout, Resumes

# Of an entry: the length of the unit's name, and how many rows of tiles it has made, or parts of rows. Of each of
# those: level, column and row of the first tile, and how many there are; behind that, their records.
HEAD, ROW = struct.Struct("<HI"), struct.Struct("<4I")
EVERY = 0.2
"""Seconds in which finished units are noted together."""
WORTH = 5.0
"""Seconds of work from which on it is worth keeping when a run is stopped."""


class Journal:
    """Notes the units of work that are finished, and has those that an earlier run has finished."""

    def __init__(self, store: Resumes, identity: bytes, *, keep: bool) -> None:
        """``identity`` is JSON of all that decides the bytes of the result; without ``keep`` nothing is noted."""
        self._keep = keep
        self.tiles = 0
        """How many tiles are noted."""
        self._store, self._identity = store, identity
        self._places: dict[str, int] = {}
        self._waiting: list[bytes] = []
        self._lock = threading.Lock()
        self._resumed = 0
        self._begun = self._written = time.monotonic()

    @property
    def is_worth_keeping(self) -> bool:
        """Whether it would be a pity if all that is noted were lost, and it is not unwanted."""
        return self._keep and self.tiles > 0 and (self._resumed > 0 or time.monotonic() - self._begun >= WORTH)

    def __contains__(self, unit: str) -> bool:
        """Say whether an earlier run has finished ``unit``."""
        return unit in self._places

    def left(self, unit: str) -> bytes:
        """Return what ``unit``, which an earlier run has finished, left to those after it."""
        return _unpacked(self._store.entry(self._places[unit]))[2]

    def note(self, unit: str, records: PackedRecords, left: bytes) -> None:
        """Note that ``unit`` is finished: its tiles are in the store, and it leaves ``left``. From many threads."""
        if not self._keep:
            return
        counts = [len(packed) // RECORD.size for _, packed in records]
        rows = (ROW.pack(*first, count) + packed for (first, packed), count in zip(records, counts, strict=True))
        entry = b"".join((HEAD.pack(len(unit), len(records)), unit.encode(), *rows, left))
        with self._lock:
            self.tiles += sum(counts)
            self._waiting.append(entry)
            if time.monotonic() - self._written >= EVERY:
                self._write()

    def leave(self) -> str:
        """Leave all that is noted for a later run; returns where it is."""
        with self._lock:
            self._write()
        return self._store.leave()

    def resume(self, layout: Layout, pyramid: Pyramid, ledger: Ledger, *, fills: bool) -> None:
        """Take over what an earlier run has finished, each tile of it proved by its digest; forget all else.

        Without ``fills``, no tile is taken that shows background where the slide could not be read. `OutputError`, and
        all is left as it is, if that run was to make something else.
        """
        entries = self._store.entries()
        first = next(entries, None)
        if first is None:
            self._waiting = [self._identity]
            return
        if differences := _differences(json.loads(first[1]), json.loads(self._identity)):
            where = self._store.leave()
            raise OutputError(
                f"{where}: is of a run that was to make something else: {'; '.join(differences)}; "
                "give --no-resume to begin anew"
            )
        places = {}
        for place, entry in entries:
            unit, made, _ = _unpacked(entry)
            ledger.put_all(made)
            places[unit] = place
        whole, copies = Presence(layout, pyramid), set()
        for key, data in self._store.stored():
            tile = layout.address(key) or layout.extras.get(key)
            known = None if tile is None else ledger.get(tile)
            if tile is not None and known is not None and sha256(data).digest() == known.sha256:
                if key in layout.extras:
                    copies.add(key)
                else:
                    whole.add(tile)
        kept = Presence(layout, pyramid)
        for unit, place in places.items():
            records = list(tiles_in(_unpacked(self._store.entry(place))[1]))
            if not fills and any(record.filled for _, record in records):
                continue  # what could not be read then is to be an error now
            needed = {key for key, tile in layout.extras.items() if any(tile == one for one, _ in records)}
            if all(record.absent or whole.has(tile) for tile, record in records) and needed <= copies:
                self._places[unit] = place
                self.tiles += len(records)
                for tile in (tile for tile, record in records if not record.absent):
                    kept.add(tile)
        self._resumed = self.tiles
        found = layout.address
        self._store.keep(lambda key: (tile := found(key) or layout.extras.get(key)) is not None and kept.has(tile))

    def _write(self) -> None:
        if self._waiting:
            self._store.note(self._waiting)
            self._waiting = []
        self._written = time.monotonic()


def _unpacked(entry: bytes) -> tuple[str, PackedRecords, bytes]:
    length, count = HEAD.unpack_from(entry)
    place = HEAD.size + length
    unit, records = entry[HEAD.size : place].decode(), []
    for _ in range(count):
        *first, tiles = ROW.unpack_from(entry, place)
        start, place = place + ROW.size, place + ROW.size + tiles * RECORD.size
        records.append((TileAddress(*first), entry[start:place]))
    return unit, records, entry[place:]


def _differences(before: object, now: object, name: str = "") -> list[str]:
    """Return what was another, as ``name was X, and is Y``."""
    if isinstance(before, dict) and isinstance(now, dict):
        names = sorted(before.keys() | now.keys())
        return [
            text for key in names for text in _differences(before.get(key), now.get(key), f"{name}.{key}".strip("."))
        ]
    words = json.dumps(before), json.dumps(now)
    if before == now:
        return []
    return [f"{name} is another" if len(words[0]) > 40 else f"{name} was {words[0]}, and is {words[1]}"]
