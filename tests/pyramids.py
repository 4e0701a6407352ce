"""Look at finished pyramids without tileframe's own code: plain files, decoded by Pillow."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tileframe.pixels import Pixels

Dzi = str | Path
"""A descriptor, as a report names it or as a test does."""


def beside(dzi: Dzi, suffix: str) -> Path:
    """The file of a pyramid that ends in ``suffix``: ``.tileframe.json``, ``.sha256``, ``_files``."""
    return Path(dzi).with_name(f"{Path(dzi).stem}{suffix}")


def tiles(dzi: Dzi) -> dict[str, Path]:
    """Every file below ``NAME_files``, by its key relative to that folder."""
    folder = beside(dzi, "_files")
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


def pixels(tile: Path) -> Pixels:
    with Image.open(tile) as image:
        assert image.mode == "RGB", f"{tile} is {image.mode}"
        return np.asarray(image)


def differing(first: Dzi, second: Dzi, *, base_only: bool = False) -> list[str]:
    """The keys whose decoded tiles differ; the key sets and the descriptors must be the same."""
    ours, theirs = tiles(first), tiles(second)
    assert ours.keys() == theirs.keys()
    assert descriptor(first) == descriptor(second)
    base = max(int(key.split("/")[0]) for key in ours)
    keys = [key for key in ours if not base_only or key.startswith(f"{base}/")]
    return [key for key in sorted(keys) if not np.array_equal(pixels(ours[key]), pixels(theirs[key]))]


def sizes(dzi: Dzi) -> dict[str, tuple[int, int]]:
    found = {}
    for key, path in tiles(dzi).items():
        with Image.open(path) as image:
            found[key] = image.size
    return found


def manifest(dzi: Dzi) -> dict[str, Any]:
    """The record of the run, as the JSON that it is."""
    record: dict[str, Any] = json.loads(beside(dzi, ".tileframe.json").read_text(encoding="utf-8"))
    return record


def descriptor(dzi: Dzi) -> dict[str, str]:
    image = ET.parse(dzi).getroot()
    size = image.find("{http://schemas.microsoft.com/deepzoom/2008}Size")
    assert size is not None
    return {**image.attrib, **size.attrib}


def assembled(dzi: Dzi, level: int) -> Pixels:
    """One level put together from its tiles, the overlap cut away."""
    facts = descriptor(dzi)
    side, overlap = int(facts["TileSize"]), int(facts["Overlap"])
    parts = {key: path for key, path in tiles(dzi).items() if key.startswith(f"{level}/")}
    rows: dict[int, dict[int, Pixels]] = {}
    for key, path in parts.items():
        col, row = (int(number) for number in Path(key).stem.split("_"))
        left, top = overlap if col else 0, overlap if row else 0
        rows.setdefault(row, {})[col] = pixels(path)[top : top + side, left : left + side]
    return np.vstack([np.hstack([rows[row][col] for col in sorted(rows[row])]) for row in sorted(rows)])
