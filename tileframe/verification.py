"""Check a finished pyramid, thoroughly, whenever someone asks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from tileframe.against import check_against
from tileframe.findings import Finding
from tileframe.locations import Location
from tileframe.opening import open_pyramid
from tileframe.protocols import Progress
from tileframe.pyramids import StoredPyramid
from tileframe.quickcheck import silent
from tileframe.registry import Registry, load
from tileframe.slides import Slide


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
    told: Callable[[str], Progress] = progress or (lambda name: silent)
    found: set[Finding] = set()
    for offer in [registry.check(name) for name in checks] or registry.checks:
        found.update(offer.create()(target, told(offer.name)))
    findings = sorted(found)
    if against is not None:
        slide = registry.slide(against)
        findings += check_against(target, slide, registry, told("against"), sample=sample, seed=seed)
    return findings
