"""Parts of a file on a server, by obstore: what they are parts of, and what went wrong, in words without secrets."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.client import responses
from typing import Any

import obstore
from obstore.exceptions import BaseError, NotSupportedError, PermissionDeniedError, UnauthenticatedError
from obstore.store import HTTPStore

from tileframe import InputError
from tileframe_objects.opening import open_bucket, reason
from tileframe_remote.addresses import WEB, Address

CLIENT: Any = {"connect_timeout": "10s", "read_timeout": "30s", "timeout": "24h", "allow_http": True}
# Of one request, by obstore, which goes on where an answer broke off; of an answer that was none, by `Server.get`.
RETRY: Any = {
    "max_retries": 4,
    "backoff": {"init_backoff": timedelta(seconds=0.1), "max_backoff": timedelta(seconds=5), "base": 2},
    "retry_timeout": timedelta(minutes=2),
}
ATTEMPTS = 3
NEVER = 0.0
"""The time of the last change that obstore gives where a server says none."""


@dataclass(frozen=True, slots=True)
class State:
    """What a server says of a file: another one is there when this is another."""

    length: int
    version: str
    """What tells versions of the same length apart, its ETag or else its time; empty where the server says neither."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A part of a file, and what it is a part of."""

    content: bytes
    state: State


class NoRanges(Exception):
    """The server gives files as a whole alone."""


class BrokenOff(InputError):
    """An answer was not what it should be; another one may be."""


class Server:
    """Gives parts of one file, from any thread, and counts them."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._store, self._path = _store(address)
        self.requests = self.bytes = 0

    def get(self, start: int, end: int) -> Answer:
        """Return the bytes from ``start`` up to ``end``, fewer if the file ends before; `NoRanges` if it cannot."""
        for attempt in range(1, ATTEMPTS):
            try:
                return self._got(start, end)
            except BrokenOff:
                time.sleep(2**attempt * random.uniform(0.05, 0.15))
        return self._got(start, end)

    def _got(self, start: int, end: int) -> Answer:
        with self._said():
            found = obstore.get(self._store, self._path, options={"range": (start, end)})
            content, state = b"".join(self._bounded(found, end - start)), _state(found.meta)
        self.requests += 1
        self.bytes += len(content)
        given, wanted = (found.range[0], found.range[0] + len(content)), (start, min(end, state.length))
        if given != wanted:
            said = f"the server gives bytes {given[0]} to {given[1]}, not {wanted[0]} to {wanted[1]}"
            raise BrokenOff(f"{self._address.shown}: {said}")
        return Answer(content, state)

    def _bounded(self, found: Any, most: int) -> Iterator[bytes]:
        for piece in found.stream():
            most -= len(piece)
            if most < 0:
                raise BrokenOff(f"{self._address.shown}: the server gives more than it was asked for")
            yield bytes(piece)

    @contextmanager
    def whole(self) -> Iterator[tuple[State, Iterator[bytes]]]:
        """Give what the server says of the file, and the whole of it, in pieces."""
        try:
            with self._said():
                found = obstore.get(self._store, self._path)
        except NoRanges:
            raise InputError(f"{self._address.shown}: the server gives neither parts of it nor all of it") from None
        self.requests += 1
        yield _state(found.meta), self._pieces(found)

    def _pieces(self, found: Any) -> Iterator[bytes]:
        with self._said():
            for piece in found.stream(min_chunk_size=1 << 20):
                self.bytes += len(piece)
                yield bytes(piece)

    @contextmanager
    def _said(self) -> Iterator[None]:
        """Say in one line what is wrong; what obstore says names the URL, with its signature, so it is not kept."""
        try:
            yield
        except NotSupportedError:
            raise NoRanges from None
        except FileNotFoundError:
            raise InputError(f"{self._address.shown}: no such file (404)") from None
        except (BaseError, ValueError, OSError) as error:
            if "status: 416" in str(error):  # there is nothing: an empty file, or one that has become shorter
                raise NoRanges from None
            if re.search(BODY, str(error)):
                raise BrokenOff(f"{self._address.shown}: the answer of the server broke off") from None
            why = _reason(error) if self._address.scheme in WEB else f"cannot be read ({reason(error)})"
            raise InputError(f"{self._address.shown}: {why}") from None


def _store(address: Address) -> tuple[Any, str]:
    """Return a store, and the path in it."""
    if address.scheme in WEB:
        return HTTPStore(address.url, client_options=CLIENT, retry_config=RETRY), ""
    bucket, _, key = address.url.partition("://")[2].partition("/")
    return open_bucket(address.scheme, bucket), key


def _state(meta: Any) -> State:
    when: datetime = meta["last_modified"]
    modified = "" if when.timestamp() == NEVER else when.isoformat()
    return State(meta["size"], meta["e_tag"] or modified)


def _reason(error: Exception) -> str:
    """Return what is wrong, from the words of obstore, of which no version promises any."""
    said = str(error)
    if isinstance(error, PermissionDeniedError):
        return "may not be read (403): the signature has expired, or the credentials do not suffice"
    if isinstance(error, UnauthenticatedError):
        return "may not be read without credentials (401)"
    if status := re.search(r"status: (\d{3})", said):
        code = int(status[1])
        return f"the server answers {code} {responses.get(code, '')}".rstrip()
    for pattern, words in REASONS:
        if found := re.search(pattern, said):
            return words.format(*found.groups())
    return f"cannot be read ({reason(error)})"


BODY = r"kind: (Body|Interrupted|Decode)|IncompleteBody|IncompleteMessage"
REASONS = (
    (r"Requested (\d+)\.\.(\d+), got (\d+)\.\.(\d+)", "the server gives bytes {2} to {3}, not {0} to {1}"),
    (r"Content-Length Header missing", "the server does not say how long it is; download it by other means"),
    (r"TooManyRedirects", "the server redirects in a circle"),
    (r"InvalidCertificate\((?:\s*Other\(\s*OtherError\()?\s*(\w+)", "the server's certificate is not valid ({})"),
    (r"kind: Timeout|TimedOut", "the server does not answer in time"),
    (r"failed to lookup address information: ([^\"]*)", "the server is not found ({})"),
    (r"message: \"([^\"]*)\"", "the server is not reached ({})"),
    (r"CorruptMessage|InvalidMessage|HandshakeFailure", "the server speaks no TLS that can be used"),
    (r"kind: Connect", "the server is not reached"),
)
