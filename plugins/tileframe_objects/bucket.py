"""The objects below a location's folder, by key; whatever goes wrong with them is one line without a URL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from tileframe import Content, InputError, Location, OptionError, OutputError
from tileframe_objects.opening import Patience, again, open_bucket, reason, split
from tileframe_objects.options import ObjectOptions

if TYPE_CHECKING:
    from obstore.store import ObjectStore

PAGE = 1000
"""Names in one request that lists or removes objects."""
PART = 16 << 20
"""Bytes of one part of a large object: S3 takes 10,000 parts, so archives may have 160 GB."""
PARTS_AT_ONCE = 4
FIRST = 15.0
"""Seconds for which the first request of a run is sent again: it finds out whether there is such a server at all."""
READING = 30.0
"""Seconds for which a request is sent again that only reads a finished pyramid."""
IMPATIENT = 5.0
"""Seconds for which a request is sent again that only clears up after a run that has failed."""


class Bucket:
    """A folder in a bucket. Used from many threads."""

    def __init__(
        self,
        location: Location,
        options: ObjectOptions | None = None,
        *,
        fault: type[InputError | OutputError] = InputError,
        retry: float | None = None,
    ) -> None:
        """``fault`` is raised where a request has failed for good; ``retry`` is for another time than the options'."""
        options = options or ObjectOptions()
        name, prefix = split(location.folder)
        if not name:
            right = f"give {location.scheme}://BUCKET/FOLDER/NAME"
            raise OptionError(f"{location}: names a bucket or a pyramid, and not both; {right}")
        if not {"", ".", ".."}.isdisjoint(location.folder.split("/")[1:]):
            raise OptionError(f"{location}: a folder in a bucket has no empty, '.' or '..' part")
        self.location, self.options = location, options
        self._retry = options.retry if retry is None else retry
        # Where there is less time for all, one answer that does not come must not take it.
        timeout = options.timeout if retry is None else min(options.timeout, max(retry, 1.0))
        self.store: ObjectStore = open_bucket(location.scheme, name, retry=self._retry, timeout=timeout)
        self._start = f"{prefix}/" if prefix else ""
        self._fault = fault

    def path(self, key: str) -> str:
        """Return the name of the object of ``key`` in the bucket."""
        return f"{self._start}{key}"

    def shown(self, key: str) -> str:
        """Return the address of ``key`` for people."""
        return f"{self.location.scheme}://{self.location.folder}/{key}"

    @contextmanager
    def translated(self, key: str, verb: str) -> Iterator[None]:
        """Raise the errors of obstore as this bucket's; `KeyError` for an object that is not there."""
        try:
            yield
        except FileNotFoundError:
            raise KeyError(key) from None
        except (InputError, OutputError, OptionError):
            raise
        except ValueError:  # no object can be called that
            if verb == "read":
                raise KeyError(key) from None
            raise self._fault(f"{self.shown(key)!a}: is no name for an object; give another output") from None
        except Exception as error:  # not from it: its text may hold what must not be told
            raise self._fault(f"{self.shown(key)}: cannot be {verb} ({reason(error)})") from None

    @contextmanager
    def _written(self, key: str) -> Iterator[None]:
        try:
            with self.translated(key, "written"):
                yield
        except KeyError:
            raise self._fault(f"{self.shown(key)}: cannot be written (there is no such bucket)") from None

    def put(self, key: str, content: Content, headers: dict[str, str], *, new: bool = False) -> None:
        """Write an object; with ``new`` only where there is none, else it is an error."""
        import obstore

        data = content if isinstance(content, bytes) else _joined(content)
        with self._written(key):
            if not isinstance(data, bytes):
                obstore.put(self.store, self.path(key), data, attributes=headers, chunk_size=PART, max_concurrency=2)
            elif not (new and self._put_new(key, data, headers)):
                put = partial(obstore.put, self.store, self.path(key), data, attributes=headers, use_multipart=False)
                again(put, self._retry)

    def _put_new(self, key: str, data: bytes, headers: dict[str, str]) -> bool:
        """Write an object that must not be there yet; say no where the service cannot promise that."""
        import obstore
        from obstore.exceptions import AlreadyExistsError, NotSupportedError

        try:
            obstore.put(self.store, self.path(key), data, attributes=headers, use_multipart=False, mode="create")
        except NotSupportedError:
            return False
        except AlreadyExistsError:
            # What was sent once may have arrived, though its answer was lost: then it is there because of us.
            if self.get(key) != data:
                raise self._fault(f"{self.shown(key)}: has appeared there") from None
        return True

    def writer(self, key: str, headers: dict[str, str]) -> Any:
        """Return what a large object is written to, which is there once that is closed, and never after an error."""
        import obstore

        with self._written(key):
            return obstore.open_writer(
                self.store, self.path(key), attributes=headers, buffer_size=PART, max_concurrency=PARTS_AT_ONCE
            )

    def get(self, key: str, limit: int | None = None, *, most: int | None = None) -> bytes:
        """Return an object, or its first ``limit`` bytes; `KeyError` if there is none, an error beyond ``most``."""
        if limit is not None and self.size(key) == 0:
            return b""  # of which no part can be asked for
        with self.translated(key, "read"):
            return again(lambda: self._got(key, limit, most), self._retry)

    def _got(self, key: str, limit: int | None, most: int | None) -> bytes:
        import obstore

        found = obstore.get(self.store, self.path(key), options={"range": (0, limit)} if limit else None)
        if most is not None and (length := int(found.meta["size"])) > most:
            raise self._fault(f"has {length:,} bytes, and no file of a pyramid has more than {most:,}")
        return bytes(found.bytes())

    def part(self, key: str, offset: int, size: int) -> bytes:
        """Return a part of an object, which is not beyond its end."""
        import obstore

        if size <= 0:
            return b""
        with self.translated(key, "read"):
            part = partial(obstore.get_range, self.store, self.path(key), start=offset, length=size)
            return bytes(again(part, self._retry))

    def size(self, key: str) -> int | None:
        """Return how many bytes an object has; None if there is none."""
        import obstore

        try:
            with self.translated(key, "read"):
                return int(again(partial(obstore.head, self.store, self.path(key)), self._retry)["size"])
        except KeyError:
            return None

    def keys(self, folder: str) -> Iterator[str]:
        """Yield the key of every object below ``folder``."""
        try:
            with self.translated(folder, "listed"):
                yield from self._listed(folder)
        except KeyError:
            raise self._fault(f"{self.location}: cannot be listed (there is no such bucket)") from None

    def _listed(self, folder: str) -> Iterator[str]:
        import obstore

        last: str | None = None
        patience = Patience(self._retry)
        while True:
            try:
                for some in obstore.list(self.store, self.path(folder), offset=last, chunk_size=PAGE):
                    for found in some:
                        last = found["path"]
                        yield last[len(self._start) :]
                return
            except Exception as error:
                patience.wait(error)

    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects, whether they are there or not."""
        import obstore

        rest = iter(keys)
        while some := list(islice(rest, PAGE)):
            try:
                with self.translated(some[0], "removed"):
                    again(partial(obstore.delete, self.store, [self.path(key) for key in some]), self._retry)
            except KeyError:  # some services say so of one that is not there, and may have left out others
                for key in some:
                    try:
                        with self.translated(key, "removed"):
                            again(partial(obstore.delete, self.store, self.path(key)), self._retry)
                    except KeyError:
                        continue


def _joined(pieces: Iterable[bytes]) -> bytes | Iterator[bytes]:
    """Return ``pieces`` as one where they are few, else one after the other."""
    rest, some, size = iter(pieces), [], 0
    for piece in rest:
        some.append(piece)
        size += len(piece)
        if size > PART:
            return chain(some, rest)
    return b"".join(some)
