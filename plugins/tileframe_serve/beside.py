"""What belongs to a slide beside its tiles: annotations in the file ``NAME.geojson``, and its associated images."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from PIL import Image

from tileframe import Size
from tileframe_serve import iiif
from tileframe_serve.answers import Answer, whole
from tileframe_serve.catalogue import Entry, is_within
from tileframe_serve.opened import Shown
from tileframe_serve.slides import Slide
from tileframe_storage.media import media_type

ANNOTATIONS = "annotations.geojson"
"""Under which name the file is served, whatever it is called."""


def annotations_path(entry: Entry, shown: Shown) -> Path | None:
    """Return the file of annotations beside a slide or a pyramid; None if there is none, or if a link leads away."""
    if not shown.is_local:
        return None
    if isinstance(shown, Slide):
        target = Path(entry.target)
        path = target.with_name(f"{target.stem}.geojson")
    else:
        path = Path(shown.location.folder, f"{shown.location.name}.geojson")
    try:
        inside = is_within(path, entry.root or os.path.realpath(path.parent))
        return path if inside and path.is_file() else None
    except (OSError, ValueError):
        return None


def annotations_file(path: Path) -> Answer | None:
    """Return the answer that sends the file; None if it cannot be opened any more."""
    try:
        part, tag = whole(path)
    except OSError:
        return None
    return Answer(type=media_type(path.name), tag=tag, part=part)


def images(shown: Shown) -> dict[str, tuple[str, Size | None]]:
    """Return the associated images, by the file names that they are served under: name, and size where it is known."""
    if isinstance(shown, Slide):
        return {f"{name}.jpg": (name, None) for name in shown.associated}
    manifest = shown.stored.manifest
    exported = manifest.associated if manifest else ()
    # A manifest may be a stranger's: its pictures are in their folder, and are pictures.
    own = [one for one in exported if "/" not in one.file and "\\" not in one.file]
    return {one.file: (one.name, one.size) for one in own if media_type(one.file).startswith("image/")}


def image_address(file: str) -> str:
    """Return the address of one of `images`, relative to the slide's."""
    return f"associated/{quote(file, safe='')}"


def image(shown: Shown, file: str) -> bytes:
    """Return one of `images`; `KeyError` if the file is missing."""
    if isinstance(shown, Slide):
        pixels = shown.associated_pixels(images(shown)[file][0])
        return iiif.encoded(Image.fromarray(pixels), "default", "jpg")
    return shown.file(f"{shown.stored.associated_folder}/{file}")
