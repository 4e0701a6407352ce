"""Stores: a folder on a disk, and archives in one file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tileframe import StorePlugin, hookimpl
from tileframe_stores.options import DiskOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tileframe import Location, Store, StoredFiles, Target


def _directory(target: Target, options: DiskOptions) -> Store:
    from tileframe_stores.directory import DirectoryStore

    return DirectoryStore(target, options)


def _open_directory(location: Location) -> StoredFiles:
    from tileframe_stores.loose import StoredDirectory

    return StoredDirectory(location)


def _zip(target: Target, options: DiskOptions) -> Store:
    from tileframe_stores.archive import ArchiveStore

    return ArchiveStore(target, options)


def _szi(target: Target, options: DiskOptions) -> Store:
    from tileframe_storage.szi import SCAN_PROPERTIES, scan_properties
    from tileframe_stores.archive import ArchiveStore

    return ArchiveStore(target, options, {SCAN_PROPERTIES: scan_properties(target)})


def _open_archive(location: Location) -> StoredFiles:
    from tileframe_stores.stored_archive import StoredArchive

    return StoredArchive(location)


@hookimpl
def tileframe_stores() -> Sequence[StorePlugin]:
    """Offer the folder and the archives."""
    return [
        StorePlugin(
            "directory", "a folder on a disk, changed only when all is done", _directory, _open_directory,
            options=DiskOptions,
        ),
        StorePlugin(
            "zip", "one zip file, its members not compressed", _zip, _open_archive,
            containers=("zip",), options=DiskOptions,
        ),
        StorePlugin(
            "szi", "one Smart Zoom Image file, a zip", _szi, _open_archive,
            containers=("szi",), layouts=("dzi",), options=DiskOptions,
        ),
    ]  # fmt: skip
