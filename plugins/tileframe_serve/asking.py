"""Opens what a request is about and makes what it asks for, in the bounds that the server has."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Hashable
from functools import partial
from typing import Any, TypeVar

from tileframe import Size, TileframeError
from tileframe_serve import iiif
from tileframe_serve.answers import Refused
from tileframe_serve.catalogue import Catalogue, Entry
from tileframe_serve.kitchen import Busy, Kept, Kitchen, Receive
from tileframe_serve.opened import Held, Opened
from tileframe_serve.settings import Settings

T = TypeVar("T")

LOG = logging.getLogger("tileframe_serve")
FORGOTTEN = 5.0
"""Seconds for which a slide that could not be opened is not tried again."""
SEARCHED = 30.0
"""Seconds for which the folders are taken to hold what they held."""
SEARCHED_ANEW = 2.0
"""The same, where somebody asks for what was not found in them."""
THUMBNAIL = 256


class Served:
    """Catalogue, open slides, kept tiles and threads of one process."""

    def __init__(self, settings: Settings, registry: Any, catalogue: Catalogue) -> None:
        self.settings, self.catalogue = settings, catalogue
        self.opened = Opened(settings, registry)
        self.kept = Kept(settings.cache << 20)
        self.kitchen = Kitchen(settings.threads, settings.queue, settings.seconds)
        self.known: dict[str, tuple[Size, float | None]] = {}
        """Of what was open once: size, and micrometres per pixel."""
        self._broken: dict[str, tuple[float, Refused]] = {}
        self._searched = time.monotonic()

    async def entry(self, name: str, receive: Receive) -> Entry:
        """Return the entry of an id."""
        entry = self.catalogue.entries.get(name)
        if entry is None:  # it may be new: the gallery that names it may have been another process's
            await self.search(receive, after=SEARCHED_ANEW)
            entry = self.catalogue.entries.get(name)
        if entry is None:
            raise Refused(404, "there is no such slide here")
        return entry

    async def search(self, receive: Receive, *, after: float | None = None) -> None:
        """Look into the folders again, if that was not done in the last ``after`` seconds; `SEARCHED` without."""
        if time.monotonic() - self._searched > (SEARCHED if after is None else after) or "search" in self.kitchen:
            self._searched = time.monotonic()
            try:
                await self.kitchen.make("search", self.catalogue.search, then=lambda _: None, receive=receive)
            except (TileframeError, Busy):  # nothing is there now, or no time: what was there is shown as broken
                return

    async def open(self, entry: Entry, receive: Receive) -> Held:
        """Return what is open of ``entry``; `Refused` where it cannot be opened."""
        if (held := self.opened.peek(entry)) is not None:
            return held
        until, refused = self._broken.get(entry.id, (0.0, None))
        if refused is not None and time.monotonic() < until:
            raise Refused(refused.status, refused.text)
        work = partial(self.opened.open, entry)
        opening = self.kitchen.make(("open", entry.id), work, then=self._keep, receive=receive)
        try:
            held = await self._said(entry, opening)
        except Refused as error:
            if error.status != 503:
                self._broken[entry.id] = (time.monotonic() + FORGOTTEN, error)
            raise
        # Others that were opened at the same moment may have taken its place already.
        return await self.open(entry, receive) if held.is_closed else held

    async def make(self, held: Held, key: Hashable, work: Callable[[], bytes], receive: Receive) -> bytes:
        """Return the bytes that ``work`` makes of what is open, or that are kept of it."""
        whole = (held.entry.id, held.shown.version, key)
        if (found := self.kept.get(whole)) is not None:
            return found
        then = partial(self.kept.put, whole)
        return await self._said(held.entry, self.kitchen.make(whole, work, then=then, receive=receive, uses=held))

    async def thumbnail(self, held: Held, receive: Receive) -> bytes:
        """Return a small JPEG of all of it."""
        levels = held.shown.levels
        whole = iiif.parse(["full", "max", "0", "default.jpg"], levels.base)
        picture = iiif.sized(whole, iiif.fitting(levels.base, THUMBNAIL))
        return await self.make(held, "thumbnail", partial(iiif.render, levels, picture), receive)

    async def make_thumbnails(self) -> None:
        """Make the thumbnails of all that is served, one after the other; what cannot be opened is passed over."""
        for entry in list(self.catalogue.entries.values()):
            try:
                await self.thumbnail(await self.open(entry, never), never)
            except Refused:
                continue
            except Exception:  # of a plugin, say: it is told when somebody asks for that slide, too
                LOG.exception("no thumbnail could be made of %r", entry.name)

    def gauges(self) -> dict[str, float]:
        """Return how much of everything there is now, by the names of `Metrics`."""
        return {"open_slides": len(self.opened), "cache_bytes": self.kept.bytes, "queue": len(self.kitchen)}

    async def close(self) -> None:
        """Close all that is open, when what is being made is done."""
        await asyncio.to_thread(self.kitchen.close)
        self.opened.close()

    def refusal(self, entry: Entry, error: Exception) -> Refused:
        """Return how a client is told of ``error``: without any path of this machine."""
        if entry.is_gone:
            return Refused(404, f"{entry.name}: is no longer there")
        said = str(error).replace(entry.target, entry.name)
        given = entry.target.removesuffix(entry.name).rstrip(os.sep)
        for folder in (os.path.dirname(entry.target), given, entry.root or "", os.path.realpath(given or os.curdir)):
            if os.path.isabs(folder) and folder != os.path.dirname(folder):  # a descriptor's name is not the target's
                said = said.replace(f"{folder}{os.sep}", "").replace(folder, "its folder")
        return Refused(500, said)

    def _keep(self, held: Held) -> None:
        self.opened.keep(held)
        plan = held.shown.plan
        mpp = plan.source.mpp[0] if plan is not None and plan.source.mpp else None
        self.known[held.entry.id] = (held.shown.pyramid.base, mpp)

    async def _said(self, entry: Entry, waiting: Awaitable[T]) -> T:
        try:
            return await waiting
        except TileframeError as error:
            raise self.refusal(entry, error) from error
        except Busy as error:
            raise Refused(503, str(error)) from error
        except MemoryError as error:
            raise Refused(503, "there is not enough memory for it now") from error


async def never() -> Any:
    """Stand for a client that does not go away."""
    await asyncio.Event().wait()
