"""Makes the record beside a pyramid, ``NAME.tileframe.json``.

Slide metadata enters by name, through `SourceRecord`, and by no other way: slides carry patients' names, dates and
labels. Two equal runs write the same record but for ``made``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache

from tileframe.distributions import distributions, normal
from tileframe.records import AssociatedRecord, Made, Manifest, Plan, TilesRecord
from tileframe.registry import Registry
from tileframe.serialize import to_json


def manifest_text(
    plan: Plan, registry: Registry, tiles: TilesRecord, associated: Sequence[AssociatedRecord], *, seconds: float
) -> bytes:
    """Return the record of a run as JSON."""
    finished = datetime.now(UTC).isoformat(timespec="seconds")
    made = Made(finished, round(seconds, 3), versions(plan, registry))
    manifest = Manifest(made=made, plan=plan.published(), tiles=tiles, associated=tuple(associated))
    return f"{to_json(manifest)}\n".encode()


def versions(plan: Plan, registry: Registry) -> dict[str, str]:
    """Return the versions of the packages of the plugins that did it, and of what those need."""
    kinds = ("reader", "backend", "writer", "layout", "store")
    used = set(zip(kinds, (plan.reader, plan.backend, plan.format, plan.layout, plan.store), strict=True))
    packages = {offer.package for offer in registry.offers if (offer.kind, offer.plugin.name) in used} - {""}
    return dict(_versions(frozenset({"tileframe", *packages})))


# Installed packages do not change under a running process, and to look through them takes a millisecond.
@cache
def _versions(packages: frozenset[str]) -> dict[str, str]:
    """Return the versions of ``packages`` and of what they need, but for what is not installed."""
    found = distributions()
    known = [found[normal(name)] for name in packages if normal(name) in found]
    needs = [line for one in known for line in one.headers("Requires-Dist") if "extra ==" not in line]
    names = sorted({*packages, *(re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0] for line in needs)})
    return {name: found[normal(name)].version for name in names if normal(name) in found}
