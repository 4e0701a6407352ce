"""Check a pyramid: quickly before it is shown, thoroughly whenever someone asks."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import compress, islice
from pathlib import Path

from tileframe.absent import run_lengths
from tileframe.against import check_against
from tileframe.errors import CheckError, PluginError
from tileframe.facts import AbsentTiles
from tileframe.findings import Finding, Severity
from tileframe.job import Job
from tileframe.ledger import DigestList, Ledger, Presence
from tileframe.locations import Location
from tileframe.opening import open_pyramid
from tileframe.protocols import Progress, tiles_of
from tileframe.pyramids import StoredPyramid
from tileframe.records import TilesRecord
from tileframe.registry import Registry, load
from tileframe.slides import Slide

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
        pixels = job.writer.decode(job.store.get(key))
        if not hasattr(pixels, "shape"):
            raise PluginError(f"the writer '{job.plan.format}' decodes a tile as {type(pixels).__name__}, no pixels")
    except KeyError as error:
        raise CheckError(f"{key}: the tile is missing") from error
    except CheckError as error:
        raise CheckError(f"{key}: {error}") from error


def verify(
    target: str | Path | Location | StoredPyramid,
    *,
    checks: Sequence[str] = (),
    against: str | Slide | None = None,
    sample: int | None = None,
    seed: int = 0,
    workers: int | None = None,
    registry: Registry | None = None,
    progress: Callable[[str], Progress] | None = None,
) -> list[Finding]:
    """Check the pyramid at ``target``, or one that is open, and return what was found, by key, notes among it.

    ``checks`` names those to run, else all there are; ``against`` a slide to compare the base with, all of it or
    ``sample`` tiles chosen by ``seed``. Errors as of `open_pyramid`.
    ``progress`` is called with the name of each check, and returns the `Progress` of that check.
    """
    registry = registry or load()
    if not isinstance(target, StoredPyramid):
        with open_pyramid(target, registry=registry, workers=workers) as pyramid:
            return verify(
                pyramid, checks=checks, against=against, sample=sample, seed=seed, registry=registry, progress=progress
            )
    findings = run_checks(target, registry, checks=checks, progress=progress)
    if against is not None:
        told: Progress = silent if progress is None else progress("against")
        findings += check_against(target, registry.slide(against), registry, told, sample=sample, seed=seed)
    return findings


def run_checks(
    pyramid: StoredPyramid,
    registry: Registry,
    *,
    checks: Sequence[str] = (),
    progress: Callable[[str], Progress] | None = None,
) -> list[Finding]:
    """Run the named checks, or all there are, and return what they find, by key; notes are among it.

    ``progress`` is called with the name of each check, and returns the `Progress` of that check.
    """
    offers = [registry.check(name) for name in checks] or registry.checks
    found: set[Finding] = set()
    for offer in offers:
        told: Progress = silent if progress is None else progress(offer.name)
        found.update(offer.create()(pyramid, told))
    return sorted(found)


def faults(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings that are more than a note."""
    return [finding for finding in findings if finding.severity is not Severity.NOTE]


def silent(tiles: int, pixels: int) -> None:
    """Tell nobody how far it has come: the `Progress` where none is asked for."""
