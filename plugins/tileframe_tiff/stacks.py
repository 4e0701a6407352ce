"""Pictures that several pages make up: what OME-XML and ImageJ say of channels, planes and times."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

MICROMETRES = {"µm": 1.0, "μm": 1.0, "um": 1.0, "nm": 1e-3, "mm": 1e3, "cm": 1e4, "m": 1e6}
RED, GREEN, BLUE = 0xFF0000FF - (1 << 32), 0x00FF00FF, 0x0000FFFF


@dataclass(frozen=True)
class Stack:
    """A picture in several planes, and at several levels."""

    name: str
    axes: str
    """A letter for each way in which planes differ: C, Z, T, ...; the last changes from one to the next."""
    shape: tuple[int, ...]
    """How many there are in each way."""
    levels: Sequence[Sequence[int | None]]
    """Of each level, the base first, where its planes are in the file, in order; None for what is not in it."""
    area: int
    """Pixels of its base."""
    is_rgb: bool
    """Whether its three channels are red, green and blue."""
    mpp: tuple[float, float] | None = None


def ome_stacks(file: Any) -> list[Stack]:
    """Return the images of an OME-TIFF that tifffile has open."""
    path, series = Path(file.filehandle.path), list(file.series)
    described = list(_described(file.ome_metadata))
    if len(described) != len(series):
        described = [(None, False)] * len(series)
    found = []
    for one, (mpp, is_rgb) in zip(series, described, strict=True):
        pages = list(one.pages)
        depth = next((k for k in range(len(one.shape) + 1) if math.prod(one.shape[:k]) == len(pages)), None)
        if depth is None or one.keyframe is None:
            continue
        axes, shape = one.axes[:depth], tuple(one.shape[:depth])
        levels = [[_place(page, path) for page in level.pages] for level in one.levels]
        three = axes.count("C") == 1 and shape[axes.index("C")] == 3
        area = one.keyframe.imagewidth * one.keyframe.imagelength
        found.append(Stack(one.name, axes, shape, levels, area, is_rgb and three and "C" in axes, mpp))
    return found


def _place(page: Any, path: Path) -> int | None:
    if page is None or Path(page.parent.filehandle.path) != path:
        return None
    place: int = page.offset
    return place


def _described(text: str) -> Iterator[tuple[tuple[float, float] | None, bool]]:
    """Yield of each image its micrometres per pixel, and whether its channels may be red, green and blue."""
    try:
        root = ElementTree.fromstring(text.encode())
    except ElementTree.ParseError:
        return
    for pixels in root.iterfind("{*}Image/{*}Pixels"):
        sides = [_micrometres(pixels, side) for side in "XY"]
        mpp = (sides[0], sides[1]) if sides[0] and sides[1] else None
        yield mpp, pixels.get("Type") == "uint8" and _are_rgb(pixels.findall("{*}Channel"))


def _micrometres(pixels: Any, side: str) -> float:
    unit = MICROMETRES.get(pixels.get(f"PhysicalSize{side}Unit", "µm"), 0.0)
    try:
        return float(pixels.get(f"PhysicalSize{side}", "0")) * unit
    except ValueError:
        return 0.0


def _are_rgb(channels: Sequence[Any]) -> bool:
    """Say whether nothing speaks against it: wavelengths, fluorophores, other names, other colours."""
    if len(channels) != 3:
        return False
    dyed = any(channel.get(word) for channel in channels for word in ("EmissionWavelength", "Fluor"))
    names = [channel.get("Name", "").lower() for channel in channels]
    colours = [channel.get("Color", "-1") for channel in channels]
    named = not any(names) or [name[:1] for name in names] == ["r", "g", "b"] or all("channel" in n for n in names)
    coloured = set(colours) <= {"-1"} or colours == [str(RED), str(GREEN), str(BLUE)]
    return not dyed and named and coloured


def imagej_stack(description: str, places: Sequence[int], area: int, bits: int) -> Stack | None:
    """Return what ImageJ says of its planes; None where it says nothing, or they are not all pages of the file."""
    if not description.startswith("ImageJ="):
        return None
    said = dict(re.findall(r"^(\w+)=(.*?)\s*$", description, re.MULTILINE))
    shape = tuple(int(said[word]) if said.get(word, "").isdigit() else 1 for word in ("frames", "slices", "channels"))
    if len(places) == 1 or math.prod(shape) != len(places):
        return None
    is_rgb = shape[2] == 3 and bits == 8 and said.get("mode") in ("composite", "color")
    return Stack("", "TZC", shape, [places], area, is_rgb)
