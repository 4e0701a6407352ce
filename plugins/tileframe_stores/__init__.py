"""Stores: a directory."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tileframe import Store, StorePlugin, hookimpl


def _directory(target: Path, overwrite: bool) -> Store:
    from tileframe_stores.directory import DirectoryStore

    return DirectoryStore(target, overwrite=overwrite)


@hookimpl
def tileframe_stores() -> Sequence[StorePlugin]:
    """Offer the directory."""
    return [StorePlugin("directory", "a folder on a disk, changed only when all is done", _directory)]
