"""Makes the JSON record of pyramids and their comparison that is embedded in the page."""

from __future__ import annotations

import json
import os
from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tileframe import AssociatedRecord, Comparison, InputError, OptionError, OutputError, StoredPyramid, TileAddress
from tileframe_viewer.facts import facts, mpp, objective_power

# Those whose tile paths page/layouts.js works out.
LAYOUTS = ("dzi", "google", "iiif3", "zoomify")
# Tiles that browsers show, if not every one of them: page/formats.js tries the browser with those that are in doubt.
FORMATS = ("avif", "bmp", "gif", "jpeg", "jxl", "png", "webp")
# The escapes keep "</script", which would end the record's element, and "<!--" out of the page; U+2028 and 2029 are
# escaped with all that is not ASCII.
ESCAPES = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&"})


def record_text(pyramids: Sequence[StoredPyramid], folder: Path, comparison: Comparison | None) -> str:
    """Return the record for a page in ``folder``."""
    record = {
        "pyramids": [_pyramid(pyramid, folder) for pyramid in pyramids],
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


def address(path: Path, folder: Path) -> str:
    """Return the relative URL that leads from ``folder`` to ``path``, whatever characters are in the names."""
    try:
        relative = os.path.relpath(path, folder)
    except ValueError as error:
        raise OutputError(f"{path}: no link leads there from {folder}, which is on another drive") from error
    return quote(os.fsencode(relative.replace(os.sep, "/")))


def _pyramid(pyramid: StoredPyramid, folder: Path) -> dict[str, Any]:
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
        "annotations": _annotations(pyramid, folder),
        "facts": facts(pyramid),
        "associated": [_associated(pyramid, image, folder) for image in _images(pyramid)],
    }


def annotations_path(pyramid: StoredPyramid) -> Path | None:
    """Return the file ``NAME.geojson`` beside the pyramid; None if there is none."""
    path = Path(pyramid.location.folder, f"{pyramid.location.name}.geojson")
    return path if pyramid.location.scheme == "file" and path.is_file() else None


def _annotations(pyramid: StoredPyramid, folder: Path) -> dict[str, str] | None:
    path = annotations_path(pyramid)
    return None if path is None else {"url": address(path, folder), "name": path.name}


def _images(pyramid: StoredPyramid) -> Sequence[AssociatedRecord]:
    return pyramid.manifest.associated if pyramid.manifest else ()


def _associated(pyramid: StoredPyramid, image: AssociatedRecord, folder: Path) -> dict[str, Any]:
    """Return where an associated image is; of an archive, of which browsers show no members, all of it."""
    key = f"{pyramid.associated_folder}/{image.file}"
    found: dict[str, Any] = {"name": image.name, "width": image.size.width, "height": image.size.height}
    if not pyramid.location.container:
        return {**found, "url": address(Path(pyramid.location.folder, key), folder)}
    try:
        return {**found, "data": b64encode(pyramid.files.get(key)).decode()}
    except (KeyError, InputError):
        return found


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
