"""What a page shows with a pyramid: annotations from a file beside it, and the associated images of the slide."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tileframe import AssociatedRecord, InputError, Size, StoredPyramid
from tileframe_viewer.links import address


@dataclass(frozen=True)
class Annotations:
    """A file of annotations that the page's script fetches."""

    name: str
    url: str


@dataclass(frozen=True)
class Picture:
    """An associated image: at an address, or, of an archive, of which browsers show no members, all of it."""

    name: str
    size: Size | None = None
    url: str | None = None
    data: str | None = None
    """The file in base 64."""


@dataclass(frozen=True)
class Beside:
    """What is shown with one pyramid."""

    annotations: Annotations | None = None
    pictures: Sequence[Picture] = ()


def beside(pyramid: StoredPyramid, folder: Path) -> Beside:
    """Return what is beside ``pyramid``, as a page in ``folder`` names it."""
    path = Path(pyramid.location.folder, f"{pyramid.location.name}.geojson")
    is_there = pyramid.location.scheme == "file" and path.is_file()
    images = pyramid.manifest.associated if pyramid.manifest else ()
    return Beside(
        annotations=Annotations(path.name, address(path, folder)) if is_there else None,
        pictures=[_picture(pyramid, image, folder) for image in images],
    )


def _picture(pyramid: StoredPyramid, image: AssociatedRecord, folder: Path) -> Picture:
    key = f"{pyramid.associated_folder}/{image.file}"
    if not pyramid.location.container:
        return Picture(image.name, image.size, url=address(Path(pyramid.location.folder, key), folder))
    try:
        return Picture(image.name, image.size, data=b64encode(pyramid.files.get(key)).decode())
    except (KeyError, InputError):
        return Picture(image.name, image.size)
