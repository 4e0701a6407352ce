"""A slide at a URL."""

from __future__ import annotations

import hashlib
import threading
import uuid
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from tileframe import InputError, RangeFile, TileframeError
from tileframe.work import in_order
from tileframe_remote import cache
from tileframe_remote.access import Answer, NoRanges, Server, State
from tileframe_remote.addresses import Address
from tileframe_remote.blocks import BlockFile, Blocks
from tileframe_remote.cache import Cache, Copy
from tileframe_remote.downloading import Download

T = TypeVar("T")

BEGINNING = 1 << 14
"""Bytes that are asked for to see what is there, and kept: what kind of file it is needs no further request."""
AT_ONCE = 8
"""Requests for pieces of a file."""
OF_SEVERAL = (".mrxs", ".vsi", ".vms", ".vmu")
"""Slides whose main file names other files, which nobody would find."""


class UrlSlide:
    """The file at a URL, of the version that was seen first: `tileframe.RemoteSlide`."""

    def __init__(self, url: str) -> None:
        self._address = Address.of(url)
        self._state: State | None = None
        self._by_ranges = True
        self._beginning = b""
        self._nonce = uuid.uuid4().hex
        """Instead of a version, where the server tells none: such a copy is of no use to anybody else."""
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """Of the file."""
        return self._address.name

    def __str__(self) -> str:
        return self._address.shown

    def __repr__(self) -> str:
        return f"<UrlSlide {self}>"

    def __getstate__(self) -> dict[str, Any]:
        left = {"_lock", "_server", "_beginning"}
        return {name: value for name, value in vars(self).items() if name not in left}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _lock=threading.Lock(), _beginning=b"")

    @cached_property
    def _server(self) -> Server:
        return Server(self._address)

    @property
    def requests(self) -> int:
        """How many requests were made for it, by this process."""
        return self._server.requests

    @property
    def received(self) -> int:
        """How many bytes came of them."""
        return self._server.bytes

    def open(self) -> RangeFile:
        """Return the open file, which is read by ranges, or from a copy where its server gives no parts of it."""
        state = self._seen()
        if not self._by_ranges:
            copy = self._held(state)
            file = BlockFile(_reading(copy.path), state.length)
            weakref.finalize(file, copy.release)
            return file
        blocks = Blocks(self._part, state.length)
        return BlockFile(lambda offset, count: self._begun(offset, count) or blocks.read(offset, count), state.length)

    def copied(self, use: Callable[[Path], T]) -> T:
        """Return what ``use`` makes of the path of a copy, which stays until that is forgotten."""
        copy = self._held(self._seen())
        try:
            made = use(copy.path)
        except TileframeError as error:
            copy.release()
            raise type(error)(str(error).replace(str(copy.path), str(self))) from error
        except BaseException:
            copy.release()
            raise
        with suppress(TypeError):  # of what nobody can tell when it is forgotten, the copy stays as long as the process
            weakref.finalize(made, copy.release)
        return made

    def state(self) -> tuple[int, str]:
        """Return its length and version as they are now."""
        state = self._asked()[0]
        return state.length, state.version

    def pieces(self, places: Sequence[int], count: int) -> list[bytes]:
        """Return the pieces as they are now, of a server that gives parts; else of the copy of what was seen."""
        state = self._seen()
        if not self._by_ranges:
            copy = self._held(state)
            try:
                return [_reading(copy.path)(place, count) for place in places]
            finally:
                copy.release()
        wanted = [(place, min(place + count, state.length)) for place in places if place < state.length]
        runs: list[tuple[int, int]] = []
        for start, end in wanted:  # those of a small file follow each other
            if runs and runs[-1][1] == start:
                runs[-1] = (runs[-1][0], end)
            else:
                runs.append((start, end))
        found: list[bytes] = []
        for answer in in_order(lambda run: self._got(*run), runs, workers=AT_ONCE):
            content = answer.content
            found += [content[place : place + count] for place in range(0, len(content), count)]
        return found + [b""] * (len(places) - len(found))

    def _seen(self) -> State:
        """Return what was seen first, and look if nothing was; `InputError` for what is not read from a URL."""
        with self._lock:
            if self._state is None:
                if PurePosixPath(self.name).suffix.lower() in OF_SEVERAL:
                    raise InputError(f"{self}: is a slide of several files; copy all of them here, and give the path")
                self._state, self._beginning = self._asked()
                self._refuse_series(self._beginning)
            return self._state

    def _refuse_series(self, beginning: bytes) -> None:
        if beginning[128:132] == b"DICM":
            raise InputError(f"{self}: is one file of a DICOM series; copy all of it here, and give a path")

    def _asked(self) -> tuple[State, bytes]:
        """Ask the server what is there, and for the beginning."""
        try:
            answer = self._server.get(0, BEGINNING)
        except NoRanges:
            with self._server.whole() as (state, _):
                self._by_ranges = not state.length  # of nothing, no server gives a part
                return state, b""
        return answer.state, answer.content

    def _held(self, state: State) -> Copy:
        """Return a copy, downloaded if there is none."""
        words = (self._address.identity, f"{state.length}", state.version or self._nonce)
        key = hashlib.sha256("\n".join(words).encode("utf-8", "surrogateescape")).hexdigest()[:32]
        fill = Download(f"{self}", self._server, state, by_ranges=self._by_ranges)
        folder = cache.folder()
        try:
            copy = Cache(folder, f"{self}").copy(key, self.name, state.length, fill)
            beginning = _reading(copy.path)(0, BEGINNING)
        except OSError as error:
            raise InputError(f"{self}: no copy of it can be kept in {folder} ({error.strerror})") from error
        try:
            self._refuse_series(beginning)
        except InputError:
            copy.release()
            raise
        return copy

    def _got(self, start: int, end: int) -> Answer:
        try:
            return self._server.get(start, end)
        except NoRanges:
            raise InputError(f"{self}: the server no longer gives these parts of it; run again") from None

    def _begun(self, offset: int, count: int) -> bytes:
        """Return what is kept of the beginning; empty where that is not all that is wanted."""
        return self._beginning[offset : offset + count] if offset + count <= len(self._beginning) else b""

    def _part(self, start: int, end: int) -> bytes:
        answer = self._got(start, end)
        if answer.state != self._state:
            raise InputError(f"{self}: was changed while it was read; run again")
        return answer.content


def _reading(path: Path) -> Callable[[int, int], bytes]:
    """Return what reads a part of a file of this machine; it is opened each time."""

    def read(offset: int, count: int) -> bytes:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(count)

    return read
