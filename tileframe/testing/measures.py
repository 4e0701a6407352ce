"""How far pictures are from each other, and whether a call fails as it should."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from tileframe import Pyramid, TileAddress
from tileframe.pixels import Pixels
from tileframe.testing.cases import cut

E = TypeVar("E", bound=Exception)
T = TypeVar("T")
MOST_SAID = 8


def refusal(kind: type[E] | tuple[type[E], ...], what: str, call: Callable[[], object]) -> E:
    """Return the error of ``kind`` that ``call`` raises; fail, saying ``what`` was to be refused, if it does not."""
    names = " or ".join(one.__name__ for one in (kind if isinstance(kind, tuple) else (kind,)))
    try:
        found = call()
    except kind as error:
        return error
    except Exception as error:
        raise AssertionError(f"{what}: is to be refused with {names}, not {error!r}") from error
    raise AssertionError(f"{what}: is to be refused with {names}, and gave {found!r}")


def for_each(cases: Iterable[T], look: Callable[[T], None]) -> None:
    """Call ``look`` for each of ``cases``, and fail with what it said of those for which it failed."""
    said: list[str] = []
    for case in cases:
        try:
            look(case)
        except AssertionError as error:
            said.append(str(error).partition("\n")[0])
    rest = f"\nand {len(said) - MOST_SAID} more" if len(said) > MOST_SAID else ""
    assert not said, "\n".join(said[:MOST_SAID]) + rest


def largest_difference(first: Pixels, second: Pixels) -> int:
    """Return by how much the most different samples differ; the shapes must be the same."""
    assert first.shape == second.shape, f"the pixels have the shape {first.shape}, not {second.shape}"
    return int(np.abs(first.astype(int) - second.astype(int)).max(initial=0))


def mean_difference(first: Pixels, second: Pixels) -> float:
    """Return by how much samples differ on average; the shapes must be the same."""
    assert first.shape == second.shape, f"the pixels have the shape {first.shape}, not {second.shape}"
    return float(np.abs(first.astype(int) - second.astype(int)).mean())


def disagreement(pyramid: Pyramid, tiles: Mapping[TileAddress, Pixels], one: TileAddress, other: TileAddress) -> float:
    """Return the mean difference of two tiles over what both show."""
    first, second = pyramid.tile_box(one), pyramid.tile_box(other)
    shared = first.clipped(second)
    if not shared.size.area:
        return 0.0
    ours = cut(tiles[one], shared.shifted(-first.x, -first.y))
    theirs = cut(tiles[other], shared.shifted(-second.x, -second.y))
    return mean_difference(ours, theirs)


def psnr(pairs: Sequence[tuple[Pixels, Pixels]]) -> float:
    """Return how near the first are to the second, in dB."""
    errors = sum(float(np.square(seen.astype(float) - wanted).sum()) for seen, wanted in pairs)
    samples = sum(wanted.size for _, wanted in pairs)
    return math.inf if not errors else 10 * math.log10(255**2 * samples / errors)
