"""What a benchmark has to know and to prove in a process of its own, so that the one that measures stays small."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import simplejpeg

import tileframe
from benchmarks import outputs
from benchmarks.outputs import key, sample, tiles, unlike
from tileframe import Access, CompressedTiles
from tileframe.dzi import parse_descriptor
from tileframe.planning import open_source
from tileframe.registry import load
from tileframe_bench.baselines import OVERLAP, QUALITY

SAMPLE = 500
NAME = "pyramid"


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

    _, source = open_source(path, load())
    with source:
        compressed = isinstance(source, CompressedTiles) and source.refuses_compressed() is None
        facts = source.facts
    return Traits(
        size=facts.size,
        in_order=facts.access is Access.ROWS,
        is_slide=openslide.OpenSlide.detect_format(str(path)) is not None,
        stores_jpegs=compressed and facts.tile_size is not None and facts.tile_size.width == facts.tile_size.height,
        dzsave_reads=_dzsave_reads(path),
    )


def _dzsave_reads(path: Path) -> bool:
    import pyvips

    try:
        pyvips.Image.new_from_file(str(path), access="sequential").crop(0, 0, 1, 1).copy_memory()
    except pyvips.Error:
        return False
    return True


def wrong_files(folder: Path, *, names_only: bool = False) -> list[str]:
    """Return what is wrong with the files of the pyramid in ``folder``, by its own descriptor; see `outputs.faults`."""
    pyramid, _ = parse_descriptor((folder / f"{NAME}.dzi").read_text(encoding="utf-8"))
    made = folder / f"{NAME}_files"
    if names_only:
        return sorted(outputs.keys(made) ^ {key(tile) for tile in tiles(pyramid)})
    return outputs.faults(made, pyramid)


def wrong_pixels(folder: Path, reference: Path) -> list[str]:
    """Return those of a sample of tiles whose pixels are not those of the pyramid in ``reference``."""
    pyramid, _ = parse_descriptor((reference / f"{NAME}.dzi").read_text(encoding="utf-8"))
    return unlike(folder / f"{NAME}_files", reference / f"{NAME}_files", sample(pyramid, SAMPLE))


def wrong_passed_through(slide: Path, folder: Path, reference: Path) -> list[str]:
    """Return what is wrong with the pixels of a pyramid with pass-through.

    Whole tiles of the base show what the slide reads. All others, the cut ones at the edges and those of the lower
    levels, are those of a run without pass-through on the same grid, which this makes in ``reference``, once.
    """
    pyramid, _ = parse_descriptor((folder / f"{NAME}.dzi").read_text(encoding="utf-8"))
    if not reference.exists():
        reference.mkdir()
        tileframe.run(
            slide,
            reference / f"{NAME}.dzi",
            backend="stream",
            quality=QUALITY,
            tile_size=pyramid.tile_size,
            overlap=OVERLAP,
            limit_bounds=False,
        )
    whole = {
        key(tile): tile
        for tile in pyramid.tiles(pyramid.base_level)
        if pyramid.tile_box(tile).size.area == pyramid.tile_size**2
    }
    names = sample(pyramid, SAMPLE)
    made = folder / f"{NAME}_files"
    wrong = unlike(made, reference / f"{NAME}_files", (name for name in names if name not in whole))
    _, source = open_source(slide, load())
    with source:
        box = pyramid.tile_box
        wrong += _unread(made, source, ((name, box(whole[name])) for name in names if name in whole))
    return wrong


def _unread(made: Path, source: tileframe.Source, boxes: Iterable[tuple[str, tileframe.Box]]) -> list[str]:
    decode = partial(simplejpeg.decode_jpeg, colorspace="RGB", strict=True)
    return [name for name, box in boxes if not np.array_equal(decode((made / name).read_bytes()), source.read(box))]
