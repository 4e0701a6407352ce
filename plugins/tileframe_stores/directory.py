"""A folder as a store: everything is made in ``.NAME.partial`` beside the target, and shown by rename."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from tileframe import Content, OutputError, Target
from tileframe_storage.kinds import files_of, top
from tileframe_storage.writing import read_all, write_all
from tileframe_stores.durable import flush, flush_folder
from tileframe_stores.exchange import exchange, put_back
from tileframe_stores.loose import READ, walk
from tileframe_stores.noted import Noted
from tileframe_stores.options import DiskOptions
from tileframe_stores.ours import page_of, refuse_loose
from tileframe_stores.owning import WORKSPACE
from tileframe_stores.scratch import Scratch

# Without O_BINARY, Windows would change every newline of a tile.
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)


class DirectoryStore(Noted):
    """Keeps the files of a pyramid in the target's folder. Can adopt folders."""

    def __init__(self, target: Target, options: DiskOptions | None = None) -> None:
        self._target = target
        self._sync = (options or DiskOptions()).sync
        self._folder = target.location.path.parent
        self._scratch = Scratch(target.location.path)
        self._tree = str(self._scratch.tree)
        self._state = "new"

    @property
    def shared(self) -> bool:
        """Yes: a file is a file for every process."""
        return True

    def prepare(self) -> None:
        """Make the scratch folder; `OutputError` if the target exists, is being written, or cannot be."""
        # First, for it brings back a pyramid that a killed run had moved away.
        self._scratch.open(self._target.resume)
        try:
            refuse_loose(self._target)
        except BaseException:
            self._scratch.give_up()
            raise
        self._state = "open"

    def put(self, key: str, data: bytes) -> None:
        """Write ``data`` into the scratch folder."""
        try:
            file = self._new_file(key)
            try:
                write_all(file, data)
            finally:
                os.close(file)
        except OSError as error:
            raise self._scratch.explained(error, key) from error

    def get(self, key: str) -> bytes:
        """Read from the scratch folder."""
        try:
            # A quarter of the time that Path.read_bytes takes for a small tile.
            file = os.open(f"{self._tree}/{key}", READ)
            try:
                return read_all(file)
            finally:
                os.close(file)
        except OSError as error:
            raise KeyError(key) from error

    def keys(self) -> Iterator[str]:
        """Yield what the scratch folder holds."""
        try:
            os.stat(self._tree)  # that it is gone is an error, and that nothing was put is none
            for _, key in walk(self._tree, ""):
                yield key
        except OSError as error:
            raise self._scratch.explained(error) from error

    def stored(self) -> Iterator[tuple[str, bytes]]:
        """Yield what an unfinished run has put into the scratch folder."""
        for key in self.keys():
            try:
                yield key, self.get(key)
            except KeyError:
                continue  # it cannot be read, and is to be made anew

    def keep(self, wanted: Callable[[str], bool]) -> None:
        """Remove all that is not ``wanted``."""
        try:
            for entry, key in walk(self._tree, ""):
                if not wanted(key):
                    os.unlink(entry.path)
        except OSError as error:
            raise self._scratch.explained(error) from error

    def workspace(self) -> Path:
        """Return a new folder inside the scratch folder."""
        folder = self._scratch.path / WORKSPACE
        try:
            folder.mkdir()
        except OSError as error:
            raise self._scratch.explained(error) from error
        return folder

    def adopt(self, folder: Path, key: str) -> None:
        """Take over ``folder`` by rename."""
        try:
            folder.rename(self._scratch.tree / key)
        except OSError as error:
            raise self._scratch.explained(error, key) from error

    def commit(self, files: Mapping[str, Content]) -> None:
        """Move the tiles to the target, then ``files``; put back what was there if that fails."""
        if self._state != "open":
            raise OutputError(f"{self._target.location}: was committed already")
        refuse_loose(self._target)
        for key, content in files.items():
            self._put_whole(key, content)
        # Tiles first: a descriptor without its tiles must never be seen, not even by one who looks now. Where the
        # descriptor is in the tiles' folder, one rename shows both.
        last = {top(key): place for place, key in enumerate(files, 1)}
        try:
            new = sorted(os.listdir(self._tree), key=lambda name: last.get(name, 0))
            old = self._replaced()
            self._refuse_strangers(new, old)
            if self._sync:
                flush(self._scratch.tree)
            exchange(self._scratch.path, self._scratch.tree, old=old, new=new)
            if self._sync:
                flush_folder(self._folder)
            self._state = "committed"
        except BaseException as error:
            # Ctrl-C too: whatever has moved so far moves back.
            put_back(self._scratch.path, even_if_shown=True)
            raise self._scratch.explained(error) from error

    def discard(self) -> None:
        """Remove the scratch folder, and the parent folders that were made for it, unless committed into."""
        self._scratch.close(committed=self._state == "committed")

    def _new_file(self, key: str) -> int:
        path = f"{self._tree}/{key}"
        try:
            return os.open(path, NEW_FILE, 0o666)
        except FileNotFoundError:
            # Once for each folder. Not in a scratch folder that is gone: the run that had it is over.
            os.stat(self._tree)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            return os.open(path, NEW_FILE, 0o666)

    def _put_whole(self, key: str, content: Content) -> None:
        if isinstance(content, bytes):
            self.put(key, content)
            return
        try:
            with open(self._new_file(key), "wb") as file:
                file.writelines(content)
        except OSError as error:
            raise self._scratch.explained(error, key) from error

    def _replaced(self) -> list[str]:
        """Return what is to be moved away, the descriptor first: `refuse_loose` has seen that it is ours."""
        there = [name for name in files_of(self._target) if os.path.lexists(self._folder / name)]
        page = page_of(self._target) if there else None
        return there if page is None else [*there, page]

    def _refuse_strangers(self, new: list[str], old: list[str]) -> None:
        for name in new:
            if name not in old and os.path.lexists(self._folder / name):
                raise OutputError(f"{self._folder / name}: exists, and is no file of a pyramid; move it away")
