"""Stores: a directory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tileframe import Store, StoredTiles, StorePlugin, hookimpl


def _directory(target: Path, overwrite: bool) -> Store:
    from tileframe_stores.directory import DirectoryStore

    return DirectoryStore(target, overwrite=overwrite)


def _open_directory(target: Path) -> StoredTiles:
    from tileframe_stores.directory import StoredDirectory

    return StoredDirectory(target)


@hookimpl
def tileframe_stores() -> Sequence[StorePlugin]:
    """Offer the directory."""
    return [StorePlugin("directory", "a folder on a disk, changed only when all is done", _directory, _open_directory)]
