"""Tiles that show the same part of the slide: how far apart they may be, and which of two is the wrong one."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from tileframe import CheckError, Finding, InputError, Severity, StoredPyramid, TileAddress
from tileframe.pixels import Pixels
from tileframe.work import in_order

Block = TypeVar("Block")

# Of red, green and blue, as JPEG takes it (ITU-R BT.601).
BRIGHTNESS = np.array([0.299, 0.587, 0.114])

# The largest tolerated mean difference of the brightness, 0 to 255: lossy tiles of one slide are mostly below 4, and 16
# is seen by eye.
MAX_MEAN_DIFFERENCE = 16.0
# The same for tiles of a quality up to the first figure, where the manifest tells it.
MAX_OF_QUALITY = ((9, 48.0), (49, 32.0))
# The same for the lower levels of a backend that promises the base alone: a PSNR of 20 dB, the floor that it declares.
MAX_OF_STORED_LEVELS = 25.5
# Times the median of the level: what the quality does to all tiles is no fault of one. Not where one is half of them.
TIMES_MEDIAN, SOME = 4.0, 16
# Times what four of five stay below, in levels where a bad tile cannot be in a fifth of all pairs.
TIMES_HIGH, ENOUGH = 2.5, 64


@dataclass(frozen=True, slots=True)
class Pair:
    """Two tiles that should agree, and by how much they do not."""

    first: TileAddress
    second: TileAddress
    difference: float
    """The mean over the shared pixels, as `mean_difference` gives it."""


def disagreeing(
    pyramid: StoredPyramid, pairs: Iterable[Pair], *, exact: bool, least: float = 0.0
) -> tuple[list[Pair], float]:
    """Return the pairs of one level that differ by more than the threshold, which is ``least`` or more; and that."""
    tolerated = 0.0 if exact else max(least, _tolerated(pyramid))
    all_differences, suspects = array("f"), []
    for pair in pairs:
        all_differences.append(pair.difference)
        if pair.difference > tolerated:
            suspects.append(pair)
    if exact or not suspects:
        return suspects, tolerated
    threshold = tolerated
    if len(all_differences) >= SOME:
        threshold = max(threshold, TIMES_MEDIAN * float(np.median(all_differences)))
    if len(all_differences) >= ENOUGH:
        threshold = max(threshold, TIMES_HIGH * float(np.percentile(all_differences, 80)))
    return [pair for pair in suspects if pair.difference > threshold], threshold


def _tolerated(pyramid: StoredPyramid) -> float:
    quality = None if pyramid.manifest is None else pyramid.manifest.plan.encoding.quality
    if quality is None:
        return MAX_MEAN_DIFFERENCE
    return next((most for up_to, most in MAX_OF_QUALITY if quality <= up_to), MAX_MEAN_DIFFERENCE)


def blamed(
    check: str,
    pairs: Iterable[Pair],
    *,
    total: Callable[[TileAddress], int],
    key: Callable[[TileAddress], str],
    message: Callable[[Pair, TileAddress], str],
    severity: Severity,
) -> Iterator[Finding]:
    """Yield one finding for each tile at fault: of a pair, the one that disagrees with most of its partners.

    ``total`` says in how many pairs a tile is; ``message`` is given a pair and the tile of it that is blamed.
    """
    pairs = list(pairs)
    bad = Counter(tile for pair in pairs for tile in (pair.first, pair.second))
    said: set[TileAddress] = set()
    for pair in pairs:
        first, second = (bad[tile] / total(tile) for tile in (pair.first, pair.second))
        tile = pair.first if first >= second else pair.second
        if tile not in said:
            said.add(tile)
            yield Finding(key(tile), check, severity, message(pair, tile))


def compared(
    pyramid: StoredPyramid, blocks: Iterable[Block], compare: Callable[[Block], list[Pair]]
) -> Generator[tuple[Block, list[Pair]], None, None]:
    """Yield each block and its pairs, compared in parallel."""
    with closing(in_order(lambda block: (block, compare(block)), blocks, workers=pyramid.workers)) as results:
        for block, pairs in results:
            yield block, [beyond_rule(pyramid, pair) for pair in pairs]


def sound(pyramid: StoredPyramid, tile: TileAddress) -> Pixels | None:
    """Return the pixels of a tile; None if it is missing, damaged or of a wrong size, which other checks tell."""
    try:
        return pyramid.decode(tile)
    except (KeyError, CheckError, InputError):
        return None


def beyond_rule(pyramid: StoredPyramid, pair: Pair) -> Pair:
    """Return ``pair`` without what the rule for blank tiles allows, where one of its tiles is absent."""
    rule = None if pyramid.manifest is None else pyramid.manifest.plan.skip_blank
    if rule is None or not rule.tolerance or (pair.first in pyramid.absent) == (pair.second in pyramid.absent):
        return pair
    return replace(pair, difference=max(0.0, pair.difference - rule.tolerance))


def mean_difference(one: Pixels, other: Pixels, *, exact: bool) -> float:
    """Return the mean absolute difference of two arrays of the same shape: of all samples, or of their brightness.

    Lossy formats keep little of the colour of small things, and all of the brightness that matters.
    """
    if not one.size:
        return 0.0
    apart = one.astype(np.int32) - other
    return float(np.abs(apart if exact else apart @ BRIGHTNESS).mean())
