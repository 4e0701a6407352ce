"""What the page is told: the record of its pyramids, as JSON that cannot end the element it stands in."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tileframe import Comparison, OutputError, StoredPyramid, TileAddress
from tileframe_viewer.facts import facts, mpp, objective_power

# The escapes keep "</script" and "<!--" out of the page; U+2028 and 2029 are escaped with all that is not ASCII.
ESCAPES = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&"})


def record_text(pyramids: Sequence[StoredPyramid], folder: Path, comparison: Comparison | None) -> str:
    """Return the record for a page in ``folder``."""
    record = {
        "pyramids": [_pyramid(pyramid, folder) for pyramid in pyramids],
        "comparison": None if comparison is None else _comparison(comparison),
    }
    return json.dumps(record, separators=(",", ":"), allow_nan=False).translate(ESCAPES)


def address(path: Path, folder: Path) -> str:
    """Return the relative URL that leads from ``folder`` to ``path``, whatever characters are in the names."""
    try:
        relative = os.path.relpath(path, folder)
    except ValueError as error:
        raise OutputError(f"{path}: no link leads there from {folder}, which is on another drive") from error
    return quote(os.fsencode(relative.replace(os.sep, "/")))


def _pyramid(pyramid: StoredPyramid, folder: Path) -> dict[str, Any]:
    geometry = pyramid.pyramid
    key = pyramid.layout.key(TileAddress(0, 0, 0))
    return {
        "name": pyramid.target.stem,
        "width": geometry.base.width,
        "height": geometry.base.height,
        "tileSize": geometry.tile_size,
        "overlap": geometry.overlap,
        "format": key.rpartition(".")[2],
        "tilesUrl": address(pyramid.target.parent / pyramid.layout.folder, folder) + "/",
        "mpp": mpp(pyramid),
        "objectivePower": objective_power(pyramid),
        "facts": facts(pyramid),
    }


def _comparison(found: Comparison) -> dict[str, Any]:
    return {
        "strength": None if found.strength is None else found.strength.name.lower(),
        "tiles": found.tiles,
        "identical": found.identical,
        "sentences": found.layout,
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
