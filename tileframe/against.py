"""Compare the base of a finished pyramid with the slide that it was made from."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from tileframe.errors import CheckError, InputError, OptionError
from tileframe.geometry import Box, TileAddress
from tileframe.interfaces import SKIPPED, Pixels, Progress, Source, StoredPyramid, read_region
from tileframe.model import Access, Finding, JobSpec, Rgb, Severity
from tileframe.parallel import in_order
from tileframe.planning import opened
from tileframe.registry import Registry

if TYPE_CHECKING:
    from tileframe.interfaces import Writer

CHECK = "against"
# Mean difference of a sample, where it is not known how the tiles were encoded.
LEAST = 16.0


def check_against(
    pyramid: StoredPyramid,
    slide: Path,
    registry: Registry,
    progress: Progress,
    *,
    sample: int | None = None,
    seed: int = 0,
) -> Iterator[Finding]:
    """Read ``slide`` again and compare base tiles: all, or ``sample`` of them, chosen by ``seed``.

    With a manifest, the tiles must be exactly what the slide's pixels become when they are encoded the same
    way, or those pixels themselves; without one, they must be near them. `InputError` if the slide cannot be read.
    """
    if sample is not None and sample < 1:
        raise OptionError(f"the sample must be 1 tile or more, not {sample}")
    recorded = pyramid.manifest.get("pyramid", {})
    encoder = _encoder(pyramid, registry, recorded)
    with _source(pyramid, slide, registry) as source:
        region = _region(pyramid, source, recorded)
        if region is None:
            sizes = f"its size is {pyramid.pyramid.base}, and the slide's {source.facts.size}"
            yield Finding(pyramid.target.name, CHECK, Severity.ERROR, sizes)
            return
        tiles = _chosen(pyramid, sample, seed)
        in_rows = source.facts.access is Access.ROWS
        chosen = _rows(pyramid, source, region, tiles) if in_rows else ((tile, None) for tile in tiles)

        def judge(one: tuple[TileAddress, Pixels | None]) -> tuple[TileAddress, str | None]:
            tile, expected = one
            if expected is None:
                expected = read_region(source, region, pyramid.pyramid.tile_box(tile))
            return tile, _difference(pyramid, tile, expected, encoder)

        done = pixels = 0
        with closing(in_order(judge, chosen, workers=pyramid.workers)) as judged:
            for tile, message in judged:
                if message is not None:
                    yield Finding(pyramid.layout.key(tile), CHECK, Severity.ERROR, message)
                done, pixels = done + 1, pixels + pyramid.pyramid.tile_box(tile).size.area
                progress(done, pixels)


def _encoder(pyramid: StoredPyramid, registry: Registry, recorded: dict[str, object]) -> Writer | None:
    """Return the writer that made the tiles; None where that is not known."""
    encoding = pyramid.writer.encoding
    if encoding.lossless:
        return pyramid.writer
    quality = recorded.get("quality")
    return registry.writer(encoding.suffix).make(quality) if isinstance(quality, int) else None


def _source(pyramid: StoredPyramid, slide: Path, registry: Registry) -> Source:
    """Open the slide as the run did that made the pyramid."""
    background = pyramid.manifest.get("options", {}).get("background")
    spec = JobSpec(slide, slide, background=Rgb.parse(background) if isinstance(background, str) else None)
    return next(opened(spec, registry, []))[1]


def _region(pyramid: StoredPyramid, source: Source, recorded: dict[str, object]) -> Box | None:
    base, facts = pyramid.pyramid.base, source.facts
    offset = recorded.get("offset")
    whole = Box(0, 0, facts.size.width, facts.size.height)
    if isinstance(offset, list) and len(offset) == 2:
        region = Box(int(offset[0]), int(offset[1]), base.width, base.height)
        return region if region.clipped(whole) == region else None
    candidates = [whole] if facts.bounds is None else [whole, facts.bounds.clipped(whole)]
    return next((box for box in candidates if box.size == base), None)


def _chosen(pyramid: StoredPyramid, sample: int | None, seed: int) -> list[TileAddress]:
    """Return the base tiles to compare, in reading order."""
    tiles = list(pyramid.pyramid.tiles(pyramid.pyramid.base_level))
    if sample is None or sample >= len(tiles):
        return tiles
    return sorted(random.Random(seed).sample(tiles, sample), key=lambda tile: (tile.row, tile.col))


def _rows(
    pyramid: StoredPyramid, source: Source, region: Box, tiles: list[TileAddress]
) -> Iterator[tuple[TileAddress, Pixels]]:
    """Yield each tile with its pixels from a source that gives rows in order, once: a row of tiles is kept."""
    import numpy as np

    kept, top = np.empty((0, region.width, 3), np.uint8), 0
    for tile in tiles:
        box = pyramid.pyramid.tile_box(tile)
        end = top + len(kept)
        if box.bottom > end:
            for y in range(end, box.y, SKIPPED):
                read_region(source, region, Box(0, y, region.width, min(SKIPPED, box.y - y)))
            new = read_region(source, region, Box(0, max(box.y, end), region.width, box.bottom - max(box.y, end)))
            kept = np.concatenate([kept[max(0, box.y - top) :], new])
            top = box.bottom - len(kept)
        yield tile, kept[box.y - top : box.bottom - top, box.x : box.right]


def _difference(pyramid: StoredPyramid, tile: TileAddress, expected: Pixels, encoder: Writer | None) -> str | None:
    import numpy as np

    try:
        found = pyramid.decode(tile)
    except KeyError:
        return "the tile is missing"
    except (CheckError, InputError) as error:
        return str(error)
    if found.shape != expected.shape:
        return f"the tile is {found.shape[1]}x{found.shape[0]}, not {expected.shape[1]}x{expected.shape[0]}"
    if np.array_equal(found, expected):
        return None  # lossless, or the slide's own data
    if encoder is not None:
        expected = encoder.decode(encoder.encode(expected))
    mean = float(np.abs(found.astype(np.int16) - expected).mean())
    if encoder is not None:
        return f"differs by {mean:.1f} from the slide; none was expected" if mean else None
    return f"differs by {mean:.1f} from the slide; at most {LEAST:.0f} was expected" if mean > LEAST else None
