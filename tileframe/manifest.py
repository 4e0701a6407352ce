"""Makes the record beside a pyramid, ``NAME.tileframe.json``.

Slide metadata enters by name, through `SourceRecord`, and by no other way: slides carry patients' names, dates and
labels. Two equal runs write the same record but for ``made``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, requires, version

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
    names = {"tileframe", *packages}.union(*map(_needs, packages))
    return {name: found for name in sorted(names) if (found := _version(name)) is not None}


# Installed packages do not change under a running process, and to read the metadata of one takes a millisecond.
@cache
def _needs(package: str) -> frozenset[str]:
    lines = [line for line in requires(package) or () if "extra ==" not in line]
    return frozenset(re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0] for line in lines)


@cache
def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
