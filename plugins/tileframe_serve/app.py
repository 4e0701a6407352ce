"""The application of ``tileframe serve``: slides and pyramids of a catalogue; for uvicorn, and for tests."""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
from contextlib import suppress
from urllib.parse import urlsplit

from tileframe.registry import Registry, load
from tileframe_serve import pages
from tileframe_serve.access import Access
from tileframe_serve.answers import Answer
from tileframe_serve.asking import Served
from tileframe_serve.catalogue import Catalogue
from tileframe_serve.kitchen import Receive
from tileframe_serve.metrics import Metrics, remove_folder
from tileframe_serve.requests import Request
from tileframe_serve.routes import Routes
from tileframe_serve.settings import Settings
from tileframe_serve.web import Web
from tileframe_storage.media import media_type

MAX_AGE = 300
"""Seconds for which a client need not ask again for what has an ETag."""
TIDIED = 5.0
"""Seconds between two looks at what is open."""


class App(Web):
    """Serves what ``settings`` names."""

    def __init__(self, settings: Settings, registry: Registry, catalogue: Catalogue | None = None) -> None:
        super().__init__(settings, f"{'private' if settings.token else 'public'}, max-age={MAX_AGE}")
        self.home = f"{settings.url or ''}/"
        self.served = Served(settings, registry, catalogue or Catalogue(settings.paths, registry))
        self.metrics = Metrics()
        self.routes = Routes(self.served, Access(settings.token), self.metrics)
        self._path = urlsplit(settings.url).path if settings.url else ""
        self._tasks: list[asyncio.Task[None]] = []

    async def answer(self, request: Request, receive: Receive, base: str) -> tuple[str, Answer]:
        """Return what everybody may have, and what the routes have for who is let in."""
        match request.segments:
            case ["healthz"]:
                return "health", Answer(b"ok\n", "text/plain; charset=utf-8")
            case ["favicon.ico"]:
                return "asset", Answer(*pages.icon(), headers=[("cache-control", f"public, max-age={MAX_AGE}")])
            case ["assets", name] if name in pages.assets():
                # Their names carry digests: what is in them never changes.
                lasting = [("cache-control", "public, max-age=31536000, immutable")]
                return "asset", Answer(pages.assets()[name], media_type(name), headers=lasting)
        moved = self.routes.let_in(request, self._path, secure=base.startswith("https:"))
        if moved is not None:
            return "login", moved
        return await self.routes.answer(request, receive, base)

    def count(self, kind: str, status: int, seconds: float, sent: int) -> None:
        """Count an answer."""
        self.metrics.count(kind, status, seconds, sent)

    async def begin(self) -> None:
        """Begin to make thumbnails, and to close what nobody asks for."""
        self._tasks = [asyncio.create_task(self.served.make_thumbnails()), asyncio.create_task(self._tidy())]

    async def end(self) -> None:
        """End that, and close all that is open."""
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError, Exception):
                await task
        await self.served.close()
        self.close_log()

    async def _tidy(self) -> None:
        """Close what nobody asks for, and set the gauges, which another worker process may be asked for."""
        parent = multiprocessing.parent_process()
        while True:
            if parent is not None and not parent.is_alive():  # it was killed: nobody would ever end this process
                remove_folder()
                signal.raise_signal(signal.SIGTERM)
            self.served.opened.close_unused()
            self.metrics.gauge(self.served.gauges())
            await asyncio.sleep(TIDIED)


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
