"""Makes the JSON record of pyramids and their comparison that is embedded in the page."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tileframe import Comparison, OptionError, StoredPyramid, TileAddress
from tileframe_viewer.beside import Beside, Picture
from tileframe_viewer.facts import facts, mpp, objective_power
from tileframe_viewer.known import FORMATS, LAYOUTS
from tileframe_viewer.links import address

# The escapes keep "</script", which would end the record's element, and "<!--" out of the page; U+2028 and 2029 are
# escaped with all that is not ASCII.
ESCAPES = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&"})


def record_text(
    pyramids: Sequence[StoredPyramid], besides: Sequence[Beside], folder: Path, comparison: Comparison | None
) -> str:
    """Return the record for a page in ``folder``; ``besides`` are what it shows with each of the pyramids."""
    record = {
        "pyramids": [_pyramid(pyramid, beside, folder) for pyramid, beside in zip(pyramids, besides, strict=True)],
        "comparison": None if comparison is None else _comparison(comparison),
    }
    return json.dumps(record, separators=(",", ":"), allow_nan=False).translate(ESCAPES)


def refuse_unknown(pyramids: Sequence[StoredPyramid]) -> None:
    """Raise `OptionError` if one of ``pyramids`` has a layout or a tile format that the page cannot show."""
    for pyramid in pyramids:
        tiles = pyramid.writer.encoding.format
        for what, has, known in (("layout", pyramid.layout_name, LAYOUTS), ("tile format", tiles, FORMATS)):
            if has not in known:
                raise OptionError(
                    f"{pyramid.target}: the page does not show the {what} {has} (it may be: {', '.join(known)})"
                )


def _pyramid(pyramid: StoredPyramid, beside: Beside, folder: Path) -> dict[str, Any]:
    geometry, layout, location = pyramid.pyramid, pyramid.layout, pyramid.location
    top = layout.levels.start
    return {
        "name": location.name,
        "layout": pyramid.layout_name,
        "width": geometry.base.width,
        "height": geometry.base.height,
        "tileSize": geometry.tile_size,
        "overlap": geometry.overlap,
        "minLevel": top,
        "format": layout.key(TileAddress(top, 0, 0)).rpartition(".")[2],
        "tilesUrl": None if location.container else address(Path(location.folder, layout.folder), folder) + "/",
        "archive": _archive(pyramid, folder) if location.container else None,
        "absent": _absent(pyramid),
        "offset": _offset(pyramid),
        "mpp": mpp(pyramid),
        "objectivePower": objective_power(pyramid),
        "annotations": beside.annotations and asdict(beside.annotations),
        "facts": facts(pyramid),
        "associated": [_picture(picture) for picture in beside.pictures],
    }


def _picture(picture: Picture) -> dict[str, Any]:
    where = {"url": picture.url, "data": picture.data}
    size = {} if picture.size is None else {"width": picture.size.width, "height": picture.size.height}
    return {"name": picture.name, **size, **{name: value for name, value in where.items() if value is not None}}


def _offset(pyramid: StoredPyramid) -> dict[str, int]:
    """Return where the pyramid begins in its slide, in base pixels."""
    region = pyramid.manifest.plan.region if pyramid.manifest else None
    return {"x": region.x, "y": region.y} if region else {"x": 0, "y": 0}


def _absent(pyramid: StoredPyramid) -> dict[str, Any] | None:
    """Return which tiles are left out, and the colour to show for them; None if none is."""
    if pyramid.manifest is None or not pyramid.absent.count:
        return None
    runs = {f"{one.level}": one.runs for one in pyramid.manifest.tiles.absent_tiles}
    return {"color": f"{pyramid.absent.background}", "runs": runs}


def _archive(pyramid: StoredPyramid, folder: Path) -> dict[str, str]:
    path = pyramid.location.path
    # The page compares names of members byte by byte, each as one character.
    members = os.fsencode(f"{pyramid.files.name}/{pyramid.layout.folder}/").decode("latin-1")
    return {"url": address(path, folder), "name": path.name, "folder": members}


def _comparison(found: Comparison) -> dict[str, Any]:
    return {
        "strength": None if found.strength is None else found.strength.name.lower(),
        "tiles": found.tiles,
        "identical": found.identical,
        "sentences": [*found.layout, *found.notes],
        "levels": [
            {
                "level": level.level,
                "tiles": level.tiles,
                "differing": level.differing,
                "unreadable": level.unreadable,
                "largest": level.largest,
                "mean": level.mean,
                "psnr": level.psnr,
                "worst": None if level.worst is None else _tile(level.worst),
            }
            for level in found.levels
        ],
    }


def _tile(key: str) -> dict[str, int]:
    level, _, place = key.partition("/")
    col, _, row = place.partition("_")
    return {"level": int(level), "col": int(col), "row": int(row)}
