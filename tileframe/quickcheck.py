"""Check what a run has made, before it is shown."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
from itertools import chain, compress, islice

from tileframe.absent import run_lengths
from tileframe.errors import CheckError, PluginError
from tileframe.facts import AbsentTiles
from tileframe.job import Job
from tileframe.ledger import DigestList, Ledger, Presence
from tileframe.protocols import FindsDamage, tiles_of
from tileframe.records import TilesRecord

SAMPLE = 16
MOST_FILLED = 1000
"""Keys of tiles with background where the slide could not be read, that a manifest lists."""


def quick_check(job: Job, ledger: Ledger) -> TilesRecord:
    """Check what the backend put into the store: every key, no other, every size, a sample decoded.

    Returns the tiles in figures. `CheckError` names the first tile that is wrong. Records of tiles that came into the
    store past `Job.put` are added to ``ledger``.
    """
    _refuse_odd_keys(job, ledger)
    total = passed_through = filled = absent = 0
    keys: deque[str] = deque(maxlen=MOST_FILLED)
    sample = set(random.Random(0).sample(range(ledger.count), min(SAMPLE, ledger.count)))
    tiles = tiles_of(job.layout, job.pyramid)
    for number, (tile, found) in enumerate(zip(tiles, ledger.records(), strict=True)):
        record = found
        if record is not None and record.absent:
            absent += 1
            continue
        if record is None:
            key = job.layout.key(tile)
            record = job.inspect(tile, key, job.store.get(key))
            ledger.put(tile, record)
        if number in sample:
            _decode(job, job.layout.key(tile))
        total += record.length
        passed_through += record.passed_through
        if record.filled:
            filled += 1
            keys.appendleft(job.layout.key(tile))
    for key in job.layout.extras:
        _decode(job, key)
    digests = DigestList(job.layout, job.pyramid, ledger).sha256()
    return TilesRecord(
        ledger.count, total, passed_through, job.plan.location.digests_key, digests, filled, tuple(keys),
        absent, tuple(_absent_tiles(job, ledger)) if absent else (),
    )  # fmt: skip


def _absent_tiles(job: Job, ledger: Ledger) -> Iterator[AbsentTiles]:
    flags = ledger.absent()
    for level in job.layout.levels:
        if runs := run_lengths(islice(flags, job.pyramid.grid(level).area)):
            yield AbsentTiles(level, runs)


def _refuse_odd_keys(job: Job, ledger: Ledger) -> None:
    listed = zip(tiles_of(job.layout, job.pyramid), ledger.absent(), strict=True)
    due = chain((job.layout.key(tile) for tile, is_absent in listed if not is_absent), job.layout.extras)
    # Keys of the same sum are the same, but for one chance in 10^18; to parse each takes three times as long.
    if sum(map(hash, due)) == sum(map(hash, job.store.keys())):
        return
    present = Presence(job.layout, job.pyramid)
    extra, first = present.mark_all(job.store.keys())
    for tile in compress(tiles_of(job.layout, job.pyramid), ledger.absent()) if job.plan.skip_blank else ():
        if present.has(tile):
            raise CheckError(f"{job.layout.key(tile)}: the tile is blank and to be left out, and it is there")
        present.add(tile)
    if present.missing:
        tile = next(tile for tile in tiles_of(job.layout, job.pyramid) if not present.has(tile))
        raise CheckError(f"{job.layout.key(tile)}: the tile is missing ({present.missing} of {present.count} are)")
    if extra:
        raise CheckError(f"{first}: no such tile belongs to the pyramid ({extra} do not)")


def _decode(job: Job, key: str) -> None:
    try:
        data = job.store.get(key)
        if isinstance(job.writer, FindsDamage):
            job.writer.refuse_damaged(data)
            return
        pixels = job.writer.decode(data)
        if not hasattr(pixels, "shape"):
            raise PluginError(f"the writer '{job.plan.format}' decodes a tile as {type(pixels).__name__}, no pixels")
    except KeyError as error:
        raise CheckError(f"{key}: the tile is missing") from error
    except CheckError as error:
        raise CheckError(f"{key}: {error}") from error


def silent(tiles: int, pixels: int) -> None:
    """Tell nobody how far it has come: the `Progress` where none is asked for."""
