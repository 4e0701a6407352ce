"""What people write without tileframe, in its plainest form.

``python -m tileframe_bench.baselines dzsave|generator|pool IN OUT [--tile-size N] [--workers N]`` writes ``OUT.dzi``
and ``OUT_files``, and prints the seconds without the start of Python. Nothing of tileframe is imported.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

TILE_SIZE = 256
OVERLAP = 0
QUALITY = 75
# Tiles handed to a process of the pool at a time.
CHUNK = 64

Cells = list[tuple[int, int]]
# The `DeepZoomGenerator` of this process: those of a pool open the file once each.
_generator: Any = None


def bare_dzsave(source: Path, out: Path, tile_size: int, workers: int) -> None:
    """Let libvips read and save the file, in its fast direct mode, which it takes because no suffix is given."""
    os.environ["VIPS_CONCURRENCY"] = f"{workers}"  # libvips reads it once, when it is loaded
    import pyvips

    image = pyvips.Image.new_from_file(str(source), access="sequential")
    image.dzsave(str(out), tile_size=tile_size, overlap=OVERLAP, Q=QUALITY, depth="onepixel")


def generator_loop(source: Path, out: Path, tile_size: int, workers: int) -> None:
    """Save every tile of OpenSlide's `DeepZoomGenerator`, one after the other; more ``workers`` are of no use to it."""
    with _open(source, tile_size):
        for level, cells in _chunks(out):
            _save(out, level, cells)


def generator_pool(source: Path, out: Path, tile_size: int, workers: int) -> None:
    """Save every tile of `DeepZoomGenerator` by ``workers`` processes, each of which opens the file."""
    with _open(source, tile_size):
        chunks = _chunks(out)
    # Fresh processes: OpenSlide and Pillow are not made to be forked while they have a file open.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, spawn, initializer=_open, initargs=(source, tile_size)) as pool:
        for _ in pool.map(partial(_save, out), *zip(*chunks, strict=True)):
            pass  # what a process raises is raised here


def _open(source: Path, tile_size: int) -> Any:
    """Return the open slide, the generator of which becomes that of this process."""
    global _generator
    import openslide
    from openslide.deepzoom import DeepZoomGenerator
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None
    slide = openslide.open_slide(source)
    _generator = DeepZoomGenerator(slide, tile_size, OVERLAP, limit_bounds=False)
    return slide


def _chunks(out: Path) -> list[tuple[int, Cells]]:
    """Write the descriptor, make the folders, and return the tiles of all levels in chunks.

    The base comes first: its many tiles fill the time in which one process makes a single slow one.
    """
    out.with_name(f"{out.name}.dzi").write_text(_generator.get_dzi("jpeg"), encoding="utf-8")
    chunks = []
    for level, (cols, rows) in reversed(list(enumerate(_generator.level_tiles))):
        Path(f"{out}_files", f"{level}").mkdir(parents=True)
        cells = [(col, row) for row in range(rows) for col in range(cols)]
        chunks += [(level, cells[start : start + CHUNK]) for start in range(0, len(cells), CHUNK)]
    return chunks


def _save(out: Path, level: int, cells: Cells) -> None:
    for col, row in cells:
        _generator.get_tile(level, (col, row)).save(f"{out}_files/{level}/{col}_{row}.jpeg", quality=QUALITY)


BASELINES = {"dzsave": bare_dzsave, "generator": generator_loop, "pool": generator_pool}


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
    BASELINES[arguments.baseline](arguments.source, arguments.out, arguments.tile_size, arguments.workers)
    print(json.dumps({"seconds": time.perf_counter() - started}))


if __name__ == "__main__":
    main()
