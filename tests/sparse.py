"""Pictures with much background, the tiles of them that are blank, and slides that do not hold all of it."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from tests.pictures import photo
from tileframe import Box, Pyramid, Size, TileAddress
from tileframe.pixels import Pixels, halve

SIDE = 256
PLACES = (Box(300, 256, 420, 400), Box(1190, 1010, 40, 30))
"""Where there is something to see."""


def picture(width: int = 1500, height: int = 1100, colour: tuple[int, int, int] = (255, 255, 255)) -> Pixels:
    """RGB8 of one colour, with a photo and a small spot in it."""
    pixels = np.full((height, width, 3), colour, np.uint8)
    for number, place in enumerate(PLACES):
        pixels[place.y : place.bottom, place.x : place.right] = photo(place.width, place.height, seed=number)
    return pixels


def sparse_tiff(path: Path, pixels: Pixels, colour: int = 255, **how: Any) -> Path:
    """A tiled TIFF that does not hold the tiles that are of ``colour`` alone."""
    height, width = pixels.shape[:2]

    tifffile.imwrite(path, pixels, tile=(SIDE, SIDE), photometric="rgb", metadata=None, **how)
    across = -(-width // SIDE)
    with tifffile.TiffFile(path, mode="r+") as file:
        page = file.pages.first
        places = {"TileOffsets": list(page.dataoffsets), "TileByteCounts": list(page.databytecounts)}
        for index in range(len(page.dataoffsets)):
            y, x = index // across * SIDE, index % across * SIDE
            if (pixels[y : min(y + SIDE, height), x : x + SIDE] == colour).all():
                for numbers in places.values():
                    numbers[index] = 0
        for name, numbers in places.items():
            page.tags[name].overwrite(numbers)
        assert 0 in places["TileOffsets"]
    return path


def blank_tiles(
    pixels: Pixels, pyramid: Pyramid, colour: tuple[int, int, int] = (255, 255, 255), tolerance: int = 0
) -> set[TileAddress]:
    """The tiles that the contract says are absent, pixel by pixel."""
    found = set()
    for level in reversed(range(pyramid.level_count)):
        apart = np.abs(pixels.astype(int) - colour).max(axis=2)
        for tile in pyramid.tiles(level) if pyramid.grid(level).area > 1 else ():
            box = pyramid.tile_box(tile)
            if apart[box.y : box.bottom, box.x : box.right].max() <= tolerance:
                found.add(tile)
        pixels = halve(pixels)
    return found


def geometry(pixels: Pixels, tile_size: int, overlap: int) -> Pyramid:
    return Pyramid(Size(pixels.shape[1], pixels.shape[0]), tile_size, overlap)


def files(target: str | Path) -> dict[str, bytes]:
    """The tiles of a pyramid and its descriptor."""
    path = Path(target)
    if path.is_file() and path.suffix in (".szi", ".zip"):
        with zipfile.ZipFile(path) as archive:
            found = {name: archive.read(name) for name in archive.namelist()}
    else:
        folder = path.parent
        found = {one.relative_to(folder).as_posix(): one.read_bytes() for one in folder.rglob("*") if one.is_file()}
    return {
        key: data
        for key, data in found.items()
        if not key.endswith((".tileframe.json", ".sha256", "scan-properties.xml"))
    }
