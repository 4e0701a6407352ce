"""The gallery, the viewer's page of a slide, and the pictures and pages that say what is wrong."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from html import escape, unescape
from pathlib import Path

from PIL import Image, ImageDraw

from tileframe import Absence, Location, Made, Manifest, Size, StoredPyramid, TilesRecord
from tileframe_batch.index import Entry as Card
from tileframe_batch.index import page_text as gallery_text
from tileframe_serve.catalogue import Entry
from tileframe_serve.opened import Shown
from tileframe_serve.slides import FIRST, Slide
from tileframe_viewer.assets import read_assets
from tileframe_viewer.facts import facts
from tileframe_viewer.page import page_text
from tileframe_viewer.record import refuse_unknown

NOTHING = "default-src 'none'; frame-ancestors 'none'"
"""The policy of what is no page."""
ABOVE = Path("served").absolute()
"""Stands for the server's root, where addresses from page to page are worked out; nothing is there."""


def policy(page: str) -> str:
    """Return the Content-Security-Policy that ``page`` has in itself, for its header."""
    found = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    own = unescape(found[1]).replace(" file:", "") if found else "default-src 'none'"
    return f"{own}; frame-ancestors 'none'"


def gallery(entries: Iterable[Entry], known: Mapping[str, tuple[Size, float | None]]) -> str:
    """Return the page of all ``entries``, with size and micrometres per pixel of those in ``known``."""
    return gallery_text("Slides", [_card(entry, known.get(entry.id)) for entry in entries])


def viewer(entry: Entry, shown: Shown) -> str:
    """Return the viewer's page; `OptionError` for a layout or tile format that it does not show."""
    name = entry.name.rpartition("/")[2]
    folder = ABOVE / "slides" / entry.id
    pyramid = stored(shown)
    refuse_unknown([pyramid])
    place = Location("file", str(folder / pyramid.layout_name), name)
    return page_text([replace(pyramid, location=place)], None, folder=folder, assets_folder=ABOVE / "assets")


def stored(shown: Shown) -> StoredPyramid:
    """Return the pyramid that the page shows; of a slide, as if it were finished."""
    if not isinstance(shown, Slide):
        manifest = shown.stored.manifest
        # Its exported pictures are served only under --associated, and then not as files of the page.
        return replace(shown.stored, manifest=manifest and replace(manifest, associated=()))
    job, plan = shown.jobs[FIRST], shown.plan
    record = Manifest(made=Made("", 0.0, {}), plan=plan.published(), tiles=TilesRecord(0, 0, 0, "", ""))
    return StoredPyramid(
        location=plan.location, descriptor_key=f"{plan.location.name}.dzi", pyramid=plan.pyramid,
        suffix=plan.encoding.suffix, layout_name=FIRST, layout=job.layout, writer=job.writer,
        files=_NoFiles(plan.location.name), manifest=record, workers=1,
        absent=Absence(None, plan.pyramid, job.layout.levels, plan.location.name),
    )  # fmt: skip


def facts_of(shown: Shown) -> list[tuple[str, str]]:
    """Return labels and values: what the manifest's list allows to be told."""
    return facts(stored(shown))


@lru_cache(maxsize=1)
def assets() -> dict[str, bytes]:
    """Return the files that the viewer's page needs, by name."""
    return dict(read_assets().files)


def icon() -> tuple[bytes, str]:
    """Return the icon of the pages, and its media type."""
    return assets()[read_assets().icon], "image/svg+xml"


def problem_page(title: str, text: str) -> str:
    """Return a page that says what is wrong."""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(title)}</title>'
        f"<h1>{escape(title)}</h1><p>{escape(text)}</p></html>"
    )


@lru_cache(maxsize=8)
def problem_picture(text: str, side: int = 256) -> bytes:
    """Return a square picture that says what is wrong, in place of a tile or a thumbnail."""
    image = Image.new("RGB", (side, side), (240, 240, 240))
    draw = ImageDraw.Draw(image)
    for shift in range(-side, side, 32):
        draw.line((shift, side, shift + side, 0), fill=(225, 200, 200), width=4)
    draw.rectangle((0, 0, side - 1, side - 1), outline=(176, 0, 32), width=2)
    draw.multiline_text((side / 2, side / 2), text, fill=(120, 0, 20), anchor="mm", align="center", font_size=20)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def _card(entry: Entry, found: tuple[Size, float | None] | None) -> Card:
    size, mpp = found or (Size(0, 0), None)
    address = f"slides/{entry.id}/"
    return Card(
        target=entry.name, name=entry.name, slide=None, width=size.width, height=size.height, mpp=mpp, made=None,
        thumbnail=f"{address}thumbnail.jpg", page=address,
    )  # fmt: skip


class _NoFiles:
    """The files of a pyramid that has none."""

    def __init__(self, name: str) -> None:
        self.name = name

    def get(self, key: str) -> bytes:
        """Refuse every key."""
        raise KeyError(key)

    def keys(self, folder: str) -> Iterator[str]:
        """Yield nothing."""
        return iter(())

    def close(self) -> None:
        """Do nothing."""
