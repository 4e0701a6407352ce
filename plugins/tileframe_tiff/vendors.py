"""What OpenSlide would make of a tiled TIFF: its format, its levels, and what its tags say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from tileframe import NativeLevel, UnsupportedInput
from tileframe_tiff import tags
from tileframe_tiff.structure import Page

APERIO, GENERIC = "aperio", "generic-tiff"
MICROMETRES = {2: 25400.0, 3: 10000.0}
# Coarser than this, in micrometres, a resolution is one to print by, and no scale of a slide: 2540 dots an inch.
COARSEST = 10.0
# By what OpenSlide knows its other formats: a word in a tag, at its start or anywhere.
OTHERS = (
    ("Hamamatsu", tags.NDPI, ""),
    ("Leica", tags.DESCRIPTION, "leica-microsystems.com/scn"),
    ("Philips", tags.SOFTWARE, "Philips"),
    ("Trestle", tags.SOFTWARE, "MedScan"),
    ("Ventana", tags.XMP, "iScan"),
    ("Argos", tags.DESCRIPTION, "Argos.Scan.Metadata"),
    ("Huron", tags.DESCRIPTION, "Huron"),
)


def refuse_others(page: Page) -> None:
    """Raise `UnsupportedInput` for slides of OpenSlide's formats whose tiles do not lie as the tags say."""
    for name, tag, word in OTHERS:
        if tag in page.tags and word in page.text(tag):
            raise UnsupportedInput(f"it is a slide of {name}, which OpenSlide reads")


def is_aperio(page: Page) -> bool:
    """Say whether ``page``, the first, is the base of an Aperio slide."""
    return page.tile_size is not None and page.text(tags.DESCRIPTION).startswith("Aperio")


def aperio_levels(pages: Sequence[Page]) -> list[Page]:
    """Return the pages that OpenSlide takes for levels, the base first."""
    levels = [page for page in pages if page.tile_size is not None]
    if any(0 in page.counts for page in levels) and len(levels) > 1:
        # OpenSlide also doubts the tiles above and paints them anew.
        raise UnsupportedInput("tiles are missing, which OpenSlide paints from other levels")
    for page in pages:
        # OpenSlide looks at every page of a slide, and may refuse it for one that is no level.
        if page.compression not in (tags.NONE, tags.LZW, tags.JPEG, *tags.DEFLATES, *tags.JP2KS):
            raise UnsupportedInput(f"its TIFF compression {page.compression} is left to OpenSlide")
        if page.orientation != 1:
            raise UnsupportedInput(f"its orientation {page.orientation} is left to OpenSlide")
    return levels


def native_levels(levels: Sequence[Page]) -> tuple[NativeLevel, ...]:
    """Return the levels with OpenSlide's downsamples: the mean of both sides' quotients."""
    base = levels[0].size
    found = [
        NativeLevel(size, (base.height / size.height + base.width / size.width) / 2)
        for size in (page.size for page in levels)
    ]
    if any(lower.downsample < upper.downsample for upper, lower in pairwise(found)):
        raise UnsupportedInput("its levels are in no order")
    return tuple(found)


def aperio_scale(page: Page) -> tuple[tuple[float, float] | None, float | None]:
    """Return micrometres per pixel, across and down, and the objective's power, where ``page`` says them."""
    pairs = (part.partition("=") for part in page.text(tags.DESCRIPTION).split("|")[1:])
    values = {name.strip(): value.strip() for name, _, value in pairs}
    mpp = _number(values.get("MPP"))
    return None if mpp is None else (mpp, mpp), _number(values.get("AppMag"))


def resolution(page: Page) -> tuple[tuple[float, float] | None, tuple[str, ...]]:
    """Return micrometres per pixel, across and down, by the tags; None, with a note, for a resolution to print by."""
    unit = MICROMETRES.get(page.tags.valueof(tags.RESOLUTION_UNIT, default=2))
    across, down = (_ratio(page.tags.valueof(tag)) for tag in (tags.X_RESOLUTION, tags.Y_RESOLUTION))
    if re.search(r"^unit=(micron|um|\\u00B5m|µm)\s*$", page.text(tags.DESCRIPTION), re.MULTILINE):
        unit = 1.0  # as ImageJ writes it
    if not (unit and across and down):
        return None, ()
    mpp = (unit / across, unit / down)
    if max(mpp) > COARSEST:
        return None, (f"its resolution, {25400 / mpp[0]:.4g} dots an inch, is one to print by, and no scale",)
    return mpp, ()


def colour_profile(page: Page) -> bytes | None:
    """Return the embedded colour profile; None without one."""
    data = page.tags.valueof(tags.ICC)
    return data if isinstance(data, bytes) and data else None


def associated_pages(pages: Sequence[Page]) -> dict[str, Page]:
    """Return the pages of an Aperio slide that are no levels, by the names that OpenSlide gives them."""
    named: dict[str, Page] = {}
    for page in pages:
        lines = re.split(r"[\r\n]+", page.text(tags.DESCRIPTION))
        if page.tile_size is not None or (page.number != 1 and len(lines) < 2):
            continue
        named["thumbnail" if page.number == 1 else lines[1].split(" ")[0]] = page
    return named


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None


def _ratio(value: object) -> float:
    """Return a resolution; 0 where there is none."""
    if isinstance(value, tuple) and len(value) == 2 and value[1]:
        return float(value[0] / value[1])
    return 0.0
