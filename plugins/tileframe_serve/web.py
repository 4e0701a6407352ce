"""The ASGI application without what it serves: names it answers to, headers, refusals, and the access log."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TextIO
from urllib.parse import urlsplit

from tileframe_serve.answers import PIECE, Answer, Part, Refused, refusal
from tileframe_serve.kitchen import Gone, Receive, disconnected
from tileframe_serve.requests import Request
from tileframe_serve.settings import LOOPBACK, Settings

Send = Callable[[Any], Awaitable[None]]
LOG = logging.getLogger("tileframe_serve")
METHODS = "GET, HEAD, OPTIONS"


class Web:
    """Answers requests to one server; a subclass has `answer`, and may have the others that do nothing here."""

    def __init__(self, settings: Settings, keep: str) -> None:
        """``keep`` is the Cache-Control of what has an ETag."""
        self.settings, self._keep = settings, keep
        self.home = ""
        """The address of the gallery, where there is one."""
        self._hosts = _hosts(settings)
        self._common = [
            (b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"),
            (b"cross-origin-resource-policy", b"cross-origin" if settings.cors else b"same-origin"),
        ]  # fmt: skip
        self._log = _opened_log(settings.access_log)

    async def answer(self, request: Request, receive: Receive, base: str) -> tuple[str, Answer]:
        """Return a word for the kind of request, and the answer; ``base`` is the server's address for clients."""
        raise NotImplementedError

    def count(self, kind: str, status: int, seconds: float, sent: int) -> None:
        """Count an answer."""

    async def begin(self) -> None:
        """Begin with the server."""

    async def end(self) -> None:
        """End with the server."""

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer one request, or begin and end with the server."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:  # a websocket, of which there is none here
            await send({"type": "websocket.close"})

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        logging.getLogger("uvicorn.error").addFilter(_is_told)
        await self.begin()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.end()
        await send({"type": "lifespan.shutdown.complete"})

    async def _http(self, scope: Any, receive: Receive, send: Send) -> None:
        start, kind, request = time.perf_counter(), "refused", None
        try:
            request = Request.of(scope)
            kind, answer = await self._allowed(scope, request, receive)
        except Refused as refused:
            accept = request.header(b"accept") if request else ""
            answer = refusal(refused, accept, self.home if refused.status != 401 else "")
        except Gone:
            self.count("gone", 499, time.perf_counter() - start, 0)
            return
        except Exception:  # one request of many: the others go on
            LOG.exception("a request failed: %r", scope.get("path"))
            answer = refusal(Refused(500, "the server has failed; its log says how"), "")
        if request is not None and answer.tag is not None and answer.status in (200, 206) and request.knows(answer.tag):
            if answer.part is not None:
                answer.part.file.close()
            answer = Answer(status=304, tag=answer.tag, headers=[one for one in answer.headers if one[0] == "vary"])
        headers = answer.raw_headers(self._common, self._keep)
        if self.settings.cors and request is not None:
            headers += self._cors(request)
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if answer.part is not None:
            sent = await _send_part(answer.part, receive, send, is_wanted=scope["method"] != "HEAD")
        else:
            body = b"" if scope["method"] == "HEAD" else answer.body
            await send({"type": "http.response.body", "body": body})
            sent = len(body)
        seconds = time.perf_counter() - start
        self.count(kind, answer.status, seconds, sent)
        if self._log is not None:
            self._write(scope, answer.status, sent, seconds)

    async def _allowed(self, scope: Any, request: Request, receive: Receive) -> tuple[str, Answer]:
        host = request.header(b"host")
        if self._hosts is not None and _name(host) not in self._hosts:
            # Another site may point its own name at this address, and so read what its page may not (DNS rebinding).
            raise Refused(421, "the server is not called that; --url names the address that clients see")
        if request.method == "OPTIONS":
            return "options", Answer(status=204, headers=[("allow", METHODS)])
        if request.method not in ("GET", "HEAD"):
            raise Refused(405, "everything here is only read", [("allow", METHODS)])
        return await self.answer(request, receive, self.settings.url or f"{scope.get('scheme', 'http')}://{host}")

    def _cors(self, request: Request) -> list[tuple[bytes, bytes]]:
        origin = request.header(b"origin")
        allowed = "*" if "*" in self.settings.cors else origin if origin in self.settings.cors else ""
        headers = [] if allowed == "*" else [(b"vary", b"Origin")]
        if not allowed:
            return headers
        headers.append((b"access-control-allow-origin", allowed.encode("latin-1")))
        if request.method == "OPTIONS":
            headers += [(b"access-control-allow-methods", METHODS.encode()), (b"access-control-max-age", b"86400"),
                        (b"access-control-allow-headers", b"Authorization, If-None-Match")]  # fmt: skip
        return headers

    def _write(self, scope: Any, status: int, sent: int, seconds: float) -> None:
        """Write a line of the access log; without what follows a question mark, which may be a token."""
        client = scope.get("client") or ("", 0)
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"), "client": client[0],
            "method": scope["method"], "path": (scope.get("raw_path") or b"").decode("latin-1")[:500],
            "status": status, "bytes": sent, "ms": round(seconds * 1000, 2),
        }  # fmt: skip
        try:
            print(json.dumps(line), file=self._log, flush=True)
        except OSError as error:  # the disk is full, or who read it has gone: slides are served all the same
            LOG.error("the access log cannot be written any more (%s), and ends here", error.strerror)
            self.close_log()
            self._log = None

    def close_log(self) -> None:
        """Close the access log."""
        if self._log is not None and self._log is not sys.stdout:
            with suppress(OSError):  # what it still holds is lost
                self._log.close()


async def _send_part(part: Part, receive: Receive, send: Send, *, is_wanted: bool) -> int:
    """Send a part of a file piece by piece, as long as the client is there; return how many bytes were sent."""
    left, gone = part.length if is_wanted else 0, asyncio.ensure_future(disconnected(receive))
    try:
        while left and not gone.done() and (piece := await asyncio.to_thread(part.file.read, min(left, PIECE))):
            left -= len(piece)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        # Not where the file was cut meanwhile: the rest of the length that was announced will never come.
        if not left:
            await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()
        part.file.close()
    return part.length - left if is_wanted else 0


def _is_told(record: logging.LogRecord) -> bool:
    """Say whether a line of uvicorn's log is shown: no traceback of a request that was cut when the server ended."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


def _opened_log(path: str | None) -> TextIO | None:
    if path is None:
        return None
    return sys.stdout if path == "-" else open(path, "a", encoding="utf-8")


def _hosts(settings: Settings) -> set[str] | None:
    """Return the names by which the server may be called; None for any, where it serves other machines anyway."""
    if settings.host not in LOOPBACK:
        return None
    own = urlsplit(settings.url).hostname if settings.url else None
    return {*LOOPBACK, *([own] if own else [])}


@lru_cache(maxsize=256)
def _name(host: str) -> str:
    """Return the name in a header Host; empty where there is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
