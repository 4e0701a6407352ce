"""The index of a folder of pyramids: ``index.json``, and ``index.html``, a gallery that needs no server."""

from __future__ import annotations

import hashlib
import json
import os
import re
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from html import escape
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import quote

import tileframe
from tileframe import InputError, Location, OutputError, StoredPyramid, TileAddress
from tileframe.files import write_whole

SCHEMA = "tileframe-index/1"
GENERATOR = '<meta name="generator" content="tileframe gallery '
RECORD, PAGE, PICTURES = "index.json", "index.html", "index_files"
HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Entry:
    """A pyramid of the index. Paths are relative to the index's folder, with forward slashes."""

    target: str
    """Its descriptor, archive or folder."""
    name: str
    slide: str | None
    """The file that it was made of; None where its manifest is not there."""
    width: int
    height: int
    """0 both where it is not known."""
    mpp: float | None
    """Micrometres per pixel."""
    made: str | None
    """When, in UTC."""
    thumbnail: str
    page: str | None
    """Of the viewer, if it is there."""


class Index:
    """The index of ``folder``: of the pyramids that are added, and of those that it had and that are still there."""

    def __init__(self, folder: Path, *, page: bool) -> None:
        """With ``page``, it will have a gallery. `OutputError` where a file of its name is no index."""
        self._has_page = page
        self._folder = folder
        self._entries = {entry.target: entry for entry in _known(folder)}
        gallery = folder / PAGE
        if page and os.path.exists(gallery) and GENERATOR not in _beginning(gallery):
            raise OutputError(f"{gallery}: exists already, and is no index of tileframe's; give another folder")

    @property
    def files(self) -> tuple[Path, ...]:
        """What `write` writes, the record first."""
        return (self._folder / RECORD, self._folder / PAGE) if self._has_page else (self._folder / RECORD,)

    def add(self, location: Location, registry: Any) -> None:
        """Add the pyramid at ``location``."""
        with tileframe.open_pyramid(location, registry=registry) as pyramid:
            source = pyramid.manifest.plan.source if pyramid.manifest else None
            page = location.page
            entry = Entry(
                target=self._relative(Path(pyramid.target)),
                name=self._relative(Path(location.folder, location.name)),
                slide=source.name if source else None,
                width=pyramid.pyramid.base.width,
                height=pyramid.pyramid.base.height,
                mpp=source.mpp[0] if source and source.mpp else None,
                made=pyramid.manifest.made.finished if pyramid.manifest else None,
                thumbnail=self._thumbnail(pyramid),
                page=self._relative(page) if page.is_file() else None,
            )
        self._entries[entry.target] = entry

    def write(self) -> Path:
        """Write ``index.json`` and ``index.html``, if it has that; return the last of them."""
        entries = sorted(self._entries.values(), key=lambda entry: (_natural(entry.name), entry.target))
        record = {"schema": SCHEMA, "pyramids": [asdict(entry) for entry in entries]}
        text = json.dumps(record, indent=1)
        write_whole(self._folder / RECORD, f"{text}\n".encode())
        if self._has_page:
            text = page_text(self._folder.resolve().name or "Slides", entries)
            write_whole(self._folder / PAGE, text.encode("utf-8", "replace"))
        return self.files[-1]

    def _thumbnail(self, pyramid: StoredPyramid) -> str:
        """Return the path of the largest level that is one tile; of an archive, of a copy of it."""
        levels = [level for level in pyramid.layout.levels if pyramid.pyramid.grid(level).area == 1]
        key = pyramid.layout.key(TileAddress(max(levels, default=pyramid.layout.levels.start), 0, 0))
        if not pyramid.location.container:
            return self._relative(Path(pyramid.location.folder, key))
        target = self._relative(pyramid.location.path)
        copy = self._folder / PICTURES / f"{hashlib.sha256(os.fsencode(target)).hexdigest()[:16]}{Path(key).suffix}"
        try:
            copy.parent.mkdir(exist_ok=True)
            write_whole(copy, pyramid.files.get(key))
        except KeyError as error:
            raise InputError(f"{pyramid.target}: {key} is missing") from error
        except OSError as error:
            raise OutputError(f"{copy}: cannot be written ({error.strerror})") from error
        return self._relative(copy)

    def _relative(self, path: Path) -> str:
        return os.path.relpath(path, self._folder).replace(os.sep, "/")


def _known(folder: Path) -> Iterable[Entry]:
    """Return what an index that is there has, as far as it is still there."""
    record = folder / RECORD
    if not os.path.exists(record):
        return []
    try:
        content = json.loads(record.read_bytes())
        if content["schema"] != SCHEMA:
            raise ValueError(content["schema"])
        entries = [Entry(**entry) for entry in content["pyramids"]]
        return [entry for entry in entries if os.path.exists(folder / entry.target)]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise OutputError(f"{record}: exists already, and is no index of tileframe's; give another folder") from error


def _natural(name: str) -> list[tuple[int, str]]:
    """Return what sorts names as people do: 2 before 10."""
    parts = re.split(r"([0-9]+)", name.casefold())
    return [(int(part) if at % 2 else 0, part) for at, part in enumerate(parts)]


def _beginning(page: Path) -> str:
    try:
        with page.open("rb") as file:
            return file.read(2048).decode("utf-8", "replace")
    except OSError as error:
        raise OutputError(f"{page}: cannot be read ({error.strerror})") from error


def page_text(title: str, entries: Sequence[Entry]) -> str:
    """Return the gallery of ``entries``, whose paths are relative to where it will be."""
    style, script = ((HERE / name).read_text(encoding="utf-8") for name in ("index.css", "index.js"))
    return Template((HERE / "index_page.html").read_text(encoding="utf-8")).substitute(
        title=escape(title),
        version=tileframe.__version__,
        style=style,
        script=script,
        style_digest=_digest(style),
        script_digest=_digest(script),
        count=f"{len(entries):,}",
        cards="\n".join(map(_card, entries)),
    )


def _digest(text: str) -> str:
    return b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _card(entry: Entry) -> str:
    facts = [f"{entry.width:,}\N{MULTIPLICATION SIGN}{entry.height:,}"] if entry.width else []
    facts += [f"{entry.mpp:g} \N{MICRO SIGN}m per pixel"] if entry.mpp else []
    words = escape(" ".join([entry.name, entry.slide or ""]).casefold(), quote=True)
    link = quote(os.fsencode(entry.page or entry.target))
    picture = f'<img src="{quote(os.fsencode(entry.thumbnail))}" alt="" loading="lazy">'
    return (
        f'<li data-words="{words}"><a href="{link}"><span class="picture">{picture}</span>'
        f"<b>{escape(entry.name)}</b><small>{escape(', '.join(facts))}</small></a></li>"
    )
