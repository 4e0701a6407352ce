"""What people write without tileframe, each in its plainest form.

``python benchmarks/baselines.py dzsave|generator IN OUT`` writes ``OUT.dzi`` and ``OUT_files`` in a process of its own.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

TILE_SIZE = 256
OVERLAP = 0
QUALITY = 75


def bare_dzsave(source: Path, out: Path) -> None:
    """Let libvips read and save the file, in its fast direct mode, which it takes because no suffix is given."""
    import pyvips

    image = pyvips.Image.new_from_file(str(source), access="sequential")
    image.dzsave(str(out), tile_size=TILE_SIZE, overlap=OVERLAP, Q=QUALITY, depth="onepixel")


def generator_loop(source: Path, out: Path) -> None:
    """Save every tile of OpenSlide's `DeepZoomGenerator`, one after the other."""
    import openslide
    from openslide.deepzoom import DeepZoomGenerator
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None
    with openslide.open_slide(source) as slide:
        generator = DeepZoomGenerator(slide, tile_size=TILE_SIZE, overlap=OVERLAP, limit_bounds=False)
        for level, (cols, rows) in enumerate(generator.level_tiles):
            folder = out.with_name(f"{out.name}_files") / str(level)
            folder.mkdir(parents=True)
            for row in range(rows):
                for col in range(cols):
                    generator.get_tile(level, (col, row)).save(folder / f"{col}_{row}.jpeg", quality=QUALITY)
        out.with_name(f"{out.name}.dzi").write_text(generator.get_dzi("jpeg"), encoding="utf-8")


BASELINES: dict[str, Callable[[Path, Path], None]] = {"dzsave": bare_dzsave, "generator": generator_loop}


def main() -> None:
    parser = argparse.ArgumentParser(description="Make a pyramid without tileframe.")
    parser.add_argument("baseline", choices=BASELINES)
    parser.add_argument("source", type=Path, metavar="IN")
    parser.add_argument("out", type=Path, metavar="OUT", help="without .dzi")
    arguments = parser.parse_args()
    BASELINES[arguments.baseline](arguments.source, arguments.out)


if __name__ == "__main__":
    main()
