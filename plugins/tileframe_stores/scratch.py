"""Scratch folders: exclusive per run; what a crashed run left in one is put back or removed."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from tileframe import OutputError
from tileframe_stores.exchange import REPLACED, put_back
from tileframe_stores.owning import TREE, claim, release, scratch_of
from tileframe_stores.removing import remove_tree

PIECES_AT_ONCE = 1000
"""Systems take 1,024 in one call."""


LONGEST = ".tileframe.json"
"""The longest ending of what stands beside a target."""


class Scratch:
    """The hidden folder ``.NAME.partial`` beside a target, in which a run makes its files before they are shown."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.folder = target.parent
        self.path = scratch_of(target)
        self.tree = self.path / TREE
        """Where the files are made."""
        self._made_parents: list[Path] = []
        self._claimed = False
        self._lock: int | None = None

    def open(self) -> None:
        """Make the folder, and those above it; `OutputError` if another run has it, or it cannot be made."""
        try:
            if self.folder.exists() and not self.folder.is_dir():
                raise OutputError(f"{self.folder}: is not a folder; the pyramid cannot be written there")
            self._made_parents = [parent for parent in (self.folder, *self.folder.parents) if not parent.exists()]
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = claim(self.path)
            self._claimed = True
            self.tree.mkdir()
            # The longest name of all that is to come beside the target: after the work it would be too late.
            longest = self.tree / f"{self.target.name}{LONGEST}"
            longest.touch()
            longest.unlink()
        except BaseException as error:
            self.close()
            raise self.explained(error) from error

    def close(self, *, committed: bool = False) -> None:
        """Remove the folder; and the folders that were made for it, unless something was ``committed`` into them."""
        if self._claimed:
            try:
                put_back(self.path)
            except OSError as error:
                message = f"the old pyramid could not be moved back ({error.strerror}); it is in {self.path / REPLACED}"
                raise OutputError(f"{self.target}: {message}") from error
            try:
                remove_tree(self.path)
            except KeyboardInterrupt:
                remove_tree(self.path)  # first to its end: a Ctrl-C leaves nothing behind
                raise
            self._claimed = False
            release(self._lock)
        if committed:
            self._made_parents.clear()
        for folder in self._made_parents:
            try:
                folder.rmdir()
            except OSError:
                break  # someone else has put something there

    def explained(self, error: BaseException, key: str | None = None) -> BaseException:
        """Return an error of the system as an `OutputError` that names the place, any other as it is."""
        if not isinstance(error, OSError):
            return error
        reason = error.strerror or str(error)
        if error.errno == errno.ENAMETOOLONG:
            name = self.target.name
            what = f"'{name[:20]}...' of {len(os.fsencode(name))} bytes" if len(name) > 20 else f"'{name}'"
            return OutputError(f"{self.folder}: a name like {what} is too long there; give a shorter output")
        if key is None:
            return OutputError(f"{self.folder}: cannot be written ({reason})")
        return OutputError(f"{key}: cannot be written in {self.folder} ({reason})")


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write all of ``data`` to an open file; a disk that takes only a part of it raises at the next part."""
    written = os.write(descriptor, data)
    while written < len(data):
        data = memoryview(data)[written:]
        written = os.write(descriptor, data)
        if not written:
            raise OSError(None, "the disk is full")


def write_pieces(descriptor: int, pieces: list[bytes]) -> None:
    """Write all ``pieces`` to an open file, one after the other: without copying them first, where the system can."""
    for start in range(0, len(pieces), PIECES_AT_ONCE):
        some = pieces[start : start + PIECES_AT_ONCE]
        written = os.writev(descriptor, some) if hasattr(os, "writev") else 0
        if written < sum(map(len, some)):
            write_all(descriptor, memoryview(b"".join(some))[written:])
