"""Decoded tiles that were used in part, until the rest is asked for."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from tileframe.pixels import Pixels

# The blocks of a backend cut through tiles; without this, these are decoded for two blocks, or at a corner for four.
MOST_BYTES = 64 << 20
# Reads after which a tile counts as forgotten: more than a row of blocks, for its last row waits for the next one.
FORGOTTEN = 512

Key = tuple[int, int]
"""The number of a level and of a tile in it."""


@dataclass(slots=True)
class _Kept:
    pixels: Pixels
    unused: int
    """Of its pixels, those that were not asked for yet."""
    since: int
    """The number of the read that brought it."""


class UsedInPart:
    """Keeps tiles within `MOST_BYTES`, from any thread. What is in it is never changed."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._bytes = 0
        self._reads = 0
        self._kept: dict[Key, _Kept] = {}
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Count a read."""
        with self._lock:
            self._reads += 1

    def take(self, used: Mapping[Key, int]) -> dict[Key, Pixels]:
        """Return those tiles of ``used`` that are there; so many pixels of each are used, and with the last it goes."""
        with self._lock:
            found = {}
            for key in used.keys() & self._kept.keys():
                kept = self._kept[key]
                found[key] = kept.pixels
                kept.unused -= used[key]
                if kept.unused <= 0:
                    self._drop(key)
            return found

    def put(self, key: Key, pixels: Pixels, unused: int) -> None:
        """Keep a tile of which ``unused`` pixels were not asked for yet, if there is room for it."""
        with self._lock:
            if key in self._kept:
                return  # another thread decoded it too
            while self._bytes + pixels.nbytes > self._most and self._kept:
                oldest = next(iter(self._kept))
                if self._reads - self._kept[oldest].since < FORGOTTEN:
                    # In a slide too wide, the oldest are those that the next row of blocks begins with.
                    return
                self._drop(oldest)
            if self._bytes + pixels.nbytes <= self._most:
                self._kept[key] = _Kept(pixels, unused, self._reads)
                self._bytes += pixels.nbytes

    def clear(self) -> None:
        """Drop all."""
        with self._lock:
            self._kept.clear()
            self._bytes = 0

    def _drop(self, key: Key) -> None:
        self._bytes -= self._kept.pop(key).pixels.nbytes
