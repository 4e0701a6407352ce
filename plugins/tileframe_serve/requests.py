"""A request, as it came: its path in segments, each decoded once, and never the server's idea of the whole."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

from tileframe_serve.answers import Refused

LONGEST = 4096
"""Bytes of a path."""
ESCAPE = re.compile("%(?![0-9A-Fa-f]{2})")
CONTROLS = re.compile("[\x00-\x1f\x7f\\\\]")


@dataclass(frozen=True, slots=True)
class Request:
    """Method, path and headers."""

    method: str
    path: str
    """As it was sent, without what follows a question mark."""
    segments: list[str]
    query: bytes
    headers: dict[bytes, bytes]

    @classmethod
    def of(cls, scope: Any) -> Request:
        """Return what ``scope`` says; `Refused` for a path that cannot be one."""
        raw: bytes = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogateescape")
        if len(raw) > LONGEST:
            raise Refused(414, f"a path has {LONGEST:,} bytes at most")
        path = raw.decode("latin-1")
        if not path.startswith("/"):
            raise Refused(400, "a path begins with a slash")
        return cls(scope["method"], path, _segments(path), scope["query_string"], dict(scope["headers"]))

    def header(self, name: bytes) -> str:
        """Return a header; empty where there is none."""
        return self.headers.get(name, b"").decode("latin-1")

    def bearer(self) -> str:
        """Return the token of the header Authorization; the text itself where no scheme is before it."""
        given = self.headers.get(b"authorization", b"")
        scheme, _, token = given.partition(b" ")
        return (token if scheme.lower() == b"bearer" else given).strip().decode("utf-8", "surrogateescape")

    def knows(self, tag: str) -> bool:
        """Say whether the client has what has this ETag."""
        known = self.headers.get(b"if-none-match")
        return known is not None and (f'"{tag}"'.encode() in known or known.strip() == b"*")

    def parameters(self) -> dict[str, str]:
        """Return what follows the question mark."""
        try:
            return dict(parse_qsl(self.query.decode("latin-1"), max_num_fields=20))
        except ValueError as error:
            raise Refused(400, "there are too many parameters") from error


def _segments(path: str) -> list[str]:
    parts = path[1:].split("/")
    if "%" not in path:
        segments = (
            parts if path.isascii() else [part.encode("latin-1").decode("utf-8", "surrogateescape") for part in parts]
        )
    elif ESCAPE.search(path):
        raise Refused(400, "a % in a path is followed by two hexadecimal digits")
    else:
        segments = [unquote_to_bytes(part.encode("latin-1")).decode("utf-8", "surrogateescape") for part in parts]
    for segment in segments:
        if segment in (".", "..") or CONTROLS.search(segment):
            raise Refused(400, "a path has no . or .. in it, and no control characters or backslashes")
    return segments
