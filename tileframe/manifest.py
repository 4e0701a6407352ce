"""The record beside a pyramid, ``NAME.tileframe.json``, and the digests of its tiles, ``NAME.sha256``.

Slide metadata enters by name, below, and by no other way: slides carry patients' names, dates and labels.
Two equal runs write the same record but for ``made``.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from tileframe.errors import CheckError
from tileframe.geometry import Pyramid
from tileframe.model import SlideFacts
from tileframe.planning import Plan
from tileframe.registry import Registry
from tileframe.verify import Checked

SCHEMA = "tileframe-manifest/1"
CHUNKS, CHUNK = 64, 1 << 16


def manifest_text(plan: Plan, registry: Registry, digests: bytes, checked: Checked, *, seconds: float) -> bytes:
    """Return the record of a run as JSON."""
    job = plan.job
    spec, encoding = job.spec, job.writer.encoding
    record = {
        "schema": SCHEMA,
        "made": {"finished": datetime.now(UTC).isoformat(timespec="seconds"), "seconds": round(seconds, 3)},
        "source": {
            "name": spec.slide.name,
            "bytes": spec.slide.stat().st_size,
            "fingerprint": fingerprint(spec.slide),
            **_allowed(job.source.facts),
        },
        "options": {
            "reader": spec.reader,
            "backend": spec.backend,
            "format": spec.format,
            "quality": spec.quality,
            "limit_bounds": spec.limit_bounds,
            "passthrough": spec.passthrough.value,
            "background": None if spec.background is None else str(spec.background),
        },
        "made_by": {
            "reader": plan.reader_name,
            "backend": plan.backend_name,
            "way": plan.backend.way(job),
            "promises": plan.backend.promises(job).name.lower(),
            "versions": _versions(plan, registry),
        },
        "pyramid": {
            "width": job.pyramid.base.width,
            "height": job.pyramid.base.height,
            "tile_size": job.pyramid.tile_size,
            "overlap": job.pyramid.overlap,
            "offset": [job.region.x, job.region.y],
            "suffix": encoding.suffix,
            "quality": encoding.quality,
            "subsampling": encoding.subsampling,
            "levels": _levels(job.pyramid),
        },
        "tiles": {
            "count": job.pyramid.tile_count,
            "bytes": checked.tile_bytes,
            "passed_through": checked.passed_through,
            "digests": f"{spec.target.stem}.sha256",
            "digests_sha256": hashlib.sha256(digests).hexdigest(),
        },
        "notes": list(plan.notes),
    }
    return (json.dumps(record, indent=2, ensure_ascii=False) + "\n").encode()


def fingerprint(path: Path) -> str:
    """Return a digest of the file's length and of 64 pieces of 64 kB spread over it: all of a small file."""
    size = path.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        for index in range(CHUNKS):
            file.seek(index * CHUNK if size <= CHUNKS * CHUNK else index * (size - CHUNK) // (CHUNKS - 1))
            digest.update(file.read(CHUNK))
    return f"sampled-sha256:{digest.hexdigest()}"


def _allowed(facts: SlideFacts) -> dict[str, Any]:
    """Return what may be told of a slide: nothing of a person, a day, a place or a device."""
    icc = facts.icc
    return {
        "format": facts.format,
        "width": facts.size.width,
        "height": facts.size.height,
        "mpp": None if facts.mpp is None else list(facts.mpp),
        "objective_power": facts.objective_power,
        "background": str(facts.background),
        "icc": None if icc is None else {"description": icc.description, "applied": icc.applied},
    }


def _levels(pyramid: Pyramid) -> list[dict[str, int]]:
    levels = []
    for level in range(pyramid.level_count):
        size, grid = pyramid.level_size(level), pyramid.grid(level)
        levels.append({"width": size.width, "height": size.height, "columns": grid.width, "rows": grid.height})
    return levels


def _versions(plan: Plan, registry: Registry) -> dict[str, str]:
    """Return the versions of the packages of the plugins that did it, and of what those need."""
    used = {("reader", plan.reader_name), ("backend", plan.backend_name), ("writer", plan.job.spec.format)}
    packages = {offer.package for offer in registry.offers if (offer.kind, offer.plugin.name) in used} - {""}
    names = {"tileframe", *packages, *_needs(packages)}
    return {name: found for name in sorted(names) if (found := _version(name)) is not None}


def _needs(packages: Iterable[str]) -> set[str]:
    lines = [line for package in packages for line in requires(package) or () if "extra ==" not in line]
    return {re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0] for line in lines}


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def read_manifest(target: Path) -> dict[str, Any]:
    """Return the record beside the descriptor ``target``; empty where there is none, or not one of ours."""
    path = target.with_name(f"{target.stem}.tileframe.json")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise CheckError(f"{path.name}: the manifest cannot be read ({error})") from error
    if not isinstance(record, dict) or record.get("schema") != SCHEMA:
        raise CheckError(f"{path.name}: the manifest's schema is not {SCHEMA}")
    for part in ("source", "options", "made_by", "pyramid", "tiles"):
        if not isinstance(record.get(part), dict):
            raise CheckError(f"{path.name}: the manifest has no '{part}'")
    return record
