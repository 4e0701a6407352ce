"""Look at finished pyramids without tileframe's own code: plain files, decoded by Pillow."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
from PIL import Image

from tileframe.pixels import Pixels


def tiles(dzi: Path) -> dict[str, Path]:
    """Every file below ``NAME_files``, by its key relative to that folder."""
    folder = dzi.with_name(f"{dzi.stem}_files")
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


def pixels(tile: Path) -> Pixels:
    with Image.open(tile) as image:
        assert image.mode == "RGB", f"{tile} is {image.mode}"
        return np.asarray(image)


def differing(first: Path, second: Path, *, base_only: bool = False) -> list[str]:
    """The keys whose decoded tiles differ; the key sets and the descriptors must be the same."""
    ours, theirs = tiles(first), tiles(second)
    assert ours.keys() == theirs.keys()
    assert descriptor(first) == descriptor(second)
    base = max(int(key.split("/")[0]) for key in ours)
    keys = [key for key in ours if not base_only or key.startswith(f"{base}/")]
    return [key for key in sorted(keys) if not np.array_equal(pixels(ours[key]), pixels(theirs[key]))]


def sizes(dzi: Path) -> dict[str, tuple[int, int]]:
    found = {}
    for key, path in tiles(dzi).items():
        with Image.open(path) as image:
            found[key] = image.size
    return found


def descriptor(dzi: Path) -> dict[str, str]:
    image = ET.parse(dzi).getroot()
    size = image.find("{http://schemas.microsoft.com/deepzoom/2008}Size")
    assert size is not None
    return {**image.attrib, **size.attrib}


def assembled(dzi: Path, level: int) -> Pixels:
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
