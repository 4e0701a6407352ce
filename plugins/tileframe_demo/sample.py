"""Writes the sample slide: a tiled, pyramidal TIFF as Aperio's scanners make it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from tileframe import Box, OutputError, Size
from tileframe.pixels import Pixels
from tileframe_demo.svs import SvsWriter, jpeg
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
    writer = SvsWriter(path, size, jpeg(QUALITY), tile=TILE, mpp=MPP, power=OBJECTIVE_POWER, workers=workers)
    with writer, ThreadPoolExecutor(workers) as executor:
        writer.add_pyramid(_draw(Tissue(size), size, executor, progress), thumbnail=THUMBNAIL)


def _draw(
    tissue: Tissue, size: Size, executor: ThreadPoolExecutor, progress: Callable[[int], None]
) -> Iterator[Pixels]:
    """Yield the base in strips as high as a block."""

    def draw(box: Box) -> None:
        band[:, box.x : box.right] = tissue.draw(box)

    for top in range(0, size.height, BLOCK):
        height = min(BLOCK, size.height - top)
        band = np.empty((height, size.width, 3), np.uint8)
        lefts = range(0, size.width, BLOCK)
        for _ in executor.map(draw, [Box(x, top, min(BLOCK, size.width - x), height) for x in lefts]):
            pass  # an exception in a thread is raised here
        progress(height * size.width)
        yield band
