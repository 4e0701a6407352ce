"""An archive in a bucket as a store: a zip file that is sent while it grows, and is there once it is complete."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tileframe import Content, InputError, OutputError, Target
from tileframe_objects.bucket import FIRST, IMPATIENT, Bucket
from tileframe_objects.headers import headers
from tileframe_objects.options import ObjectOptions
from tileframe_objects.stored import StoredObjectArchive
from tileframe_objects.unfinished import Unfinished
from tileframe_objects.uploads import abort_uploads
from tileframe_storage.archive import Archive, refuse_name
from tileframe_storage.kinds import strange_in
from tileframe_storage.members import Members


class SentMembers(Members):
    """A zip file in a folder for temporary files, each write of which also goes to the bucket."""

    def __init__(self, folder: Path, bucket: Bucket, key: str) -> None:
        super().__init__(folder)
        self._bucket, self._key = bucket, key
        self._upload: Any = bucket.writer(key, headers(key, bucket.options, lasting=True))

    def _write(self, pieces: list[bytes]) -> None:
        super()._write(pieces)
        try:
            with self._bucket.translated(self._key, "written"):
                self._upload.write(b"".join(pieces))
        except BaseException as error:
            self._reason = f"a write failed before: {error}"
            raise

    def show(self) -> None:
        """End the upload: the object is there."""
        upload, self._upload = self._upload, None
        with self._bucket.translated(self._key, "written"):
            upload.close()

    def abort(self) -> None:
        """Give the upload up: there is no object, and no part of one."""
        upload, self._upload = self._upload, None
        if upload is not None:
            with suppress(Exception):  # the run has failed already; the next one gives up what is left
                upload.__exit__(OutputError, OutputError("given up"), None)


class ObjectArchiveStore:
    """Keeps all files of a pyramid in one zip file in a bucket, as on a disk."""

    def __init__(self, target: Target, options: ObjectOptions, additions: Mapping[str, bytes] | None = None) -> None:
        self._target, self._options = target, options
        self._location = target.location
        self._additions = additions or {}
        self._key = f"{self._location.name}.{self._location.container}"
        self._bucket = Bucket(self._location, options, fault=OutputError)
        self._unfinished = Unfinished(self._bucket, self._key)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._members: SentMembers | None = None
        self._archive: Archive | None = None
        self._state = "new"

    @property
    def shared(self) -> bool:
        """No: one process sends the file."""
        return False

    def prepare(self) -> None:
        """Claim the target; `OutputError` if something is there, or another run is writing, or it cannot be written."""
        name = self._location.name
        refuse_name(name, self._location)
        first = min(FIRST, self._options.retry)
        left = self._unfinished.left(Bucket(self._location, self._options, fault=OutputError, retry=first))
        if left is not None:
            self._unfinished.refuse(left, self._target.resume)
            self._abort_uploads()
            self._unfinished.remove()
        self._refuse()
        self._unfinished.claim()
        self._state = "open"
        try:
            self._folder = tempfile.TemporaryDirectory(prefix="tileframe-", ignore_cleanup_errors=True)
            self._members = SentMembers(Path(self._folder.name), self._bucket, self._key)
        except OSError as error:
            raise self._explained(error) from error
        self._archive = Archive(name, self._target.layout, self._members)

    def put(self, key: str, data: bytes) -> None:
        """Append ``data``; `OutputError` for a key that was put before, for nothing in a zip file can be replaced."""
        try:
            self._open().put(key, data)
        except OSError as error:
            raise self._explained(error) from error

    def get(self, key: str) -> bytes:
        """Read from the copy on this machine. Searches the names of a whole level."""
        try:
            return self._open().get(key)
        except OSError as error:
            raise self._explained(error) from error

    def keys(self) -> Iterator[str]:
        """Yield what the unfinished archive holds."""
        yield from self._open().keys()

    def commit(self, files: Mapping[str, Content]) -> None:
        """Append ``files`` and the central directory, and end the upload: only then is the object there."""
        archive = self._open()
        assert self._members is not None
        self._unfinished.refuse_other()
        try:
            for key, content in {**self._additions, **files}.items():
                archive.put_whole(key, content)
            archive.finish(sync=False)
        except OSError as error:
            raise self._explained(error) from error
        self._refuse()
        self._members.show()
        self._state = "committed"
        self._abort_uploads()
        with suppress(OutputError):  # all is there; the next run removes what is left of this one
            self._clear(self._bucket)

    def discard(self) -> None:
        """Give the upload up, and remove the copy on this machine; after `commit`, do nothing."""
        if self._members is not None:
            with suppress(OutputError):
                self._members.close()
            if self._state == "open":
                self._members.abort()
                self._abort_uploads()
        if self._state == "open":
            self._state = "discarded"
            with suppress(OutputError):  # what the run has failed with is the error
                self._clear(Bucket(self._location, self._options, fault=OutputError, retry=IMPATIENT))
        if self._folder is not None:
            self._folder.cleanup()

    def _abort_uploads(self) -> None:
        """Give up what a killed run has begun, and what was begun twice because an answer was lost."""
        abort_uploads(self._location, self._bucket.path(self._key))

    def _clear(self, bucket: Bucket) -> None:
        self._unfinished.remove(bucket)
        self._unfinished.close()

    def _open(self) -> Archive:
        if self._state == "committed":
            raise OutputError(f"{self._location}: was committed already")
        if self._archive is None:
            raise OutputError(f"{self._location}: is not prepared")
        return self._archive

    def _refuse(self) -> None:
        """Raise `OutputError` if an object is there that is not to be overwritten, or holds something else."""
        if self._bucket.size(self._key) is None:
            return
        if not self._target.overwrite:
            raise OutputError(f"{self._location}: exists; give --overwrite to replace the pyramid, or another output")
        try:
            strange = strange_in(StoredObjectArchive(self._location), self._target)
        except InputError as error:
            raise OutputError(
                f"{error}; it is no archive of a pyramid, and is not overwritten; move it away"
            ) from error
        if strange is not None:
            raise OutputError(f"{self._location}: {strange}, and is not overwritten; move it away")

    def _explained(self, error: OSError) -> OutputError:
        reason = error.strerror or str(error)
        return OutputError(f"{self._location}: cannot be made in {tempfile.gettempdir()} ({reason}); see TMPDIR")
