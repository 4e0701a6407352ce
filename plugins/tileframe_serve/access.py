"""Who may ask: a token for all that is served, and signed links to one slide that expire."""

from __future__ import annotations

import hashlib
import hmac
import time
from http.cookies import CookieError, SimpleCookie

COOKIE = "tileframe"
EVERYTHING = "*"
"""What the cookie of who has given the token is signed for."""
SESSION = 12 * 3600
LONGEST = 366 * 86400
"""Seconds of the longest link."""


class Access:
    """Checks tokens and signatures; None for a token lets everybody in."""

    def __init__(self, token: str | None) -> None:
        self._token = None if token is None else token.encode("utf-8", "surrogateescape")

    @property
    def is_open(self) -> bool:
        """Whether everybody may ask."""
        return self._token is None

    def is_token(self, text: str) -> bool:
        """Say whether ``text`` is the token."""
        return self._token is not None and hmac.compare_digest(text.encode("utf-8", "surrogateescape"), self._token)

    def signature(self, name: str, expires: int) -> str:
        """Return the signature of a link to the slide ``name`` that ends at ``expires``, in seconds since 1970."""
        assert self._token is not None
        return hmac.new(self._token, f"{name}\n{expires}".encode(), hashlib.sha256).hexdigest()

    def is_signed(self, name: str, expires: str, signature: str) -> bool:
        """Say whether it is a signature for ``name``, and has not expired."""
        if not (expires.isascii() and expires.isdecimal() and len(expires) <= 12 and signature.isascii()):
            return False
        wanted = self.signature(name, int(expires))
        return hmac.compare_digest(signature, wanted) and int(expires) > time.time()

    def cookie(self, name: str, expires: int, path: str, *, secure: bool) -> str:
        """Return the header's value that lets a browser into ``path``, until then, for what is signed for ``name``."""
        age = max(0, expires - int(time.time()))
        value = f"{expires}.{self.signature(name, expires)}"
        return f"{COOKIE}={value}; Path={path}; Max-Age={age}; HttpOnly; SameSite=Lax{'; Secure' if secure else ''}"

    def knows_cookie(self, header: str, name: str) -> bool:
        """Say whether the cookies of a request let it in to ``name``."""
        # Two of one name come where both a session and a link were used: each is looked at.
        for part in header.split(";"):
            try:
                found = SimpleCookie(part).get(COOKIE)
            except CookieError:
                continue
            if found is not None:
                expires, _, signature = found.value.partition(".")
                if self.is_signed(EVERYTHING, expires, signature) or (
                    name and self.is_signed(name, expires, signature)
                ):
                    return True
        return False
