"""What is sent: an answer with the headers that all have, and its refusals."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from tileframe_serve.problems import NOTHING, policy, problem_page, problem_picture
from tileframe_storage.media import media_type

REASONS = {
    400: "Bad request", 401: "Not allowed", 403: "Not allowed", 404: "Not found", 405: "Method not allowed",
    414: "Address too long", 421: "Misdirected request", 500: "Cannot be read", 503: "Busy",
}  # fmt: skip
RETRY = 2
"""Seconds after which who was sent away may come again."""


PIECE = 1 << 18
"""Bytes of a file that are read and sent at a time."""


@dataclass(frozen=True, slots=True)
class Part:
    """The next bytes of an open file, which is closed when they are sent."""

    file: BinaryIO
    length: int


def whole(path: Path) -> tuple[Part, str]:
    """Open a file; return all of it, and a tag for it, which changes with it; `OSError` where it cannot be opened."""
    file = path.open("rb")
    state = os.fstat(file.fileno())
    return Part(file, state.st_size), f"{state.st_mtime_ns:x}-{state.st_size:x}"


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and body."""

    body: bytes = b""
    type: str = "application/octet-stream"
    status: int = 200
    tag: str | None = None
    """Of the ETag, without quotes; what has one may be kept by clients."""
    headers: Sequence[tuple[str, str]] = field(default=())
    part: Part | None = None
    """What is sent in place of a body that is too large to be held."""

    def raw_headers(self, common: Sequence[tuple[bytes, bytes]], keep: str) -> list[tuple[bytes, bytes]]:
        """Return all headers, as ASGI wants them."""
        length = len(self.body) if self.part is None else self.part.length
        found = [(b"content-length", b"%d" % length), *common]
        if self.status not in (204, 304):  # a browser would give these headers to the page that it has kept
            found.append((b"content-type", self.type.encode()))
            if not self.type.startswith("text/html"):
                found.append((b"content-security-policy", NOTHING.encode()))
        if self.tag is not None:
            found += [(b"etag", f'"{self.tag}"'.encode()), (b"cache-control", keep.encode())]
        elif not any(name == "cache-control" for name, _ in self.headers):
            found.append((b"cache-control", b"no-store"))
        found += [(name.encode(), value.encode("latin-1", "replace")) for name, value in self.headers]
        return found


class Refused(Exception):
    """A request that gets no answer but why not."""

    def __init__(self, status: int, text: str, headers: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(text)
        self.status, self.text, self.headers = status, text, headers


def as_json(
    record: Mapping[str, Any],
    *,
    tag: str | None = None,
    type: str = media_type(".json"),
    headers: Sequence[tuple[str, str]] = (),
) -> Answer:
    """Return an answer of JSON."""
    return Answer(json.dumps(record, indent=1).encode(), type, tag=tag, headers=headers)


def as_linked(record: Mapping[str, Any], *, tag: str, type: str, differs_by: str) -> Answer:
    """Return an answer of JSON with addresses of the server in it; it also differs by the headers ``differs_by``.

    Caches of which the key is not the name by which a client calls the server would else mix up its names.
    """
    tag = hashlib.sha256(f"{tag} {type} {json.dumps(record)}".encode()).hexdigest()[:20]
    return as_json(record, tag=tag, type=type, headers=[("vary", f"{differs_by}Host")])


def as_page(text: str, *, status: int = 200, headers: Sequence[tuple[str, str]] = ()) -> Answer:
    """Return a page, with the policy that it has in itself; it is asked for again each time."""
    kept = [("content-security-policy", policy(text)), ("cache-control", "no-cache"), *headers]
    return Answer(text.encode("utf-8", "replace"), media_type(".html"), status, headers=kept)


def refusal(refused: Refused, accept: str, home: str = "") -> Answer:
    """Return why not: as a picture in place of what cannot be read, as a page for people, and as JSON for all others.

    A page has a link to the gallery, if ``home`` has its address. A browser shows a picture that comes with an error's
    status, too. A server that is busy sends none: the page then offers to ask again.
    """
    headers = list(refused.headers)
    if refused.status == 503:
        headers.append(("retry-after", str(RETRY)))
    title = REASONS.get(refused.status, "Error")
    if refused.status == 500 and "image/" in accept and "text/html" not in accept:
        return Answer(problem_picture("cannot be read"), "image/png", refused.status, headers=headers)
    if "text/html" in accept:
        return as_page(problem_page(title, refused.text, home), status=refused.status, headers=headers)
    record = {"status": refused.status, "title": title, "detail": refused.text}
    body = json.dumps(record).encode()
    return Answer(body, "application/problem+json", refused.status, headers=headers)
