"""The stages in their plainest form, with nothing of tileframe in them: the references of `test_stages`."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import openslide
from PIL import Image

from tileframe.pixels import Pixels
from tileframe_bench.baselines import QUALITY

SQUARE = 2048


def read_picture(path: Path) -> Pixels:
    """Decode all of a picture with Pillow."""
    with Image.open(path) as image:
        return np.array(image.convert("RGB"))


def read_slide(path: Path) -> Pixels:
    """Read the base of an opaque slide with OpenSlide, square by square."""
    with openslide.OpenSlide(path) as slide:
        width, height = slide.dimensions
        pixels = np.empty((height, width, 3), np.uint8)
        for y in range(0, height, SQUARE):
            for x in range(0, width, SQUARE):
                part = pixels[y : y + SQUARE, x : x + SQUARE]
                region = slide.read_region((x, y), 0, (part.shape[1], part.shape[0]))
                part[:] = np.asarray(region.convert("RGB"))
    return pixels


def halve(pixels: Pixels, into: Pixels) -> None:
    """Take the 2x2 mean with Pillow."""
    into[:] = np.asarray(Image.fromarray(pixels).reduce(2))


def encode(pixels: Pixels, kind: str) -> bytes:
    """Encode a tile as ``jpeg`` or ``png`` with Pillow, at the settings of tileframe's writers."""
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, kind, quality=QUALITY, compress_level=1)
    return encoded.getvalue()


class Files:
    """A store that only writes files."""

    def __init__(self, target: Path, overwrite: bool) -> None:
        self._folder = target.parent
        self._made: set[Path] = set()

    def prepare(self) -> None:
        self._folder.mkdir(parents=True)

    def put(self, key: str, data: bytes) -> None:
        path = self._folder / key
        if path.parent not in self._made:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._made.add(path.parent)
        path.write_bytes(data)

    def get(self, key: str) -> bytes:
        return (self._folder / key).read_bytes()
