"""A finished pyramid in a bucket: loose objects, or one archive that is read by ranges."""

from __future__ import annotations

from collections.abc import Iterator

from tileframe import InputError, Location
from tileframe_objects.bucket import READING, Bucket
from tileframe_storage.reading import ArchiveFiles
from tileframe_storage.writing import MOST_BYTES


class StoredObjects:
    """The objects of a pyramid below the folder of its location."""

    def __init__(self, location: Location) -> None:
        self._bucket = Bucket(location, retry=READING)
        self._name = location.name
        self._bucket.size(location.manifest_key)  # a server that does not answer says nothing about a pyramid

    @property
    def name(self) -> str:
        """The name in the location."""
        return self._name

    def get(self, key: str) -> bytes:
        """Read an object."""
        if not key or ".." in key.split("/"):
            raise KeyError(key)
        try:
            return self._bucket.get(key, most=MOST_BYTES)
        except InputError as error:
            raise InputError(str(error).removeprefix(f"{self._bucket.shown(key)}: ")) from None

    def keys(self, folder: str) -> Iterator[str]:
        """Yield every key below ``folder``."""
        return self._bucket.keys(folder)

    def close(self) -> None:
        """Do nothing: nothing stays open."""


class StoredObjectArchive(ArchiveFiles):
    """The members of an archive in a bucket, by one request each."""

    def __init__(self, location: Location) -> None:
        bucket = Bucket(location, retry=READING)
        key = f"{location.name}.{location.container}"
        length = bucket.size(key)
        if length is None:
            raise InputError(f"{location}: cannot be read (there is no such object)")

        def read(offset: int, size: int) -> bytes:
            try:
                return bucket.part(key, offset, min(size, length - offset))
            except KeyError:
                raise InputError(f"{location}: cannot be read (it is gone)") from None

        super().__init__(str(location), read, length)

    def close(self) -> None:
        """Do nothing: nothing stays open."""
