"""The ASGI application: a request in, an answer out; for uvicorn, and for tests."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TextIO
from urllib.parse import urlsplit

from tileframe.registry import Registry, load
from tileframe_serve import pages
from tileframe_serve.access import Access
from tileframe_serve.answers import Answer, Refused, as_type, refusal
from tileframe_serve.asking import Served
from tileframe_serve.catalogue import Catalogue
from tileframe_serve.kitchen import Gone, Receive
from tileframe_serve.metrics import Metrics
from tileframe_serve.requests import Request
from tileframe_serve.routes import Routes
from tileframe_serve.settings import LOOPBACK, Settings

Send = Callable[[Any], Awaitable[None]]
LOG = logging.getLogger("tileframe_serve")
METHODS = "GET, HEAD, OPTIONS"
MAX_AGE = 300
"""Seconds for which a client need not ask again for what has an ETag."""
TIDIED = 5.0
"""Seconds between two looks at what is open."""


class App:
    """Serves what ``settings`` names."""

    def __init__(self, settings: Settings, registry: Registry, catalogue: Catalogue | None = None) -> None:
        self.settings = settings
        self.served = Served(settings, registry, catalogue or Catalogue(settings.paths, registry))
        self.metrics = Metrics()
        self.routes = Routes(self.served, Access(settings.token), self.metrics)
        self._hosts = _hosts(settings)
        self._path = urlsplit(settings.url).path if settings.url else ""
        scope = "private" if settings.token else "public"
        self._keep = f"{scope}, max-age={MAX_AGE}"
        self._common = [
            (b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"),
            (b"cross-origin-resource-policy", b"cross-origin" if settings.cors else b"same-origin"),
        ]  # fmt: skip
        self._log = _opened_log(settings.access_log)
        self._tasks: list[asyncio.Task[None]] = []

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Answer one request, or start and end with the server."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        else:  # a websocket, of which there is none here
            await send({"type": "websocket.close"})

    async def _http(self, scope: Any, receive: Receive, send: Send) -> None:
        start, kind, request = time.perf_counter(), "refused", None
        try:
            request = Request.of(scope)
            kind, answer = await self._answer(scope, request, receive)
        except Refused as refused:
            answer = refusal(refused, request.header(b"accept") if request else "")
        except Gone:
            self.metrics.count("gone", 499, time.perf_counter() - start, 0)
            return
        except Exception:  # one request of many: the others go on
            LOG.exception("a request failed: %r", scope.get("path"))
            answer = refusal(Refused(500, "the server has failed; its log says how"), "")
        if request is not None and answer.tag is not None and answer.status == 200 and request.knows(answer.tag):
            answer = Answer(status=304, tag=answer.tag)
        headers = answer.raw_headers(self._common, self._keep)
        if self.settings.cors and request is not None:
            headers += self._cors(request)
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        body = b"" if scope["method"] == "HEAD" else answer.body
        await send({"type": "http.response.body", "body": body})
        seconds = time.perf_counter() - start
        self.metrics.count(kind, answer.status, seconds, len(body))
        if self._log is not None:
            self._write(scope, answer.status, len(body), seconds)

    async def _answer(self, scope: Any, request: Request, receive: Receive) -> tuple[str, Answer]:
        host = request.header(b"host")
        if self._hosts is not None and _name(host) not in self._hosts:
            # Another site may point its own name at this address, and so read what its page may not (DNS rebinding).
            raise Refused(421, "the server is not called that; --url names the address that clients see")
        if request.method == "OPTIONS":
            return "options", Answer(status=204, headers=[("allow", METHODS)])
        if request.method not in ("GET", "HEAD"):
            raise Refused(405, "everything here is only read", [("allow", METHODS)])
        match request.segments:
            case ["healthz"]:
                return "health", Answer(b"ok\n", "text/plain; charset=utf-8")
            case ["favicon.ico"]:
                return "asset", Answer(*pages.icon(), headers=[("cache-control", f"public, max-age={MAX_AGE}")])
            case ["assets", name] if name in pages.assets():
                # Their names carry digests: what is in them never changes.
                lasting = [("cache-control", "public, max-age=31536000, immutable")]
                return "asset", Answer(pages.assets()[name], as_type(name), headers=lasting)
        base = self.settings.url or f"{scope.get('scheme', 'http')}://{host}"
        moved = self.routes.let_in(request, self._path, secure=base.startswith("https:"))
        if moved is not None:
            return "login", moved
        return await self.routes.answer(request, receive, base)

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

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._tasks = [asyncio.create_task(self.served.make_thumbnails()), asyncio.create_task(self._tidy())]
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError, Exception):
                await task
        await asyncio.to_thread(self.close)
        await send({"type": "lifespan.shutdown.complete"})

    async def _tidy(self) -> None:
        """Close what nobody asks for, and set the gauges, which another worker process may be asked for."""
        while True:
            self.served.opened.close_unused()
            self.metrics.gauge(self.served.gauges())
            await asyncio.sleep(TIDIED)

    def close(self) -> None:
        """Close all that is open, when what is being made is done."""
        self.served.close()
        if self._log is not None and self._log is not sys.stdout:
            self._log.close()

    def _write(self, scope: Any, status: int, sent: int, seconds: float) -> None:
        """Write a line of the access log; without what follows a question mark, which may be a token."""
        client = scope.get("client") or ("", 0)
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"), "client": client[0],
            "method": scope["method"], "path": (scope.get("raw_path") or b"").decode("latin-1")[:500],
            "status": status, "bytes": sent, "ms": round(seconds * 1000, 2),
        }  # fmt: skip
        print(json.dumps(line), file=self._log, flush=True)


def create_app() -> App:
    """Return the application of a worker process, with the settings that its parent has left."""
    settings = Settings.of_environment()
    registry = load()
    no_threads_of_opencv()
    return App(settings, registry.isolated() if settings.isolate else registry)


def no_threads_of_opencv() -> None:
    """Let OpenCV start no threads: the server has as many as it was told."""
    import cv2

    cv2.setNumThreads(1)


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


def _name(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
