"""What OpenSlide would make of a tiled TIFF: its format, its levels, and what its tags say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from tileframe import NativeLevel, UnsupportedInput
from tileframe_tiff.structure import Page

APERIO, GENERIC = "aperio", "generic-tiff"
NDPI_TAG, ICC_TAG = 65420, 34675
DESCRIPTION, SUBFILE, OLD_SUBFILE, SOFTWARE = 270, 254, 255, 305
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 282, 283, 296
MICROMETRES = {2: 25400.0, 3: 10000.0}
# Words by which OpenSlide, or a reader of that format, knows TIFFs that are more than their tiles.
OTHERS = ("MedScan", "Philips", "leica-microsystems.com/scn", "iScan", "Argos", "Huron", "Hamamatsu", "Zeiss")


def slide_format(pages: Sequence[Page]) -> str:
    """Return OpenSlide's name for the format; `UnsupportedInput` for those that it reads by rules of their own."""
    first = pages[0]
    if NDPI_TAG in first.tags:
        raise UnsupportedInput("it is an NDPI slide")
    texts = " ".join(first.text(tag) for tag in (*range(269, 273), SOFTWARE, 315, 316, 700, 33432))
    for word in OTHERS:
        if word in texts:
            raise UnsupportedInput(f"its tags say '{word}', a format of its own")
    return APERIO if first.text(DESCRIPTION).startswith("Aperio") else GENERIC


def levels_of(pages: Sequence[Page], kind: str) -> list[Page]:
    """Return the pages that OpenSlide takes for levels, the base first."""
    tiled = [page for page in pages if page.tile_size is not None]
    if kind == APERIO:
        if any(0 in page.counts for page in tiled) and len(tiled) > 1:
            # OpenSlide also doubts the tiles above and paints them anew.
            raise UnsupportedInput("tiles are missing, which OpenSlide paints from other levels")
        return tiled
    if any(OLD_SUBFILE in page.tags for page in tiled):
        raise UnsupportedInput("it has the old kind of subfile tags")
    levels = [page for page in tiled if page.number == 0 or int(page.tags.valueof(SUBFILE, default=0)) & 1]
    levels.sort(key=lambda page: -page.size.width)
    if len({page.size.width for page in levels}) < len(levels):
        raise UnsupportedInput("two of its levels are of one width")
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


def scale(page: Page, kind: str) -> tuple[tuple[float, float] | None, float | None]:
    """Return micrometres per pixel, across and down, and the objective's power, where ``page`` says them."""
    if kind == GENERIC:
        return _resolution(page), None
    pairs = (part.partition("=") for part in page.text(DESCRIPTION).split("|")[1:])
    values = {name.strip(): value.strip() for name, _, value in pairs}
    mpp = _number(values.get("MPP"))
    return None if mpp is None else (mpp, mpp), _number(values.get("AppMag"))


def _resolution(page: Page) -> tuple[float, float] | None:
    unit = MICROMETRES.get(page.tags.valueof(RESOLUTION_UNIT, default=2))
    across, down = (_ratio(page.tags.valueof(tag)) for tag in (X_RESOLUTION, Y_RESOLUTION))
    return (unit / across, unit / down) if unit and across and down else None


def colour_profile(page: Page) -> bytes | None:
    """Return the embedded colour profile; None without one."""
    data = page.tags.valueof(ICC_TAG)
    return data if isinstance(data, bytes) and data else None


def associated_pages(pages: Sequence[Page]) -> dict[str, Page]:
    """Return the pages of an Aperio slide that are no levels, by the names that OpenSlide gives them."""
    named: dict[str, Page] = {}
    for page in pages:
        lines = re.split(r"[\r\n]+", page.text(DESCRIPTION))
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
