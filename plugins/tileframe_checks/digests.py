"""Has every tile the digest that the list beside the pyramid gives?"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator

from tileframe import CheckError, Finding, InputError, Layout, Progress, Pyramid, Severity, StoredPyramid, TileAddress
from tileframe.ledger import order_to_check, parse_digests
from tileframe_checks.every_tile import every_tile


class DigestsByTile:
    """The digests of a list, 32 bytes for each tile; `CheckError` for more than can be checked."""

    def __init__(self, layout: Layout, pyramid: Pyramid) -> None:
        self._layout, self._order = layout, order_to_check(layout, pyramid)
        self._digests = bytearray(32 * self._order.count)

    def take(self, key: str, digest: str) -> bool:
        """Keep the hexadecimal ``digest`` of ``key``; say whether any tile has that key."""
        tile = self._layout.address(key)
        if tile is None:
            return key in self._layout.extras
        start = 32 * self._order.number(tile)
        self._digests[start : start + 32] = bytes.fromhex(digest)
        return True

    def of(self, tile: TileAddress) -> str | None:
        """Return the digest of ``tile``; None if none was kept."""
        start = 32 * self._order.number(tile)
        found = self._digests[start : start + 32]
        return found.hex() if any(found) else None


def check_digests(pyramid: StoredPyramid, progress: Progress) -> Iterator[Finding]:
    """Compare every tile with ``NAME.sha256``, and that list with the manifest; nothing to do without a list."""
    name = f"{pyramid.files.name}.sha256"
    recorded = None if pyramid.manifest is None else pyramid.manifest.tiles.digests_sha256
    try:
        listed = pyramid.files.get(name)
    except KeyError:
        if recorded is not None:
            yield Finding(name, "digests", Severity.ERROR, "the list of digests is missing")
        return
    except InputError as error:
        yield Finding(name, "digests", Severity.ERROR, str(error))
        return
    digests = DigestsByTile(pyramid.layout, pyramid.pyramid)
    try:
        for key, digest in parse_digests(io.BytesIO(listed)):
            if not digests.take(key, digest):
                yield Finding(key, "digests", Severity.ERROR, f"is in {name}, and is no tile of this pyramid")
            elif pyramid.absent.count and (tile := pyramid.layout.address(key)) is not None and tile in pyramid.absent:
                yield Finding(key, "digests", Severity.ERROR, f"is in {name}, and the manifest says that it is absent")
    except CheckError as error:
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
        expected = digests.of(tile)
        if expected is None:
            yield Finding(key, "digests", Severity.ERROR, f"the tile is not in {name}")
        elif found != expected:
            yield Finding(key, "digests", Severity.ERROR, f"its SHA-256 begins {found[:12]}, not {expected[:12]}")

    yield from every_tile(pyramid, progress, look)
