"""Scratch folders: exclusive per run; what a crashed run left in one is put back or removed."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from tileframe import OutputError
from tileframe_stores.exchange import REPLACED, put_back
from tileframe_stores.notes import Notes
from tileframe_stores.owning import NOTES, TREE, WORKSPACE, claim, release, scratch_of
from tileframe_stores.removing import remove_tree

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
        self.notes = Notes(self.path / NOTES)
        self.resumed = False
        """Whether what an unfinished run has left is in it."""
        self._made_parents: list[Path] = []
        self._claimed = False
        self._lock: int | None = None

    def open(self, resume: bool | None = None) -> None:
        """Make the folder, and those above it, or take over what is there.

        `OutputError` if another run has it, if what an unfinished run has left is there and ``resume`` is None, or if
        it cannot be made.
        """
        try:
            if self.folder.exists() and not self.folder.is_dir():
                raise OutputError(f"{self.folder}: is not a folder; the pyramid cannot be written there")
            self._made_parents = [parent for parent in (self.folder, *self.folder.parents) if not parent.exists()]
            self.folder.mkdir(parents=True, exist_ok=True)
            claimed = claim(self.path, resume=resume)
            self._lock, self.resumed, self._claimed = claimed.lock, claimed.resumed, True
            remove_tree(self.path / WORKSPACE)
            self.tree.mkdir(exist_ok=True)
            # The longest name of all that is to come beside the target: after the work it would be too late.
            longest = self.tree / f"{self.target.name}{LONGEST}"
            longest.touch()
            longest.unlink()
        except BaseException as error:
            self.give_up()
            raise self.explained(error) from error

    def give_up(self) -> None:
        """Remove the folder; but leave it as it was found if it was taken over."""
        if self.resumed:
            self.leave()
        else:
            self.close()

    def leave(self) -> None:
        """Leave the folder with all that is in it to a later run."""
        self.notes.close()
        if self._claimed:
            self._claimed = False
            release(self._lock)
        self._made_parents.clear()

    def close(self, *, committed: bool = False) -> None:
        """Remove the folder; and the folders that were made for it, unless something was ``committed`` into them."""
        self.notes.close()
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
