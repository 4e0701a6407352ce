"""Object stores as places of pyramids: S3 and what speaks its language, Azure, Google Cloud Storage, and memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tileframe import StorePlugin, hookimpl
from tileframe_objects.options import SCHEMES, ObjectOptions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tileframe import Location, Store, StoredFiles, Target


def _loose(target: Target, options: ObjectOptions) -> Store:
    from tileframe_objects.loose import ObjectStore

    return ObjectStore(target, options)


def _open_loose(location: Location) -> StoredFiles:
    from tileframe_objects.stored import StoredObjects

    return StoredObjects(location)


def _zip(target: Target, options: ObjectOptions) -> Store:
    from tileframe_objects.archive import ObjectArchiveStore

    return ObjectArchiveStore(target, options)


def _szi(target: Target, options: ObjectOptions) -> Store:
    from tileframe_objects.archive import ObjectArchiveStore
    from tileframe_storage.szi import SCAN_PROPERTIES, scan_properties

    return ObjectArchiveStore(target, options, {SCAN_PROPERTIES: scan_properties(target)})


def _open_archive(location: Location) -> StoredFiles:
    from tileframe_objects.stored import StoredObjectArchive

    return StoredObjectArchive(location)


@hookimpl
def tileframe_stores() -> Sequence[StorePlugin]:
    """Offer loose objects, and archives in buckets."""
    return [
        StorePlugin(
            "objects", "objects in a bucket of S3, Azure or Google Cloud Storage", _loose, _open_loose,
            schemes=SCHEMES, options=ObjectOptions,
        ),
        StorePlugin(
            "objects-zip", "one zip file in a bucket, sent while it grows", _zip, _open_archive,
            schemes=SCHEMES, containers=("zip",), options=ObjectOptions,
        ),
        StorePlugin(
            "objects-szi", "one Smart Zoom Image file in a bucket, sent while it grows", _szi, _open_archive,
            schemes=SCHEMES, containers=("szi",), layouts=("dzi",), options=ObjectOptions,
        ),
    ]  # fmt: skip
