"""Do all backends say the same of a file: the same pyramid, or the same refusal?"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

from tileframe import Equality, Report, TileframeError, compare, open_pyramid, run
from tileframe.registry import Registry

REFERENCE = "stream"
OTHERS = ("vips", "openslide")

LAYOUTS: list[dict[str, Any]] = [
    {"tile_size": 254, "overlap": 1}, {"tile_size": 256, "overlap": 0},
    {"tile_size": 512, "overlap": 2}, {"tile_size": 1024, "overlap": 0},
]  # fmt: skip
FORMATS: list[dict[str, Any]] = [
    {"format": "jpeg", "quality": 75}, {"format": "jpeg", "quality": 95}, {"format": "png"},
]  # fmt: skip
BOUNDS: list[dict[str, Any]] = [{"limit_bounds": True}, {"limit_bounds": False}]
COMBINATIONS = [layout | form | bounds for bounds, form, layout in product(BOUNDS, FORMATS, LAYOUTS)]
"""All options that `benchmarks/figures.py parity` gives every file; the tests give each file some of them."""


def turn(path: Path) -> int:
    """A number that is always the same for a file and differs between files: whose turn it is."""
    return sum(path.name.encode())


def made(slide: Path, target: Path, registry: Registry, **options: Any) -> Report | TileframeError:
    """The report of a run, or what it was refused with."""
    try:
        return run(slide, target, registry=registry, overwrite=True, **options)
    except TileframeError as error:
        return error


def made_by_each(
    slide: Path,
    folder: Path,
    registry: Registry,
    *,
    others: Sequence[str] = OTHERS,
    format: str = "png",
    **options: Any,
) -> dict[str, Report | TileframeError]:
    """What `stream` and ``others`` make of ``slide``, by their names."""
    return {
        backend: made(slide, folder / backend, registry, backend=backend, format=format, **options)
        for backend in (REFERENCE, *others)
    }


def disagreement(slide: Path, folder: Path, registry: Registry, **options: Any) -> str | None:
    """What differs between the pyramids of ``slide`` by `stream` and by others, as `made_by_each` makes them."""
    return difference(made_by_each(slide, folder, registry, **options), registry)


def difference(by_backend: dict[str, Report | TileframeError], registry: Registry) -> str | None:
    """What differs between the pyramid of `stream` and those of others; None if nothing does.

    `pixels` have to be the same, and from a backend that promises less for this slide, as much as it promises.
    """
    first = by_backend[REFERENCE]
    if isinstance(first, Report) and first.promises is not Equality.PIXELS:
        return f"{REFERENCE} promises {first.promises} only"
    for backend, other in by_backend.items():
        if backend != REFERENCE and (found := _between(first, other, registry)):
            return f"{REFERENCE} and {backend}: {found}"
    return None


def _between(first: Report | TileframeError, other: Report | TileframeError, registry: Registry) -> str | None:
    if isinstance(first, TileframeError) or isinstance(other, TileframeError):
        codes = [done.exit_code if isinstance(done, TileframeError) else 0 for done in (first, other)]
        return None if codes[0] == codes[1] else f"{first}; {other}"
    with (
        open_pyramid(first.target, registry=registry) as ours,
        open_pyramid(other.target, registry=registry) as theirs,
    ):
        result = compare(ours, theirs)
    if result.strength is None:
        return "; ".join(result.layout)
    if result.strength < other.promises:
        return f"{result.strength} is the same, and {other.promises} is promised"
    return None
