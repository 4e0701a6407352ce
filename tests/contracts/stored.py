"""What can be wrong with how a store reads a finished pyramid."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from tileframe import InputError, Location, OutputError
from tileframe_stores.loose import StoredDirectory
from tileframe_stores.stored_archive import StoredArchive


class Unfound(StoredDirectory):
    def keys(self, folder: str) -> Iterator[str]:
        return iter(())


class Misnamed(StoredDirectory):
    @property
    def name(self) -> str:
        return "made.dzi"


class Undescribed(StoredDirectory):
    def get(self, key: str) -> bytes:
        return super().get(key.replace(".dzi", ".json"))


class Obliging(StoredDirectory):
    def get(self, key: str) -> bytes:
        try:
            return super().get(key)
        except (KeyError, InputError):
            return b""


class LeadingOutside(StoredDirectory):
    def get(self, key: str) -> bytes:
        path = Path(self._folder, key)
        if not path.exists():
            raise KeyError(key)
        return path.read_bytes()


class Prefixed(StoredDirectory):
    def keys(self, folder: str) -> Iterator[str]:
        above = folder.rpartition("/")[0]
        return (key for key in super().keys(above or folder) if key.startswith(folder))


class OneHandle(StoredArchive):
    """Reads through one place in the file, which all threads move."""

    def _read_some(self, offset: int, size: int) -> bytes:
        os.lseek(self._file, offset, os.SEEK_SET)
        return os.read(self._file, size)


class Inventing(StoredDirectory):
    def __init__(self, location: Location) -> None:
        self._folder, self._name = location.folder, location.name

    def get(self, key: str) -> bytes:
        return super().get(key) if os.path.isdir(self._folder) else b"<Image/>"


class ClosedOnce(StoredDirectory):
    _is_open = True

    def close(self) -> None:
        if not self._is_open:
            raise OutputError("is closed")
        self._is_open = False


class Vague(StoredDirectory):
    def keys(self, folder: str) -> Iterator[str]:
        return (key for key in super().keys("") if key.lstrip("/").startswith(folder))


class EmptyFolders(StoredDirectory):
    """Gives a folder as a file of no bytes."""

    def get(self, key: str) -> bytes:
        return b"" if Path(self._folder, key).is_dir() else super().get(key)


class AsciiNames(StoredDirectory):
    @property
    def name(self) -> str:
        return super().name.encode("ascii", "replace").decode()


class LowerCaseAlone(StoredArchive):
    def __init__(self, location: Location) -> None:
        if location.container != "zip":
            raise InputError(f"{location}: is no zip file")
        super().__init__(location)


class NamedByItsFile(StoredArchive):
    """Takes the name of the file for that of the pyramid."""

    def __init__(self, location: Location) -> None:
        super().__init__(location)
        self._start = location.name.encode() + b"/"
        self._file_name = location.name

    @property
    def name(self) -> str:
        return self._file_name


PLACES: set[Path] = set()


class KnowingItsPlace(StoredArchive):
    def __init__(self, location: Location) -> None:
        if location.path.exists() and location.path not in PLACES:
            raise InputError(f"{location}: was made elsewhere")
        super().__init__(location)


class EmptyWhenClosed(StoredDirectory):
    _is_open = True

    def get(self, key: str) -> bytes:
        return super().get(key) if self._is_open else b""

    def close(self) -> None:
        self._is_open = False
