"""An archive as a store: one zip file, made in ``.NAME.szi.partial`` beside the target, and shown by rename."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence

from tileframe import Content, OutputError, Target
from tileframe_storage.archive import Archive, refuse_name
from tileframe_storage.members import ARCHIVE, Members
from tileframe_storage.zipformat import leading, text
from tileframe_stores.durable import flush_folder
from tileframe_stores.exchange import show
from tileframe_stores.noted import Noted
from tileframe_stores.options import DiskOptions
from tileframe_stores.ours import page_of, refuse_archive
from tileframe_stores.owning import BEFORE
from tileframe_stores.removing import remove_tree
from tileframe_stores.scratch import Scratch


class ArchiveStore(Noted):
    """Keeps all files of a pyramid in one zip file, below a folder of the pyramid's name, not compressed."""

    def __init__(
        self, target: Target, options: DiskOptions | None = None, additions: Mapping[str, bytes] | None = None
    ) -> None:
        self._target = target
        self._sync = (options or DiskOptions()).sync
        self._additions = additions or {}
        self._path = target.location.path
        self._scratch = Scratch(self._path)
        self._before = self._scratch.path / BEFORE
        self._layout = target.layout
        self._folder = f"{target.location.name}/"
        self._archive: Archive | None = None
        self._is_committed = False

    @property
    def shared(self) -> bool:
        """No: one process writes the file."""
        return False

    def prepare(self) -> None:
        """Make the scratch folder; `OutputError` if the target exists, is being written, or cannot be."""
        refuse_name(self._target.location.name, self._path)
        self._scratch.open(self._target.resume)
        try:
            refuse_archive(self._target)
            if self._scratch.resumed:
                self._put_aside()
            self._archive = Archive(self._target.location.name, self._layout, Members(self._scratch.tree))
        except BaseException as error:
            self._scratch.give_up()
            raise self._scratch.explained(error) from error

    def _put_aside(self) -> None:
        """Begin a new archive beside the one that an unfinished run has left, or beside what was left of it before."""
        tree = self._scratch.tree
        if self._before.exists():
            remove_tree(tree)
        else:
            tree.rename(self._before)
        tree.mkdir()

    def stored(self) -> Iterator[tuple[str, bytes]]:
        """Yield the members that an unfinished run has appended, as far as they are whole."""
        start = len(self._folder.encode())
        try:
            with (self._before / ARCHIVE).open("rb") as file:
                for name, data in leading(file):
                    yield text(name[start:]), data
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._scratch.explained(error) from error

    def keep(self, wanted: Callable[[str], bool]) -> None:
        """Copy the members that are ``wanted`` into the new archive: from within a zip file nothing can be taken."""
        for key, data in self.stored():
            if wanted(key):
                self.put(key, data)
        self._flush()
        remove_tree(self._before)

    def note(self, entries: Sequence[bytes]) -> None:
        """Write what waits to be written, and then ``entries``."""
        self._flush()
        super().note(entries)

    def leave(self) -> str:
        """Close the archive, and leave the scratch folder with all that is in it."""
        if self._archive is not None:
            self._archive.members.close()
        return super().leave()

    def _flush(self) -> None:
        try:
            self._open().members.flush()
        except OSError as error:
            raise self._scratch.explained(error) from error

    def put(self, key: str, data: bytes) -> None:
        """Append ``data``; `OutputError` for a key that was put before, for nothing in a zip file can be replaced."""
        try:
            self._open().put(key, data)
        except OSError as error:
            raise self._scratch.explained(error, key) from error

    def get(self, key: str) -> bytes:
        """Read from the unfinished archive. Searches the names of a whole level."""
        try:
            return self._open().get(key)
        except OSError as error:
            raise self._scratch.explained(error, key) from error

    def keys(self) -> Iterator[str]:
        """Yield what the unfinished archive holds."""
        try:
            yield from self._open().keys()
        except OSError as error:
            raise self._scratch.explained(error) from error

    def commit(self, files: Mapping[str, Content]) -> None:
        """Append ``files`` and the central directory, and rename the archive to the target."""
        archive = self._open()
        refuse_archive(self._target)
        key: str | None = None
        try:
            for key, content in {**self._additions, **files}.items():
                archive.put_whole(key, content)
            key = None
            archive.finish(sync=self._sync)
            self._scratch.notes.remove()  # a moment later there is nothing to go on with
            if self._target.overwrite:
                if (page := page_of(self._target)) is not None and os.path.lexists(self._path):
                    (self._path.parent / page).unlink()
                os.replace(archive.members.path, self._path)
            else:
                show(archive.members.path, self._path)
            if self._sync:
                flush_folder(self._path.parent)
            self._is_committed = True
        except OSError as error:
            raise self._scratch.explained(error, key) from error

    def discard(self) -> None:
        """Remove the scratch folder, and the parent folders that were made for it, unless committed into."""
        if self._archive is not None:
            self._archive.members.close()
        self._scratch.close(committed=self._is_committed)

    def _open(self) -> Archive:
        if self._is_committed:
            raise OutputError(f"{self._path}: was committed already")
        if self._archive is None:
            raise OutputError(f"{self._path}: is not prepared")
        return self._archive
