"""From the segments of a path to an answer."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import tileframe
from tileframe import InputError, OptionError, PluginError, TileframeError
from tileframe.serialize import to_builtins
from tileframe_serve import beside, iiif, pages
from tileframe_serve.access import EVERYTHING, LONGEST, SESSION, Access
from tileframe_serve.answers import Answer, Refused, as_json, as_linked, as_page
from tileframe_serve.asking import Served
from tileframe_serve.catalogue import Entry
from tileframe_serve.kitchen import Receive
from tileframe_serve.metrics import Metrics
from tileframe_serve.opened import Held, Shown
from tileframe_serve.requests import Request
from tileframe_serve.slides import Slide
from tileframe_serve.stored import Stored
from tileframe_storage.media import media_type

LD = 'application/ld+json;profile="{}"'


class Routes:
    """Answers requests that were let in."""

    def __init__(self, served: Served, access: Access, metrics: Metrics) -> None:
        self.served, self.access, self.metrics = served, access, metrics

    async def answer(self, request: Request, receive: Receive, base: str) -> tuple[str, Answer]:
        """Return a word for the kind of request, and the answer; ``base`` is the server's address for clients."""
        match request.segments:
            case ["slides", name, layout, *key] if key and layout not in ("", "associated"):
                entry = await self.served.entry(name, receive)
                return "tile", await self._file(request, receive, entry, layout, "/".join(key))
            case ["iiif", "3", name, *parts]:
                return "iiif", await self._iiif(request, receive, await self.served.entry(name, receive), parts, base)
            case ["slides", name]:
                return "page", _moved(f"{(await self.served.entry(name, receive)).id}/")
            case ["slides", name, *parts]:
                return "slide", await self._slide(request, receive, await self.served.entry(name, receive), parts, base)
            case [""]:
                await self.served.search(receive)
                return "page", as_page(pages.gallery(self.served.catalogue.entries.values(), self.served.known))
            case ["index.json"]:
                await self.served.search(receive)
                entries = self.served.catalogue.entries.values()
                return "index", as_json({"slides": [{"id": one.id, "name": one.name} for one in entries]})
            case ["openapi.json"]:
                return "index", Answer(_openapi(), "application/json")
            case ["metrics"]:
                self.metrics.gauge(self.served.gauges())
                return "metrics", Answer(self.metrics.text(), Metrics.media_type)
        raise Refused(404, "there is nothing at this address")

    async def _file(self, request: Request, receive: Receive, entry: Entry, layout: str, key: str) -> Answer:
        """Return a tile or a descriptor of a layout."""
        held = await self.served.open(entry, receive)
        shown = held.shown
        found = shown.layouts.get(layout)
        if found is None:
            raise Refused(404, f"it is served as {', '.join(shown.layouts)}, not as {layout}"[:200])
        if not isinstance(shown, Slide):
            data = await self._stored(held, shown, key, receive)
            return Answer(data, media_type(key), tag=hashlib.sha256(data).hexdigest()[:20])
        tile = found.address(key) or found.extras.get(key)
        if tile is None:
            described = found.descriptor().get(key)
            if described is None:
                raise Refused(404, "the pyramid has no such tile")
            return Answer(described, media_type(key), tag=shown.version)
        if request.knows(shown.version):
            return Answer(status=304, tag=shown.version)
        try:
            own = shown.at_once(layout, tile) if shown.is_local else None  # a server is waited for in a thread
        except InputError as error:
            raise self.served.refusal(entry, error) from error
        if own is None:
            own = await self.served.make(held, (layout, tile), partial(shown.tile, layout, tile), receive)
        return Answer(own, media_type(key), tag=shown.version)

    async def _stored(self, held: Held, shown: Stored, key: str, receive: Receive) -> bytes:
        """Return a file of a finished pyramid: from this machine at once, from elsewhere by a thread."""
        if not shown.owns(key):
            raise Refused(404, "the pyramid has no such file")
        try:
            if shown.is_local:
                return shown.file(key)
            return await self.served.make(held, key, partial(shown.file, key), receive)
        except KeyError as error:
            raise Refused(404, "the pyramid lacks this file") from error
        except TileframeError as error:
            raise self.served.refusal(held.entry, error) from error

    async def _iiif(self, request: Request, receive: Receive, entry: Entry, parts: list[str], base: str) -> Answer:
        """Return what the Image API has of a slide."""
        address = f"{base}/iiif/3/{entry.id}"
        if parts in ([], [""]):
            return Answer(status=303, headers=[("location", f"{address}/info.json")])
        if parts != ["info.json"] and len(parts) != 4:
            raise Refused(404, "the Image API has nothing at this address")
        held = await self.served.open(entry, receive)
        levels, version = held.shown.levels, held.shown.version
        if parts == ["info.json"]:
            record = iiif.info(address, levels, held.shown.pyramid.tile_size)
            wants_ld = "application/json" not in request.header(b"accept")
            kind = LD.format(iiif.CONTEXT) if wants_ld else "application/json"
            return as_linked(record, tag=version, type=kind, differs_by="Accept, ")
        try:
            picture = iiif.parse(parts, levels.base)
        except iiif.BadRequest as error:
            raise Refused(400, str(error)) from error
        if request.knows(version):
            return Answer(status=304, tag=version)
        data = await self.served.make(held, picture, partial(iiif.render, levels, picture), receive)
        return Answer(data, iiif.FORMATS[picture.format][1], tag=version)

    async def _slide(self, request: Request, receive: Receive, entry: Entry, parts: list[str], base: str) -> Answer:
        """Return the page of a slide, or what is known of it."""
        address = f"{base}/slides/{entry.id}"
        if parts == ["link.json"]:
            return self._link(request, entry, address)
        held = await self.served.open(entry, receive)
        shown = held.shown
        match parts:
            case [""]:
                try:
                    return as_page(pages.viewer(entry, shown, associated=self.served.settings.associated))
                except (OptionError, PluginError) as error:
                    raise self.served.refusal(entry, error) from error
            case ["thumbnail.jpg"]:
                return Answer(await self.served.thumbnail(held, receive), "image/jpeg", tag=f"{shown.version}-t")
            case ["manifest.json"]:
                record = iiif.manifest(f"{address}/manifest.json", f"{base}/iiif/3/{entry.id}",
                                       f"{address}/thumbnail.jpg", entry.name, shown.pyramid.base,
                                       pages.facts_of(shown))  # fmt: skip
                return as_linked(record, tag=shown.version, type=LD.format(iiif.PRESENTATION), differs_by="")
            case ["metadata.json"]:
                record = self._metadata(entry, shown)
                # They come and go without the slide.
                annotated = "-a" if record["annotations"] else ""
                return as_json(record, tag=f"{shown.version}{annotated}")
            case ["associated", file] if self.served.settings.associated and file in beside.images(shown):
                return await self._image(held, file, receive)
            case [beside.ANNOTATIONS] if (path := beside.annotations_path(entry, shown)) is not None:
                if (answer := await asyncio.to_thread(beside.annotations_file, path)) is not None:
                    return answer
        raise Refused(404, "the slide has nothing at this address")

    async def _image(self, held: Held, file: str, receive: Receive) -> Answer:
        """Return an associated image."""
        try:
            work = partial(beside.image, held.shown, file)
            data = await self.served.make(held, ("associated", file), work, receive)
        except KeyError as error:
            raise Refused(404, "the pyramid lacks this file") from error
        return Answer(data, media_type(file), tag=hashlib.sha256(data).hexdigest()[:20])

    def _metadata(self, entry: Entry, shown: Shown) -> dict[str, Any]:
        """Return what the manifest's list allows to be told, and where tiles are."""
        plan = shown.plan
        named = {name: layout.descriptor() for name, layout in shown.layouts.items()}
        associated = beside.images(shown) if self.served.settings.associated else ()
        annotated = beside.annotations_path(entry, shown) is not None
        return {
            "id": entry.id, "name": entry.name, "size": to_builtins(shown.pyramid.base),
            "tile_size": shown.pyramid.tile_size, "overlap": shown.pyramid.overlap,
            "layouts": {name: [f"{name}/{key}" for key in keys] for name, keys in named.items()},
            "associated": [beside.image_address(file) for file in associated],
            "annotations": beside.ANNOTATIONS if annotated else None,
            "promises": str(plan.promises) if plan else None,
            "plan": to_builtins(plan.published()) if plan else None,
        }  # fmt: skip

    def _link(self, request: Request, entry: Entry, address: str) -> Answer:
        """Return a signed link to one slide; who asks has given the token, not a link."""
        if self.access.is_open:
            raise Refused(404, "links are signed where the server has a token")
        if not self.access.is_token(request.bearer()):
            raise Refused(403, "a link is made for who has the token")
        seconds = request.parameters().get("seconds", "3600")
        if not (seconds.isascii() and seconds.isdecimal() and len(seconds) <= 12 and 1 <= int(seconds) <= LONGEST):
            raise Refused(400, f"seconds is from 1 to {LONGEST}")
        expires = int(time.time()) + int(seconds)
        query = f"expires={expires}&signature={self.access.signature(entry.id, expires)}"
        return as_json({"url": f"{address}/?{query}", "query": query, "expires": expires})

    def let_in(self, request: Request, base_path: str, *, secure: bool) -> Answer | None:
        """Say whether a request is let in: None for yes; an answer that gives a browser a cookie; else `Refused`."""
        access = self.access
        if access.is_open or access.is_token(request.bearer()):
            return None
        name = _slide_of(request.segments)
        if access.knows_cookie(request.header(b"cookie"), name):
            return None
        asked = request.parameters() if request.query else {}
        if access.is_token(asked.get("token", "")):
            cookie = access.cookie(EVERYTHING, int(time.time()) + SESSION, f"{base_path}/", secure=secure)
            return _moved("./", [("set-cookie", cookie)])
        if "signature" in asked:
            if not (name and access.is_signed(name, asked.get("expires", ""), asked["signature"])):
                raise Refused(403, "the link is not for this, or has expired")
            if request.segments[0] != "slides" or request.segments[-1]:
                return None
            cookie = access.cookie(name, int(asked["expires"]), f"{base_path}/slides/{name}/", secure=secure)
            return _moved("./", [("set-cookie", cookie)])
        raise Refused(401, "a token is needed", [("www-authenticate", "Bearer")])


def _slide_of(segments: list[str]) -> str:
    """Return the id of the slide that a path is about; empty for others."""
    match segments:
        case ["slides", name, *_] | ["iiif", "3", name, *_]:
            return name
    return ""


def _moved(location: str, headers: list[tuple[str, str]] | None = None) -> Answer:
    return Answer(status=303, headers=[("location", location), *(headers or [])])


@lru_cache(maxsize=1)
def _openapi() -> bytes:
    text = (Path(__file__).parent / "openapi.json").read_text(encoding="utf-8")
    return text.replace('"VERSION"', json.dumps(tileframe.__version__)).encode()
