"""What people write without tileframe, each in its plainest form.

``python -m tileframe_bench.baselines dzsave|generator|pool IN OUT [--tile-size N] [--workers N]`` writes ``OUT.dzi``
and ``OUT_files`` in a process of its own, and prints the seconds of the call, which the start of Python is no part of.
Nothing of tileframe is imported: who writes such a script does not pay for it.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

TILE_SIZE = 256
OVERLAP = 0
QUALITY = 75
# Tiles handed to a process of the pool at a time.
CHUNK = 64


def bare_dzsave(source: Path, out: Path, *, tile_size: int = TILE_SIZE, workers: int = 0) -> None:
    """Let libvips read and save the file, in its fast direct mode, which it takes because no suffix is given."""
    if workers:
        os.environ["VIPS_CONCURRENCY"] = f"{workers}"  # libvips looks at it once, when it is loaded
    import pyvips

    image = pyvips.Image.new_from_file(str(source), access="sequential")
    image.dzsave(str(out), tile_size=tile_size, overlap=OVERLAP, Q=QUALITY, depth="onepixel")


def generator_loop(source: Path, out: Path, *, tile_size: int = TILE_SIZE, workers: int = 1) -> None:
    """Save every tile of OpenSlide's `DeepZoomGenerator`, one after the other; more ``workers`` are of no use to it."""
    with _opened(source) as slide:
        generator = _generator(slide, tile_size)
        for level, (cols, rows) in enumerate(generator.level_tiles):
            folder = _folder(out, level)
            folder.mkdir(parents=True)
            _save(generator, folder, level, ((col, row) for row in range(rows) for col in range(cols)))
        out.with_name(f"{out.name}.dzi").write_text(generator.get_dzi("jpeg"), encoding="utf-8")


def generator_pool(source: Path, out: Path, *, tile_size: int = TILE_SIZE, workers: int = 0) -> None:
    """Save every tile of `DeepZoomGenerator` by as many processes as there are cores, each of which opens the file."""
    with _opened(source) as slide:
        generator = _generator(slide, tile_size)
        levels, descriptor = generator.level_tiles, generator.get_dzi("jpeg")
    # Fresh processes: OpenSlide and Pillow are not made to be forked while they have a file open.
    context = multiprocessing.get_context("spawn")
    given = (source, out, tile_size)
    with ProcessPoolExecutor(workers or os.cpu_count(), context, initializer=_Worker.begin, initargs=given) as pool:
        waiting = []
        # The base first: its many tiles fill the time in which one process makes a single slow one.
        for level, (cols, rows) in reversed(list(enumerate(levels))):
            _folder(out, level).mkdir(parents=True)
            cells = [(col, row) for row in range(rows) for col in range(cols)]
            waiting += [
                pool.submit(_Worker.save, level, cells[start : start + CHUNK]) for start in range(0, len(cells), CHUNK)
            ]
        for future in waiting:
            future.result()
    out.with_name(f"{out.name}.dzi").write_text(descriptor, encoding="utf-8")


class _Worker:
    """What a process of the pool holds."""

    generator: Any
    out: Path

    @classmethod
    def begin(cls, source: Path, out: Path, tile_size: int) -> None:
        cls.generator, cls.out = _generator(_opened(source), tile_size), out

    @classmethod
    def save(cls, level: int, cells: Iterable[tuple[int, int]]) -> None:
        _save(cls.generator, _folder(cls.out, level), level, cells)


def _opened(source: Path) -> Any:
    import openslide
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None
    return openslide.open_slide(source)


def _generator(slide: Any, tile_size: int) -> Any:
    from openslide.deepzoom import DeepZoomGenerator

    return DeepZoomGenerator(slide, tile_size=tile_size, overlap=OVERLAP, limit_bounds=False)


def _folder(out: Path, level: int) -> Path:
    return out.with_name(f"{out.name}_files") / str(level)


def _save(generator: Any, folder: Path, level: int, cells: Iterable[tuple[int, int]]) -> None:
    for col, row in cells:
        generator.get_tile(level, (col, row)).save(folder / f"{col}_{row}.jpeg", quality=QUALITY)


BASELINES: dict[str, Callable[..., None]] = {
    "dzsave": bare_dzsave,
    "generator": generator_loop,
    "pool": generator_pool,
}


def main() -> None:
    """Run one of them."""
    parser = argparse.ArgumentParser(description="Make a pyramid without tileframe.")
    parser.add_argument("baseline", choices=BASELINES)
    parser.add_argument("source", type=Path, metavar="IN")
    parser.add_argument("out", type=Path, metavar="OUT", help="without .dzi")
    parser.add_argument("--tile-size", type=int, default=TILE_SIZE)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    started = time.perf_counter()
    make = BASELINES[arguments.baseline]
    make(arguments.source, arguments.out, tile_size=arguments.tile_size, workers=arguments.workers)
    print(json.dumps({"seconds": time.perf_counter() - started}))


if __name__ == "__main__":
    main()
