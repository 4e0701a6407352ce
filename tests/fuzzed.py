"""Small files of many kinds, to be mutated."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from tests.pictures import jpeg, photo, png, svs
from tileframe import run

PHOTO = photo(300, 260)
TIFFS: dict[str, dict[str, Any]] = {
    "tiles": {"tile": (128, 128), "photometric": "rgb"},
    "deflate": {"tile": (128, 128), "photometric": "rgb", "compression": "zlib", "predictor": True},
    "lzw": {"rowsperstrip": 32, "photometric": "rgb", "compression": "lzw"},
    "jpeg": {"tile": (128, 128), "photometric": "ycbcr", "compression": "jpeg"},
    "jp2k": {"tile": (128, 128), "photometric": "rgb", "compression": "jpeg2000"},
    "webp": {"tile": (128, 128), "photometric": "rgb", "compression": "webp"},
    "zstd": {"rowsperstrip": 64, "photometric": "rgb", "compression": "zstd", "bigtiff": True},
    "planar": {"photometric": "rgb", "planarconfig": "separate", "rowsperstrip": 64},
}


def slides(folder: Path) -> Iterator[Path]:
    """Make and yield slides and pictures."""
    yield svs(folder / "a.svs", photo(700, 500), levels=(1, 4))
    yield jpeg(folder / "a.jpg", PHOTO)
    yield jpeg(folder / "progressive.jpg", PHOTO, progressive=True)
    yield png(folder / "a.png", PHOTO)
    for name, how in TIFFS.items():
        path = folder / f"{name}.tif"
        pixels = np.moveaxis(PHOTO, -1, 0) if name == "planar" else PHOTO
        tifffile.imwrite(path, pixels, **how)
        yield path
    for ending in ("webp", "bmp", "gif", "tga", "ppm"):
        Image.fromarray(PHOTO).save(folder / f"a.{ending}")
        yield folder / f"a.{ending}"


def pyramids(folder: Path) -> Iterator[Path]:
    """Make finished pyramids, each in a folder ``pyramid``, and yield those of their files that are read."""
    slide = jpeg(folder / "slide.jpg", PHOTO)
    for kind, target in (("loose", "p"), ("one", "p.szi")):
        at = folder / kind / "pyramid"
        run(slide, at / target, backend="stream")  # dzsave starts threads, which a fork would lose
        yield from (path for path in at.rglob("*") if path.is_file() and path.parent == at)
