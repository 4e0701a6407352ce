"""What an output has to satisfy before its time counts.

`speed.py` runs these in a process of their own, for a child's peak memory begins at what its parent holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tileframe
from tileframe import Access, CompressedTiles, Equality, JobSpec, open_job
from tileframe.against import check_against
from tileframe.registry import load
from tileframe_bench.baselines import OVERLAP, QUALITY
from tileframe_bench.judging import judge


@dataclass(frozen=True, slots=True)
class Traits:
    """What can be done with an input."""

    size: tileframe.Size
    in_order: bool
    """Its best reader gives rows."""
    is_slide: bool
    """OpenSlide opens it."""
    stores_jpegs: bool
    """Its tiles can be passed through."""
    dzsave_reads: bool
    """The libvips of the wheel reads it."""


def traits(path: Path) -> Traits:
    """Open ``path`` in every way there is."""
    import openslide
    import pyvips

    with open_job(JobSpec(path, path.with_name("unused.dzi"), limit_bounds=False)).source as source:
        compressed = isinstance(source, CompressedTiles) and source.refuses_compressed() is None
        size, tile, access = source.facts.size, source.facts.tile_size, source.facts.access
    try:
        pyvips.Image.new_from_file(str(path), access="sequential").crop(0, 0, 1, 1).copy_memory()
        dzsave_reads = True
    except pyvips.Error:
        dzsave_reads = False
    is_slide = openslide.OpenSlide.detect_format(str(path)) is not None
    stores_jpegs = compressed and tile is not None and tile.width == tile.height
    return Traits(size, access is Access.ROWS, is_slide, stores_jpegs, dzsave_reads)


def wrong_names(source: Path, target: Path, reference: Path) -> list[str]:
    """Return the tiles of the pyramid ``target`` that are missing or too many, of whatever size they are."""
    made = tileframe.open_pyramid(target)
    return sorted({key for key, _ in made.layout.keys(made.pyramid)} ^ set(made.files.keys()))


def differences(source: Path, target: Path, reference: Path, promised: Equality = Equality.PIXELS) -> list[str]:
    """Compare all tiles with the reference; return what is wrong with names, sizes, pixels as promised, or JPEG tables.

    With the target itself as reference: whether all of its tiles are there, sound, and of their sizes.
    """
    verdict = judge(reference, target, promised)
    return [] if verdict.is_ranked else list(verdict.marks)


def differences_of_passthrough(source: Path, target: Path, reference: Path) -> list[str]:
    """Return what is wrong with a pyramid whose base tiles are those of the slide ``source``.

    The base has to show what the slide reads. The levels below are to be those of a run without pass-through on the
    same grid, which this makes as ``reference`` if it is not there.
    """
    made = tileframe.open_pyramid(target)
    if not reference.exists():
        side = made.pyramid.tile_size
        tileframe.run(source, reference, quality=QUALITY, tile_size=side, overlap=OVERLAP, limit_bounds=False)
    found = tileframe.compare(tileframe.open_pyramid(reference), made)
    lower = [f"level {level.level} has other pixels" for level in found.levels[:-1] if level.differing]
    base = [str(finding) for finding in check_against(made, source, load(), lambda tiles, pixels: None)]
    return [*found.layout, *lower, *base]
