"""Slides without a file: ours for the planner, and OpenSlide's for the real Deep Zoom generator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

import numpy as np
import openslide
from PIL import Image

from tileframe import Access, Box, Size, SlideFacts
from tileframe.pixels import Pixels


class Slide:
    """A black slide without a file, which remembers whether it was closed."""

    def __init__(self, size: Size = Size(64, 48), *, bounds: Box | None = None) -> None:  # noqa: B008 - frozen
        self.facts = SlideFacts("made", size, Access.REGIONS, bounds=bounds)
        self.closed = False

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        return np.zeros((box.height, box.width, 3), np.uint8)

    def associated(self, name: str) -> Pixels:
        raise KeyError(name)

    def close(self) -> None:
        self.closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class NoPixels(openslide.AbstractSlide):
    """A slide of one level for the real generator: a size, properties, and nothing to read."""

    level_count = 1
    level_downsamples = (1.0,)
    level_dimensions: tuple[tuple[int, int], ...] = ()
    properties: Mapping[str, str] = {}
    associated_images: Mapping[str, Image.Image] = {}

    def __init__(self, size: Size, bounds: Box | None = None) -> None:
        super().__init__()
        self.level_dimensions = ((size.width, size.height),)
        if bounds is not None:
            sides = {"x": bounds.x, "y": bounds.y, "width": bounds.width, "height": bounds.height}
            self.properties = {f"openslide.bounds-{side}": str(value) for side, value in sides.items()}

    @classmethod
    def detect_format(cls, filename: object) -> str | None:
        return None

    def get_best_level_for_downsample(self, downsample: float) -> int:
        return 0

    def read_region(self, location: object, level: int, size: object) -> Image.Image:
        raise AssertionError("there are no pixels")

    def close(self) -> None:
        pass
