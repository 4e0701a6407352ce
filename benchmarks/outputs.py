"""What a benchmark proves about the pyramids that it timed."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from tileframe import Equality, Pyramid, Size, TileAddress
from tileframe_bench.baselines import OVERLAP


def pyramid_of(size: Size, tile_size: int) -> Pyramid:
    """Return the pyramid that every competitor is to make of a picture of ``size``."""
    return Pyramid(size, tile_size, OVERLAP)


def key(tile: TileAddress) -> str:
    """Return the path of ``tile`` inside ``NAME_files``."""
    return f"{tile.level}/{tile.col}_{tile.row}.jpeg"


def keys(folder: Path) -> set[str]:
    """Return the paths of all tiles in ``folder``, a ``NAME_files``."""
    return {path.relative_to(folder).as_posix() for path in folder.glob("*/*")}


def tiles(pyramid: Pyramid) -> Iterator[TileAddress]:
    """Yield every tile, level by level."""
    for level in range(pyramid.level_count):
        yield from pyramid.tiles(level)


def faults(folder: Path, pyramid: Pyramid, *, names_only: bool = False) -> list[str]:
    """Return what is wrong with the tiles in ``folder``: missing, too many, or of another size than their box.

    With ``names_only``, of whatever size.
    """
    expected = {key(tile): pyramid.tile_box(tile).size for tile in tiles(pyramid)}
    found = keys(folder)
    wrong = [f"{name}: missing" for name in expected.keys() - found] + [
        f"{name}: extra" for name in found - expected.keys()
    ]
    for name in () if names_only else expected.keys() & found:
        height, width, _, _ = simplejpeg.decode_jpeg_header((folder / name).read_bytes())
        if Size(width, height) != expected[name]:
            wrong.append(f"{name}: {width}x{height}, not {expected[name]}")
    return sorted(wrong)


def unlike(ours: Path, theirs: Path, names: Iterable[str]) -> list[str]:
    """Return those of ``names`` whose decoded pixels differ between two folders."""
    return [name for name in names if not np.array_equal(_pixels(ours / name), _pixels(theirs / name))]


def sample(pyramid: Pyramid, most: int, *, promised: Equality = Equality.PIXELS) -> list[str]:
    """Return the paths of at most ``most`` tiles, always the same, of the levels whose pixels are promised."""
    levels: Collection[int] = range(pyramid.level_count)
    if promised is Equality.BASE:
        levels = [pyramid.base_level]
    names = [key(tile) for tile in tiles(pyramid) if tile.level in levels]
    return random.Random(0).sample(names, min(most, len(names)))


def _pixels(path: Path) -> NDArray[np.uint8]:
    pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(path.read_bytes(), colorspace="RGB", strict=True)
    return pixels
