"""Has every tile the digest that the list beside the pyramid gives?"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from tileframe import CheckError, Finding, InputError, Progress, Severity, StoredPyramid, TileAddress
from tileframe.digests import parse_digest_list
from tileframe_checks.each import every_tile


def check_digests(pyramid: StoredPyramid, progress: Progress) -> Iterator[Finding]:
    """Compare every tile with ``NAME.sha256``, and that list with the manifest; nothing to do without a list."""
    name = f"{pyramid.target.stem}.sha256"
    recorded = pyramid.manifest.get("tiles", {}).get("digests_sha256")
    try:
        listed = pyramid.files.get(name)
        digests = parse_digest_list(listed)
    except KeyError:
        if recorded is not None:
            yield Finding(name, "digests", Severity.ERROR, "the list of digests is missing")
        return
    except (CheckError, InputError) as error:
        yield Finding(name, "digests", Severity.ERROR, str(error))
        return
    if recorded is not None and hashlib.sha256(listed).hexdigest() != recorded:
        yield Finding(name, "digests", Severity.ERROR, "the list is not the one that the manifest was written with")

    def look(tile: TileAddress) -> Iterator[Finding]:
        key = pyramid.layout.key(tile)
        try:
            found = hashlib.sha256(pyramid.files.get(key)).hexdigest()
        except (KeyError, InputError):
            return
        if key not in digests:
            yield Finding(key, "digests", Severity.ERROR, f"the tile is not in {name}")
        elif found != digests[key]:
            yield Finding(key, "digests", Severity.ERROR, f"its SHA-256 begins {found[:12]}, not {digests[key][:12]}")

    yield from every_tile(pyramid, progress, look)
