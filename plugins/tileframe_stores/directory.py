"""A directory as a store: everything is made in ``.NAME.partial`` beside the target, and shown by rename."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from tileframe import InputError, OutputError
from tileframe_stores.scratch import REPLACED, TREE, WORKSPACE, claim, put_back, remove_tree


class DirectoryStore:
    """Keeps ``NAME.dzi`` and what belongs to it in the target's folder. Can adopt folders."""

    def __init__(self, target: Path, *, overwrite: bool) -> None:
        self._target = target
        self._folder = target.parent
        self._overwrite = overwrite
        self._scratch = self._folder / f".{target.stem}.partial"
        self._tree = self._scratch / TREE
        self._made_parents: list[Path] = []
        self._known_folders: set[str] = set()
        self._state = "new"

    def prepare(self) -> None:
        """Make the scratch folder; `OutputError` if the target exists, is being written, or cannot be."""
        try:
            self._refuse_existing()
            if self._folder.exists() and not self._folder.is_dir():
                raise OutputError(f"{self._folder}: is not a folder; the pyramid cannot be written there")
            self._made_parents = [parent for parent in (self._folder, *self._folder.parents) if not parent.exists()]
            self._folder.mkdir(parents=True, exist_ok=True)
            claim(self._scratch)
            self._state = "open"
            self._tree.mkdir()
        except BaseException as error:
            self.discard()
            self._remove_made_parents()
            raise self._translated(error) from error

    def put(self, key: str, data: bytes) -> None:
        """Write ``data`` into the scratch folder."""
        folder = key.rpartition("/")[0]
        try:
            if folder not in self._known_folders:
                (self._tree / folder).mkdir(parents=True, exist_ok=True)
                self._known_folders.add(folder)
            # Text and no buffer: what Path.write_bytes adds is a good part of the time that encoding a tile takes.
            with open(f"{self._tree}/{key}", "wb", buffering=0) as file:
                if file.write(data) != len(data):
                    raise OSError(None, "the disk is full")
        except OSError as error:
            raise OutputError(f"{key}: cannot be written in {self._folder} ({error.strerror})") from error

    def get(self, key: str) -> bytes:
        """Read from the scratch folder."""
        try:
            # Text and no buffer: a third of the time that Path.read_bytes takes for a small tile.
            with open(f"{self._tree}/{key}", "rb", buffering=0) as file:
                return file.readall()
        except OSError as error:
            raise KeyError(key) from error

    def keys(self) -> Iterator[str]:
        """Yield what the scratch folder holds."""
        for folder, _, names in os.walk(self._tree):
            prefix = Path(folder).relative_to(self._tree).as_posix()
            yield from (f"{prefix}/{name}" for name in names)

    def workspace(self) -> Path:
        """Return a new folder inside the scratch folder."""
        folder = self._scratch / WORKSPACE
        try:
            folder.mkdir()
        except OSError as error:
            raise self._translated(error) from error
        return folder

    def adopt(self, folder: Path, key: str) -> None:
        """Take over ``folder`` by rename."""
        try:
            folder.rename(self._tree / key)
        except OSError as error:
            raise OutputError(f"{key}: cannot be written in {self._folder} ({error.strerror})") from error

    def commit(self, descriptors: Mapping[str, bytes]) -> None:
        """Move the tiles to the target, then the descriptors; put back what was there if that fails."""
        if self._state != "open":
            raise OutputError(f"{self._target}: was committed already")
        self._refuse_existing()
        for key, data in descriptors.items():
            self.put(key, data)
        # Tiles first: a descriptor without its tiles must never be seen, not even by one who looks now.
        order = list(descriptors)
        names = [path.name for path in self._tree.iterdir()]
        new = sorted(names, key=lambda name: order.index(name) + 1 if name in descriptors else 0)
        replaced = self._scratch / REPLACED
        try:
            replaced.mkdir()
            for name in reversed(new):
                if (self._folder / name).exists():
                    (self._folder / name).rename(replaced / name)
            for name in new:
                (self._tree / name).rename(self._folder / name)
            self._state = "committed"
        except BaseException as error:
            # Ctrl-C too: whatever has moved so far moves back.
            for name in reversed(new):
                if (self._folder / name).exists() and not (self._tree / name).exists():
                    (self._folder / name).rename(self._tree / name)
            put_back(self._scratch)
            raise self._translated(error) from error
        self._made_parents.clear()

    def discard(self) -> None:
        """Remove the scratch folder, and the parent folders that were made for it, unless committed into."""
        if self._state == "open":
            put_back(self._scratch)
        if self._state != "new":
            remove_tree(self._scratch)
            self._remove_made_parents()

    def _refuse_existing(self) -> None:
        tiles = self._target.with_name(f"{self._target.stem}_files")
        if not self._overwrite:
            for path in (self._target, tiles):
                if path.exists():
                    raise OutputError(f"{path}: exists; give --overwrite to replace the pyramid, or another output")
            return
        # What is replaced is a pyramid, and nothing that only bears its name.
        if self._target.exists() and b"deepzoom" not in self._target.read_bytes()[:4096]:
            raise OutputError(f"{self._target}: is no Deep Zoom descriptor, and is not overwritten; move it away")
        strange = [path.name for path in tiles.iterdir() if not path.name.isdigit()] if tiles.is_dir() else []
        if strange and (unknown := set(strange) - {"vips-properties.xml", ".DS_Store", "Thumbs.db", "desktop.ini"}):
            raise OutputError(f"{tiles}: holds '{min(unknown)}', and is not overwritten; move that away")

    def _translated(self, error: BaseException) -> BaseException:
        if isinstance(error, OSError):
            return OutputError(f"{self._folder}: cannot be written ({error.strerror})")
        return error

    def _remove_made_parents(self) -> None:
        for folder in self._made_parents:
            try:
                folder.rmdir()
            except OSError:
                break  # someone else has put something there


class StoredDirectory:
    """A finished pyramid in a folder: ``NAME.*`` and all below ``NAME_files``."""

    def __init__(self, target: Path) -> None:
        self._folder = target.parent
        self._name = target.stem

    def get(self, key: str) -> bytes:
        """Read a file of the pyramid."""
        try:
            with open(f"{self._folder}/{key}", "rb", buffering=0) as file:
                return file.readall()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise KeyError(key) from error
        except OSError as error:
            raise InputError(f"cannot be read ({error.strerror})") from error

    def keys(self) -> Iterator[str]:
        """Yield the files below ``NAME_files``."""
        for folder, _, names in os.walk(self._folder / f"{self._name}_files"):
            prefix = Path(folder).relative_to(self._folder).as_posix()
            yield from (f"{prefix}/{name}" for name in names)
