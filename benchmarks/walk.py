"""Compare base tiles with what independent decoders give, over every file of a folder.

``python benchmarks/walk.py FOLDER [WORD ...]`` takes only files whose path holds one of the words, if there are any.
The tiles are those of a run with PNG, without colour conversion. Pillow, tifffile, libvips and OpenSlide are
asked for their plain RGB of the first picture. Where all of them differ, a look must tell who is right.
"""

from __future__ import annotations

import logging
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openslide
import pyvips
import tifffile
from PIL import Image, ImageOps

from tileframe import InputError, TileframeError, open_pyramid, run
from tileframe.pixels import Pixels, to_rgb8
from tileframe.registry import Registry, load

Image.MAX_IMAGE_PIXELS = None
# A sample may differ by so much: decoders of JPEG round in different ways.
SAME = 2
# Pixels of the largest file that is decoded whole by the others.
MOST = 700_000_000


def main(folder: Path, words: list[str]) -> int:
    registry = load()
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    verdicts: Counter[str] = Counter()
    for path in files:
        if not words or any(word in str(path) for word in words):
            verdict, said = judged(path, registry)
            verdicts[verdict] += 1
            if verdict != "agrees":
                print(f"{verdict:8} {path.relative_to(folder)}: {said}", flush=True)
    print(", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items())))
    return min(verdicts["differs"], 1)


def judged(path: Path, registry: Registry) -> tuple[str, str]:
    """Return what became of one file: ``agrees``, ``differs``, ``refused``, or ``alone`` where nobody else reads it."""
    with tempfile.TemporaryDirectory() as scratch:
        target = Path(scratch) / "a.szi"
        try:
            report = run(path, target, format="png", tile_size=1024, overlap=0, color="keep", limit_bounds=False,
                         registry=registry)  # fmt: skip
        except InputError as error:
            return "refused", str(error).replace(f"{path}: ", "")
        except TileframeError as error:
            return "differs", f"ends with exit code {error.exit_code}: {error}"
        found = {}
        for name, decode in DECODERS.items():
            theirs = decoded(decode, path)
            if theirs is not None:
                found[name] = difference(str(report.target), theirs, registry)
        notes = "; ".join(report.notes)
    if any(isinstance(worst, int) and worst <= SAME for worst in found.values()):
        return "agrees", ""
    if not found:
        return "alone", notes
    return "differs", f"{', '.join(f'{name} {worst}' for name, worst in found.items())} ({notes})"


def decoded(decode: Callable[[Path], Any], path: Path) -> Pixels | None:
    """Return the picture by another decoder; None where it has none."""
    with warnings.catch_warnings(action="ignore"):
        try:
            pixels: Pixels = decode(path)
        except Exception:  # whatever it raises, it does not read this
            return None
    return pixels if pixels.ndim == 3 and pixels.shape[2] == 3 and pixels.dtype == np.uint8 else None


def difference(target: str, theirs: Pixels, registry: Registry) -> int | str:
    """Return the largest difference of a sample in any base tile; words where the sizes differ."""
    worst = 0
    with open_pyramid(target, registry=registry) as stored:
        pyramid, base = stored.pyramid, stored.pyramid.level_count - 1
        if (pyramid.base.height, pyramid.base.width) != theirs.shape[:2]:
            return f"has {theirs.shape[1]}x{theirs.shape[0]}, not {pyramid.base}"
        for tile in pyramid.tiles(base):
            box = pyramid.tile_box(tile)
            there = theirs[box.y : box.bottom, box.x : box.right]
            worst = max(worst, int(np.abs(stored.decode(tile).astype(np.int16) - there).max()))
    return worst


def by_pillow(path: Path) -> Pixels:
    with Image.open(path) as image:
        if image.size[0] * image.size[1] > MOST:
            raise ValueError
        picture = image if image.format == "TIFF" else ImageOps.exif_transpose(image)
        if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
            picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture.convert("RGBA"))
        return np.asarray(picture.convert("RGB"))


def by_tifffile(path: Path) -> Pixels:
    samples = tifffile.imread(path, key=0)
    return to_rgb8(samples)


def by_vips(path: Path) -> Pixels:
    image = pyvips.Image.new_from_file(str(path), access="sequential").autorot()
    if image.width * image.height > MOST:
        raise ValueError
    if image.hasalpha():
        image = image.flatten(background=[65535 if image.format == "ushort" else 255])
    samples = image.numpy()
    return to_rgb8(samples if samples.ndim == 3 else samples[:, :, None])


def by_openslide(path: Path) -> Pixels:
    with openslide.OpenSlide(path) as slide:
        if slide.dimensions[0] * slide.dimensions[1] > MOST:
            raise ValueError
        region = slide.read_region((0, 0), 0, slide.dimensions)
        return np.asarray(Image.alpha_composite(Image.new("RGBA", region.size, "white"), region).convert("RGB"))


DECODERS: dict[str, Callable[[Path], Any]] = {
    "Pillow": by_pillow,
    "tifffile": by_tifffile,
    "libvips": by_vips,
    "OpenSlide": by_openslide,
}


if __name__ == "__main__":
    for library in ("PIL", "tifffile", "pyvips"):
        logging.getLogger(library).addHandler(logging.NullHandler())
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
