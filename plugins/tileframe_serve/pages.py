"""The gallery, and the viewer's page of a slide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from tileframe import Absence, Location, Made, Manifest, Size, StoredPyramid, TilesRecord
from tileframe_batch.index import Entry as Card
from tileframe_batch.index import page_text as gallery_text
from tileframe_serve import beside
from tileframe_serve.catalogue import Entry
from tileframe_serve.opened import Shown
from tileframe_serve.slides import FIRST, Slide
from tileframe_viewer.assets import read_assets
from tileframe_viewer.beside import Annotations, Beside, Picture
from tileframe_viewer.facts import facts
from tileframe_viewer.page import page_text
from tileframe_viewer.record import refuse_unknown

ABOVE = Path("served").absolute()
"""Stands for the server's root, where addresses from page to page are worked out; nothing is there."""


def gallery(entries: Iterable[Entry], known: Mapping[str, tuple[Size, float | None]]) -> str:
    """Return the page of all ``entries``, with size and micrometres per pixel of those in ``known``."""
    return gallery_text("Slides", [_card(entry, known.get(entry.id)) for entry in entries])


def viewer(entry: Entry, shown: Shown, *, associated: bool) -> str:
    """Return the viewer's page, with the associated images if they are served.

    `OptionError` for a layout or a tile format that it does not show.
    """
    name = entry.name.rpartition("/")[2]
    folder = ABOVE / "slides" / entry.id
    pyramid = stored(shown)
    refuse_unknown([pyramid])
    place = Location("file", str(folder / pyramid.layout_name), name)
    page = replace(pyramid, location=place)
    path = beside.annotations_path(entry, shown)
    images = beside.images(shown) if associated else {}
    found = Beside(
        annotations=None if path is None else Annotations(path.name, beside.ANNOTATIONS),
        pictures=[Picture(name, size, beside.image_address(file)) for file, (name, size) in images.items()],
    )
    return page_text([page], [found], None, folder=folder, assets_folder=ABOVE / "assets")


def stored(shown: Shown) -> StoredPyramid:
    """Return the pyramid that the page shows; of a slide, as if it were finished."""
    if not isinstance(shown, Slide):
        return shown.stored
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
