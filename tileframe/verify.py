"""Check a pyramid: quickly before it is shown, thoroughly whenever someone asks."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tileframe.errors import CheckError
from tileframe.interfaces import Job, Progress, StoredPyramid, look_at
from tileframe.model import Finding, Severity
from tileframe.registry import Registry

SAMPLE = 16


@dataclass(frozen=True)
class Checked:
    """What the quick check saw of the tiles on its way."""

    tile_bytes: int
    passed_through: int
    """How many tiles are the slide's own compressed data."""
    digests: dict[str, str]
    """SHA-256 of each tile, by key."""


def quick_check(job: Job) -> Checked:
    """Check what the backend put into the store: every key, no other, every size, a sample decoded.

    `CheckError` names the first tile that is wrong.
    """
    expected = dict(job.layout.keys(job.pyramid))
    found = set(job.store.keys())
    if missing := expected.keys() - found:
        raise CheckError(f"{min(missing)}: the tile is missing ({len(missing)} of {len(expected)} are)")
    if extra := found - expected.keys():
        raise CheckError(f"{min(extra)}: no such tile belongs to the pyramid ({len(extra)} do not)")
    total, passed_through, digests = 0, 0, {}
    for key, size in expected.items():
        tile = job.checked.get(key) or look_at(key, job.store.get(key), job.writer, size)
        total += tile.length
        passed_through += tile.passed_through
        digests[key] = tile.sha256
    for key in random.Random(0).sample(sorted(expected), min(SAMPLE, len(expected))):
        try:
            job.writer.decode(job.store.get(key))
        except CheckError as error:
            raise CheckError(f"{key}: {error}") from error
    return Checked(total, passed_through, digests)


def run_checks(
    pyramid: StoredPyramid,
    registry: Registry,
    *,
    checks: Sequence[str] = (),
    progress: Callable[[str], Progress] | None = None,
) -> list[Finding]:
    """Run the named checks, or all there are, and return what they find, by key; notes are among it.

    ``progress`` is called with the name of each check and returns what is told how far that has come.
    """
    offers = [registry.check(name) for name in checks] or registry.checks
    found: set[Finding] = set()
    for offer in offers:
        told: Progress = _silent if progress is None else progress(offer.name)
        found.update(offer.make()(pyramid, told))
    return sorted(found)


def faults(findings: Sequence[Finding]) -> list[Finding]:
    """Return the findings that are more than a note."""
    return [finding for finding in findings if finding.severity is not Severity.NOTE]


def _silent(tiles: int, pixels: int) -> None:
    pass
