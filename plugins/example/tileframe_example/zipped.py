from __future__ import annotations

import shutil
import tempfile
import threading
import weakref
import zipfile
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from tileframe import InputError, OriginPlugin, hookimpl

T = TypeVar("T")


class ZippedFile:
    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        self.length = archive.getinfo(name).file_size
        self._archive, self._file, self._lock = archive, archive.open(name), threading.Lock()

    def read_at(self, offset: int, count: int) -> bytes:
        with self._lock:
            self._file.seek(offset)
            return self._file.read(count)

    def close(self) -> None:
        self._file.close()
        self._archive.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class ZippedSlide:
    def __init__(self, url: str) -> None:
        self._url = url
        path, _, self.name = url.partition("://")[2].rpartition("/")
        self._path = Path(path)

    def __str__(self) -> str:
        return self._url

    def open(self) -> ZippedFile:
        return ZippedFile(self._opened(), self.name)

    def copied(self, use: Callable[[Path], T]) -> T:
        folder = tempfile.mkdtemp()
        try:
            with self._opened() as archive:
                made = use(Path(archive.extract(self.name, folder)))
        except BaseException:
            shutil.rmtree(folder)
            raise
        weakref.finalize(made, shutil.rmtree, folder, ignore_errors=True)
        return made

    def state(self) -> tuple[int, str]:
        with self._opened() as archive:
            member = archive.getinfo(self.name)
            return member.file_size, f"{member.CRC:08x}"

    def pieces(self, places: Sequence[int], count: int) -> list[bytes]:
        with closing(self.open()) as file:
            return [file.read_at(place, count) for place in places]

    def _opened(self) -> zipfile.ZipFile:
        try:
            archive = zipfile.ZipFile(self._path)
        except (OSError, zipfile.BadZipFile) as error:
            raise InputError(f"{self}: {self._path} cannot be read ({error})") from error
        if self.name not in archive.namelist():
            archive.close()
            raise InputError(f"{self}: {self._path} has no {self.name}")
        return archive


@hookimpl
def tileframe_origins() -> Sequence[OriginPlugin]:
    return [OriginPlugin("zipped", "slides in zip archives", ZippedSlide, schemes=("zipped",))]
