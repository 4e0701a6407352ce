"""What has to be right about a pyramid before its time counts; each function returns what is wrong."""

from __future__ import annotations

from pathlib import Path

import tileframe
from tileframe import Equality, tiles_of
from tileframe.against import check_against
from tileframe.registry import load
from tileframe_bench.baselines import OVERLAP, QUALITY
from tileframe_bench.judging import judge


def wrong_names(source: Path, target: Path, reference: Path) -> list[str]:
    """Return the tiles of the pyramid ``target`` that are missing or too many, of whatever size they are."""
    made = tileframe.open_pyramid(target)
    due = {made.layout.key(tile) for tile in tiles_of(made.layout, made.pyramid)}
    return sorted(due ^ set(made.files.keys(made.layout.folder)))


def differences(source: Path, target: Path, reference: Path, promised: Equality = Equality.PIXELS) -> list[str]:
    """Return what differs from ``reference`` in names, sizes, pixels as promised, or JPEG tables.

    With the target itself as reference: whether all of its tiles are there, sound, and of their sizes.
    """
    verdict = judge(reference, target, promised)
    return [] if verdict.is_ranked else list(verdict.marks)


def differences_of_passthrough(source: Path, target: Path, reference: Path) -> list[str]:
    """Return what is wrong with a pyramid whose base tiles are those of the slide ``source``.

    The base has to show what the slide reads. The levels below are to be those of a run without pass-through on the
    same grid, which this makes in the folder of ``reference`` if it is not there.
    """
    made, plain = tileframe.open_pyramid(target), reference.with_name("plain.dzi")
    if not plain.exists():
        side = made.pyramid.tile_size
        tileframe.run(source, plain, quality=QUALITY, tile_size=side, overlap=OVERLAP, limit_bounds=False, color="keep")
    found = tileframe.compare(tileframe.open_pyramid(plain), made)
    lower = [f"level {level.level} has other pixels" for level in found.levels[:-1] if level.differing]
    base = [str(finding) for finding in check_against(made, source, load(), lambda tiles, pixels: None)]
    return [*found.layout, *lower, *base]
