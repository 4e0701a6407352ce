from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tileframe import Content, InputError, Location, OutputError, StorePlugin, Target, hookimpl

TABLES = """
PRAGMA journal_mode = OFF;
CREATE TABLE pyramid (name TEXT);
CREATE TABLE files (key TEXT PRIMARY KEY, data BLOB) WITHOUT ROWID;
BEGIN;
"""


class DatabaseStore:
    shared = False  # another process cannot put into an open transaction

    def __init__(self, target: Target) -> None:
        self.location, self.overwrite = target.location, target.overwrite
        self.path = target.location.path
        # Of its own process: what a killed one has left is in nobody's way.
        self.partial = self.path.with_name(f".{self.path.name}.{os.getpid()}.partial")
        self.database: sqlite3.Connection | None = None
        self.made_folders: list[Path] = []
        self.lock = threading.Lock()

    def prepare(self) -> None:
        self.refuse_existing()
        folder = self.path.parent
        self.made_folders = [path for path in (folder, *folder.parents) if not path.exists()]
        with self.translated():
            folder.mkdir(parents=True, exist_ok=True)
            self.partial.touch(exist_ok=False)
            self.database = sqlite3.connect(self.partial, isolation_level=None, check_same_thread=False)
            self.database.executescript(TABLES)
            self.execute("INSERT INTO pyramid VALUES (?)", self.location.name)

    def put(self, key: str, data: bytes) -> None:
        with self.lock, self.translated():
            self.execute("INSERT OR REPLACE INTO files VALUES (?, ?)", key, data)

    def get(self, key: str) -> bytes:
        with self.lock:
            found = self.execute("SELECT data FROM files WHERE key = ?", key).fetchone()
        if found is None:
            raise KeyError(key)
        return bytes(found[0])

    def keys(self) -> Iterator[str]:
        for (key,) in self.execute("SELECT key FROM files"):
            yield key

    def commit(self, files: Mapping[str, Content]) -> None:
        self.refuse_existing()
        for key, content in files.items():
            self.put(key, content if isinstance(content, bytes) else b"".join(content))
        with self.translated():
            self.execute("COMMIT").connection.close()
            self.partial.replace(self.path)
        self.database, self.made_folders = None, []

    def discard(self) -> None:
        if self.database is not None:
            self.database.close()
            self.database = None
            self.partial.unlink()
        with contextlib.suppress(OSError):  # somebody else has put something there
            while self.made_folders:
                self.made_folders.pop(0).rmdir()

    def execute(self, statement: str, *values: str | bytes) -> sqlite3.Cursor:
        if self.database is None:
            raise OutputError(f"{self.location}: was committed already")
        return self.database.execute(statement, values)

    def refuse_existing(self) -> None:
        if not os.path.lexists(self.path):
            return
        if not self.overwrite:
            raise OutputError(f"{self.location}: exists; give --overwrite to replace the pyramid, or another output")
        try:
            StoredDatabase(self.location).close()
        except InputError as error:
            raise OutputError(f"{error}; it is not overwritten") from error

    @contextlib.contextmanager
    def translated(self) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error) as error:
            raise OutputError(f"{self.location}: cannot be written ({error})") from error


class StoredDatabase:
    def __init__(self, location: Location) -> None:
        self.location, self.lock = location, threading.Lock()
        try:
            address = f"{location.path.absolute().as_uri()}?mode=ro"
            self.database = sqlite3.connect(address, uri=True, check_same_thread=False)
        except sqlite3.Error as error:
            raise InputError(f"{location}: cannot be opened ({error})") from error
        try:
            self.name = self.database.execute("SELECT name FROM pyramid").fetchone()[0]
        except (sqlite3.Error, TypeError) as error:
            self.close()
            raise InputError(f"{location}: is no database with a pyramid ({error})") from error

    def get(self, key: str) -> bytes:
        try:
            with self.lock:
                found = self.database.execute("SELECT data FROM files WHERE key = ?", [key]).fetchone()
        except sqlite3.Error as error:
            raise InputError(f"cannot be read ({error})") from error
        if found is None:
            raise KeyError(key)
        return bytes(found[0])

    def keys(self, folder: str) -> Iterator[str]:
        between = [f"{folder}/", f"{folder}0"]  # 0 is the character after the slash
        for (key,) in self.database.execute("SELECT key FROM files WHERE key > ? AND key < ?", between):
            yield key

    def close(self) -> None:
        self.database.close()


@hookimpl
def tileframe_stores() -> Sequence[StorePlugin]:
    return [StorePlugin("database", "one SQLite file", DatabaseStore, StoredDatabase, containers=("sqlite",))]
