"""Writes the sample slide: a tiled, pyramidal TIFF as Aperio's scanners make it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from PIL import Image

from tileframe import Box, OutputError, Size
from tileframe.pixels import Pixels
from tileframe_demo.tissue import Tissue

TILE = 256
BLOCK = 512  # drawn at once: large enough for numpy, small enough for the processor's cache
QUALITY = 80
MPP = 0.25
OBJECTIVE_POWER = 40
THUMBNAIL = (1024, 768)
LOOK: dict[str, Any] = {
    "photometric": "rgb",  # as given; stored as YCbCr
    "compression": "jpeg",
    "compressionargs": {"level": QUALITY},
    "subsampling": (2, 2),
    "metadata": None,
    "software": False,
}


def write_sample(path: Path, size: Size, *, workers: int, progress: Callable[[int], None]) -> None:
    """Write the slide ``path``, replacing any that is there once the new one is complete.

    Both sides of ``size`` are multiples of 256. ``progress`` is told, by this thread, how many pixels have been
    drawn since it was last told. `OutputError` if the file cannot be written; then, and when anything
    else goes wrong, nothing has changed at ``path``.
    """
    folder = path.parent
    made = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    partial = folder / f".{path.name}.{os.getpid()}.partial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(partial, size, workers, progress)
        partial.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from error
    finally:
        _remove(partial, made)


def _remove(partial: Path, made: list[Path]) -> None:
    try:
        partial.unlink(missing_ok=True)
        for folder in made:
            folder.rmdir()
    except OSError:
        pass  # there is something in it: the slide, or someone else's


def _write(path: Path, size: Size, workers: int, progress: Callable[[int], None]) -> None:
    quarter = np.empty((size.height // 4, size.width // 4, 3), np.uint8)
    with tifffile.TiffWriter(path) as tiff, ThreadPoolExecutor(workers) as executor:
        base = _draw(Tissue(size), size, quarter, executor, progress)
        _write_level(tiff, base, size, workers, _description(size))
        sixteenth = _reduce(quarter)
        _write_thumbnail(tiff, sixteenth, size)
        for pixels in (quarter, sixteenth):
            reduced = Size(pixels.shape[1], pixels.shape[0])
            _write_level(tiff, _tiles(pixels), reduced, workers, _description(size, reduced))


def _draw(
    tissue: Tissue, size: Size, quarter: Pixels, executor: ThreadPoolExecutor, progress: Callable[[int], None]
) -> Iterator[Pixels]:
    """Yield the tiles of the base, row by row; fill ``quarter`` with the next level."""

    def draw(box: Box) -> None:
        pixels = tissue.draw(box)
        band[:, box.x : box.right] = pixels
        quarter[box.y // 4 : box.bottom // 4, box.x // 4 : box.right // 4] = _reduce(pixels)

    for top in range(0, size.height, BLOCK):
        height = min(BLOCK, size.height - top)
        band = np.empty((height, size.width, 3), np.uint8)
        lefts = range(0, size.width, BLOCK)
        for _ in executor.map(draw, [Box(x, top, min(BLOCK, size.width - x), height) for x in lefts]):
            pass  # an exception in a thread is raised here
        progress(height * size.width)
        yield from _tiles(band)


def _reduce(pixels: Pixels) -> Pixels:
    return np.asarray(Image.fromarray(pixels).reduce(4))


def _tiles(pixels: Pixels) -> Iterator[Pixels]:
    height, width = pixels.shape[:2]
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            yield np.ascontiguousarray(pixels[top : top + TILE, left : left + TILE])


def _write_level(
    tiff: tifffile.TiffWriter, tiles: Iterator[Pixels], size: Size, workers: int, description: str
) -> None:
    tiff.write(
        tiles,
        shape=(size.height, size.width, 3),
        dtype=np.uint8,
        tile=(TILE, TILE),
        description=description,
        maxworkers=workers,
        **LOOK,
    )


def _write_thumbnail(tiff: tifffile.TiffWriter, pixels: Pixels, size: Size) -> None:
    """Add the second image, which Aperio's slides always have, in strips; readers take it for the thumbnail unasked."""
    image = Image.fromarray(pixels)
    image.thumbnail(THUMBNAIL)
    tiff.write(np.asarray(image), rowsperstrip=16, description=_description(size, Size(*image.size)), **LOOK)


def _description(size: Size, reduced: Size | None = None) -> str:
    """Return what readers know the scanner by, and take the scale from: the first word, and what follows a bar."""
    kind = f"{size} -> {reduced}" if reduced else f"{size} ({TILE}x{TILE})"
    fields = f"AppMag = {OBJECTIVE_POWER}|MPP = {MPP:.4f}"
    return f"Aperio look-alike, drawn by tileframe\n{kind} JPEG/RGB Q={QUALITY}|{fields}"
