"""Writes the sample slide: a tiled, pyramidal TIFF as Aperio's scanners make it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from tileframe import Box, OutputError, Size
from tileframe.pixels import Pixels
from tileframe_demo.svs import SvsWriter, cut, jpeg
from tileframe_demo.tissue import Tissue

TILE = 256
BLOCK = 512  # drawn at once: large enough for numpy, small enough for the processor's cache
QUALITY = 80
MPP = 0.25
OBJECTIVE_POWER = 40
THUMBNAIL = (1024, 768)


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
    writer = SvsWriter(path, size, jpeg(QUALITY), tile=TILE, mpp=MPP, power=OBJECTIVE_POWER, workers=workers)
    with writer, ThreadPoolExecutor(workers) as executor:
        writer.add_level(size, _draw(Tissue(size), size, quarter, executor, progress))
        sixteenth = _reduce(quarter)
        thumbnail = Image.fromarray(sixteenth)
        thumbnail.thumbnail(THUMBNAIL)
        writer.add_thumbnail(np.asarray(thumbnail))
        for pixels in (quarter, sixteenth):
            writer.add_level(Size(pixels.shape[1], pixels.shape[0]), cut(pixels, TILE))


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
        yield from cut(band, TILE)


def _reduce(pixels: Pixels) -> Pixels:
    return np.asarray(Image.fromarray(pixels).reduce(4))
