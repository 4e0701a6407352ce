"""Writer of Aperio-like slides: tiled, pyramidal TIFF with the descriptions by which readers know the scanner."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np
import tifffile
from PIL import Image

from tileframe import Size
from tileframe.pixels import Pixels

STEP = 4  # from one level to the next, across and down
LOSSLESS: dict[str, Any] = {"photometric": "rgb"}
APERIO_JPEG_2000_RGB = 33005


def jpeg(quality: int) -> dict[str, Any]:
    """Return tifffile's options for tiles in JPEG with 4:2:0, stored as YCbCr."""
    return LOSSLESS | {"compression": "jpeg", "compressionargs": {"level": quality}, "subsampling": (2, 2)}


def jpeg_2000(decibels: int) -> dict[str, Any]:
    """Return tifffile's options for tiles in JPEG 2000 of that signal to noise ratio, stored as RGB."""
    how = {"level": decibels, "codecformat": "J2K", "reversible": False, "mct": True}
    return LOSSLESS | {"compression": APERIO_JPEG_2000_RGB, "compressionargs": how}


def cut(pixels: Pixels, side: int) -> Iterator[Pixels]:
    """Yield the tiles of ``pixels``, row by row; those at the right and the bottom may be smaller."""
    for top in range(0, pixels.shape[0], side):
        for left in range(0, pixels.shape[1], side):
            yield np.ascontiguousarray(pixels[top : top + side, left : left + side])


class SvsWriter:
    """An open slide, to which the base, the thumbnail and the lower levels are added in this order."""

    def __init__(
        self,
        path: Path,
        base: Size,
        codec: dict[str, Any],
        *,
        tile: int = 256,
        mpp: float = 0.499,
        power: int = 20,
        workers: int | None = None,
    ) -> None:
        """Create the file. ``mpp`` is in micrometres per pixel of the base, ``power`` that of the objective."""
        self._file = tifffile.TiffWriter(path)
        self._base, self._tile, self._workers = base, tile, workers
        self._options = {**codec, "metadata": None, "software": False}
        self._fields = f"AppMag = {power}|MPP = {mpp:.4f}"
        kind = "JPEG" if codec.get("compression") == "jpeg" else "J2K"
        self._coding = f"{kind}/RGB Q={codec.get('compressionargs', {}).get('level', 100)}"

    def add_pyramid(
        self, strips: Iterable[Pixels], *, levels: int = 3, thumbnail: tuple[int, int] | None = None
    ) -> None:
        """Add all levels, and a thumbnail of that size at most, from ``strips``: rows of tiles of the base.

        Each level has a quarter of the width and height of the one before. Tiles that reach beyond it repeat its last
        row and column.
        """
        size = self._base
        for level in range(levels):
            smaller: list[Pixels] = []
            self.add_level(size, self._tiles(strips, smaller))
            size = Size(max(1, size.width // STEP), max(1, size.height // STEP))
            strips = [np.concatenate(smaller)[: size.height, : size.width]]
            if level == 0 and thumbnail is not None:
                picture = Image.fromarray(strips[0])
                picture.thumbnail(thumbnail)
                self.add_thumbnail(np.asarray(picture))

    def _tiles(self, strips: Iterable[Pixels], smaller: list[Pixels]) -> Iterator[Pixels]:
        """Yield the tiles of a level, and keep what the next one is made of."""
        for strip in strips:
            smaller.append(np.asarray(Image.fromarray(strip).reduce(STEP)))
            missing = [(0, -side % self._tile) for side in strip.shape[:2]]
            yield from cut(
                np.pad(strip, [*missing, (0, 0)], mode="edge") if any(map(sum, missing)) else strip, self._tile
            )

    def add_level(self, size: Size, tiles: Iterable[Pixels]) -> None:
        """Add a level of ``size`` from its ``tiles``, row by row."""
        self._file.write(
            iter(tiles),
            shape=(size.height, size.width, 3),
            dtype=np.uint8,
            tile=(self._tile, self._tile),
            description=self._description(size),
            maxworkers=self._workers,
            **self._options,
        )

    def add_thumbnail(self, pixels: Pixels) -> None:
        """Add the image in strips that follows the base in Aperio's slides; readers take it for the thumbnail."""
        description = self._description(Size(pixels.shape[1], pixels.shape[0]))
        self._file.write(pixels, rowsperstrip=16, description=description, **self._options)

    def _description(self, size: Size) -> str:
        # Readers know the scanner by the first word, and take the scale from the fields after the bars.
        kind = f"{self._base} ({self._tile}x{self._tile})" if size == self._base else f"{self._base} -> {size}"
        return f"Aperio look-alike, drawn by tileframe\n{kind} {self._coding}|{self._fields}"

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(self, *exc: object) -> None:
        self._file.close()
