"""The 2x2 mean of the pixel contract, by the fastest library that is proved to give it here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import cv2
import numpy as np

from tileframe.pixels import Pixels
from tileframe.pixels import halve as contract
from tileframe.work import WhileUsed


def halve(pixels: Pixels, into: Pixels) -> None:
    """Write the mean of each 2x2 of ``pixels`` into ``into``, ``((height + 1) // 2, (width + 1) // 2, 3)``.

    An odd last row or column counts twice. Both may be parts of larger arrays.
    """
    height, width = pixels.shape[:2]
    rows, cols = height // 2, width // 2
    if rows and cols:
        _mean(pixels[: 2 * rows, : 2 * cols], into[:rows, :cols])
    # The last line alone is copied to be doubled: all pixels would be one more block in memory.
    if rows and width % 2:
        _mean(_doubled(pixels[: 2 * rows, -1:]), into[:rows, cols:])
    if height % 2:
        _mean(_doubled(pixels[-1:]), into[rows:])


def _doubled(line: Pixels) -> Pixels:
    height, width = line.shape[:2]
    return np.pad(line, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")


def _mean(pixels: Pixels, into: Pixels) -> None:
    if opencv_keeps_the_contract():
        shrunk = cv2.resize(pixels, (into.shape[1], into.shape[0]), dst=into, interpolation=cv2.INTER_AREA)
        if shrunk is not into:
            into[:] = shrunk
    else:
        from PIL import Image  # here, for where OpenCV will do it is not needed

        into[:] = np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).reduce(2))


@cache
def opencv_keeps_the_contract() -> bool:
    """Try OpenCV on a few pixels: what it does on a processor depends on how it was built for it."""
    chance = np.random.default_rng(0)
    for height, width in ((2, 2), (2, 34), (66, 130)):
        pixels = chance.integers(0, 256, (height, width, 3), dtype=np.uint8)
        means = cv2.resize(pixels, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
        if not np.array_equal(means, contract(pixels)):
            return False
    return True


@contextmanager
def _one_thread() -> Iterator[None]:
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


_ONE_THREAD = WhileUsed(_one_thread)


def no_threads_of_opencv() -> WhileUsed:
    """Keep OpenCV's own threads, which are counted per process, from adding to the workers, in a ``with``."""
    return _ONE_THREAD
