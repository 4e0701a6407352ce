"""A bucket as a store of loose objects: tiles go to their places at once, and the descriptor comes last."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress

from tileframe import Content, OutputError, Target
from tileframe.work import in_order
from tileframe_objects.bucket import FIRST, IMPATIENT, Bucket
from tileframe_objects.headers import headers
from tileframe_objects.options import ObjectOptions
from tileframe_objects.ours import first_head, heads, is_ours, refuse, remove, tiles_and_pictures
from tileframe_objects.puts import Puts
from tileframe_objects.unfinished import Left, Unfinished
from tileframe_storage.archive import Seen

READERS = 32
"""Threads that read back what an unfinished run has put."""
NOTED_EVERY = 1.0
"""Seconds in which what is noted goes into one object."""


class ObjectStore:
    """Keeps the files of a pyramid as objects. A later run can go on, on any machine."""

    def __init__(self, target: Target, options: ObjectOptions) -> None:
        self._target, self._options = target, options
        self._layout, self._location = target.layout, target.location
        self._bucket = Bucket(self._location, options, fault=OutputError)
        self._unfinished = Unfinished(self._bucket, self._location.name)
        self._puts = Puts(self._send, options.requests)
        # Among the tiles of an old pyramid, those that are of this run.
        self._put = Seen() if target.overwrite else None
        self._heads: set[str] = set()
        """The keys of what `commit` has begun to write."""
        self._notes: list[bytes] = []
        self._noted = 0.0
        self._begun = threading.Event()
        self._lock = threading.Lock()
        self._state = "new"

    @property
    def shared(self) -> bool:
        """Yes, but in memory; and not where an old pyramid is replaced, for who else puts is not known here."""
        return self._location.scheme != "memory" and not self._target.overwrite

    def prepare(self) -> None:
        """Claim the target; `OutputError` if something is there, or another run is writing, or it cannot be written."""
        first = min(FIRST, self._options.retry)
        left = self._unfinished.left(Bucket(self._location, self._options, fault=OutputError, retry=first))
        if left is not None:
            self._unfinished.refuse(left, self._target.resume)
            is_complete = self._bucket.size(first_head(self._target)) is not None
            if self._target.resume and left.parts and not is_complete:
                self._take_over(left)
                return
            if not is_complete:
                remove(self._bucket, self._target)
            self._unfinished.remove()
        refuse(self._bucket, self._target, begun=False)
        self._unfinished.claim()
        self._state = "open"

    def _take_over(self, left: Left) -> None:
        refuse(self._bucket, self._target, begun=True)
        self._unfinished.claim(left)
        self._state = "open"

    def put(self, key: str, data: bytes) -> None:
        """Have ``data`` sent; whether it has arrived says `flush`. Waits while too much is on the way."""
        if self._state == "committed":
            raise OutputError(f"{self._location}: was committed already")
        self._begin()
        self._mark(key)
        self._puts.add(key, data)

    def flush(self) -> None:
        """Wait until all that was put has arrived; `OutputError` if some of it has not."""
        self._puts.wait()

    def get(self, key: str) -> bytes:
        """Read an object that was put."""
        self.flush()
        return self._bucket.get(key)

    def keys(self) -> Iterator[str]:
        """Yield what is there of what was put."""
        self.flush()
        for key in self._bucket.keys(self._layout.folder):
            if self._is_put(key):
                yield key

    def entries(self) -> Iterator[tuple[int, bytes]]:
        """Yield what an unfinished run has noted."""
        yield from self._unfinished.entries()

    def entry(self, place: int) -> bytes:
        """Return the entry at ``place``."""
        return self._unfinished.entry(place)

    def note(self, entries: Sequence[bytes]) -> None:
        """Have ``entries`` sent once all that was put before has arrived."""
        with self._lock:
            self._notes += entries
            if time.monotonic() - self._noted >= NOTED_EVERY:
                self._send_notes()

    def _send_notes(self) -> None:
        if self._notes and not self._puts.has_failed:  # else the next tile is an error
            key, data = self._unfinished.noted(self._notes)
            self._puts.add(key, data, after_all=True)
            self._notes, self._noted = [], time.monotonic()

    def stored(self) -> Iterator[tuple[str, bytes]]:
        """Yield what an unfinished run has put, read by several threads."""
        keys = (key for key in self._bucket.keys(self._layout.folder) if self._is_tile(key))
        with closing(in_order(self._read, keys, workers=min(self._options.requests, READERS))) as found:
            for key, data in found:
                if data is not None:
                    yield key, data

    def keep(self, wanted: Callable[[str], bool]) -> None:
        """Remove all tiles that are not ``wanted``; those of an old pyramid are among them."""
        self._begin()
        unwanted = []
        for key in tiles_and_pictures(self._bucket, self._target):
            if wanted(key):
                self._mark(key)
            elif is_ours(key, self._target):
                unwanted.append(key)
        self._bucket.delete(unwanted)

    def leave(self) -> str:
        """Send what is on the way, as far as the network lets it, and leave all that is there."""
        with suppress(OutputError):
            self._send_notes()
            self.flush()
        self._puts.stop()
        with suppress(OutputError):
            self._unfinished.release(self._hasty())
        self._unfinished.close()
        self._state = "left"
        return self._unfinished.place

    def commit(self, files: Mapping[str, Content]) -> None:
        """Write ``files`` in their order, the descriptor last, and then remove what is left of an old pyramid."""
        if self._state != "open":
            raise OutputError(f"{self._location}: was committed already")
        self._begin()
        self.flush()
        self._unfinished.refuse_other()
        refuse(self._bucket, self._target, begun=True)
        for key, content in files.items():
            self._mark(key)
            self._heads.add(key)
            self._bucket.put(key, content, headers(key, self._options, lasting=False), new=not self._target.overwrite)
        self._state = "committed"
        self._puts.stop()
        if self._put is not None:
            remove(self._bucket, self._target, but=self._is_put)
        with suppress(OutputError):  # all is there; the next run removes what is left of this one
            self._unfinished.remove()
        self._unfinished.close()

    def discard(self) -> None:
        """Remove all that was put, and what it has replaced is gone; as far as the network lets it."""
        self._puts.stop()
        self._unfinished.close()
        if self._state != "open":
            return
        self._state = "discarded"
        bucket = self._hasty()
        with suppress(OutputError):  # what the run has failed with is the error; a later run removes what is left
            if self._begun.is_set():
                # Of others may be what has appeared meanwhile where nothing is to be overwritten.
                others = set() if self._target.overwrite else set(heads(self._target)) - self._heads
                remove(bucket, self._target, but=others.__contains__)
            self._unfinished.remove(bucket)

    def _hasty(self) -> Bucket:
        """Return the bucket as a run wants it that has failed, maybe because of the network."""
        return Bucket(self._location, self._options, fault=OutputError, retry=IMPATIENT)

    def _send(self, key: str, data: bytes) -> None:
        self._bucket.put(key, data, headers(key, self._options, lasting=True))

    def _begin(self) -> None:
        """Before the first tile: take away what says that a whole pyramid is there."""
        if not self._begun.is_set():
            with self._lock:
                if self._target.overwrite and not self._begun.is_set():
                    for key in heads(self._target):
                        self._bucket.delete([key])
                self._begun.set()

    def _mark(self, key: str) -> None:
        if self._put is not None:
            self._put.add(self._layout.address(key) or key)

    def _is_tile(self, key: str) -> bool:
        return self._layout.address(key) is not None or key in self._layout.extras

    def _is_put(self, key: str) -> bool:
        return self._put is None or (self._layout.address(key) or key) in self._put

    def _read(self, key: str) -> tuple[str, bytes | None]:
        try:
            return key, self._bucket.get(key)
        except (KeyError, OutputError):
            return key, None  # it is to be made anew
