"""What the URL of a slide says: where it is, what may be shown of that, and what it is called."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from tileframe import InputError

WEB = ("http", "https")
# What signs a URL for some hours, at Amazon, Google, Azure and CloudFront: another signature means no other file.
SIGNING = re.compile(
    r"x-(amz|goog)-.*|AWSAccessKeyId|GoogleAccessId|Signature|Expires|Key-Pair-Id|Policy", re.IGNORECASE
)
# Other reasons quote what they are about, which may be a part of a password.
TOLD = ("Port out of range 0-65535", "Invalid IPv6 URL")
AZURES = frozenset({"sig", "se", "sp", "sv", "sr", "st", "spr", "sip", "skoid", "sktid", "skt", "ske", "sks", "skv"})


@dataclass(frozen=True)
class Address:
    """The URL of a slide."""

    url: str = field(repr=False)
    """All of it: it may hold a password, or a signature, which is as good as one."""
    scheme: str
    shown: str
    """For people, and for whatever is written: without user, password, query and fragment."""
    name: str
    """Of the file."""
    identity: str = field(repr=False)
    """What two URLs of the same file have in common, however they are signed."""

    @classmethod
    def of(cls, url: str) -> Address:
        """Return what ``url`` says; `InputError` if it names no file."""
        scheme, _, rest = url.partition("://")
        scheme = scheme.lower()
        if scheme not in WEB:  # a key may hold any character
            bucket, _, key = rest.partition("/")
            name = key.rpartition("/")[2]
            shown, identity = f"{scheme}://{rest}", f"{scheme}://{rest}"
            if not bucket:
                raise InputError(f"{shown}: names no bucket; give {scheme}://BUCKET/KEY")
        else:
            try:
                parts = urlsplit(url)
                host = parts.hostname or ""
                host = f"[{host}]" if ":" in host else host
                host += f":{parts.port}" if parts.port else ""
            except ValueError as error:
                why = f" ({error})" if str(error) in TOLD else f"; give {scheme}://HOST:PORT/PATH"
                raise InputError(f"{scheme}://...: is no URL{why}") from None
            if not host:
                raise InputError(f"{scheme}://{parts.path}: names no server; give {scheme}://HOST/PATH")
            shown = f"{scheme}://{host}{parts.path}"
            name = unquote(PurePosixPath(parts.path).name)
            query = parse_qsl(parts.query, keep_blank_values=True)
            azure = any(word == "sig" for word, _ in query)
            kept = [pair for pair in query if not (SIGNING.fullmatch(pair[0]) or (azure and pair[0] in AZURES))]
            identity = f"{shown}?{urlencode(kept)}"
        if name in ("", ".", "..") or url.endswith("/"):
            raise InputError(f"{shown}: names no file; folders of slides are not read from URLs: give each slide")
        return cls(url, scheme, shown, re.sub(r"[/\\\0]", "_", name), identity)
