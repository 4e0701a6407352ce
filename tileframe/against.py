"""Compare the base of a finished pyramid with the slide that it was made from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing

from tileframe.absent import may_be_absent
from tileframe.colour import managed
from tileframe.errors import CheckError, InputError, OptionError
from tileframe.facts import Access, ColourMode, Intent, Rgb
from tileframe.findings import Finding, Severity
from tileframe.geometry import Box, TileAddress
from tileframe.protocols import Pixels, Progress, Source, Writer
from tileframe.pyramids import StoredPyramid
from tileframe.reading import Reading
from tileframe.records import OnError
from tileframe.registry import Registry
from tileframe.selection import opened
from tileframe.slides import Slide
from tileframe.sources import SKIPPED, cropped
from tileframe.work import in_order

CHECK = "against"
# The largest tolerated mean difference of a sample, 0 to 255, where it is not known how the tiles were encoded.
MAX_MEAN_DIFFERENCE = 16.0


def check_against(
    pyramid: StoredPyramid,
    slide: Slide,
    registry: Registry,
    progress: Progress,
    *,
    sample: int | None = None,
    seed: int = 0,
) -> Iterator[Finding]:
    """Read ``slide`` again and compare base tiles: all, or ``sample`` of them, chosen by ``seed``.

    With a manifest, the slide is read by the same reader with the same options, and the tiles must be exactly what
    its pixels become when they are encoded the same way, or those pixels themselves; without one, they must be near
    them. `InputError` if the slide cannot be read.
    """
    if sample is not None and sample < 1:
        raise OptionError(f"the sample must be 1 tile or more, not {sample}")
    encoder = pyramid.writer if pyramid.manifest or pyramid.writer.encoding.lossless else None
    with _opened(pyramid, slide, registry) as whole:
        region = _region(pyramid, whole)
        if region is None:
            sizes = f"its size is {pyramid.pyramid.base}, and the slide's {whole.facts.size}"
            yield Finding(pyramid.descriptor_key, CHECK, Severity.ERROR, sizes)
            return
        source = _managed(pyramid, cropped(whole, region), registry)
        fills = pyramid.manifest is not None and pyramid.manifest.plan.on_error is OnError.FILL
        reading = Reading(source, region, fill=fills)
        tiles = _chosen(pyramid, sample, seed)
        in_rows = source.facts.access is Access.ROWS
        chosen = _rows(pyramid, reading, region.width, tiles) if in_rows else ((tile, None) for tile in tiles)

        def judge(one: tuple[TileAddress, Pixels | None]) -> tuple[TileAddress, str | None]:
            tile, expected = one
            if expected is None:
                expected = reading.read(pyramid.pyramid.tile_box(tile))
            filled = reading.is_filled(pyramid.pyramid.tile_box(tile))
            return tile, _absence(pyramid, tile, expected, filled=filled) or _difference(
                pyramid, tile, expected, encoder, source.facts.background
            )

        done = pixels = 0
        with closing(in_order(judge, chosen, workers=pyramid.workers)) as judged:
            for tile, message in judged:
                if message is not None:
                    yield Finding(pyramid.layout.key(tile), CHECK, Severity.ERROR, message)
                done, pixels = done + 1, pixels + pyramid.pyramid.tile_box(tile).size.area
                progress(done, pixels)


def _opened(pyramid: StoredPyramid, slide: Slide, registry: Registry) -> Source:
    """Open the slide as the run did that made the pyramid."""
    if pyramid.manifest is None:
        return next(opened(slide, registry, options={}))[1]
    plan = pyramid.manifest.plan
    background = plan.source.background
    return next(opened(slide, registry, reader=plan.reader, options=plan.reader_options, background=background))[1]


def _managed(pyramid: StoredPyramid, source: Source, registry: Registry) -> Source:
    """Return the colours that the pyramid has; other tools than tileframe leave them as they are."""
    recorded = pyramid.manifest.plan.colour if pyramid.manifest else None
    asked, intent = (recorded.asked, recorded.intent) if recorded else (ColourMode.KEEP, Intent.RELATIVE)
    return managed(source, asked, intent, registry).source


def _region(pyramid: StoredPyramid, source: Source) -> Box | None:
    """Return the part of the slide that the pyramid shows; None where it cannot be."""
    base, facts = pyramid.pyramid.base, source.facts
    whole = Box(0, 0, facts.size.width, facts.size.height)
    if pyramid.manifest is not None:
        region = pyramid.manifest.plan.region
        return region if region.clipped(whole) == region and region.size == base else None
    candidates = [whole] if facts.bounds is None else [whole, facts.bounds.clipped(whole)]
    return next((box for box in candidates if box.size == base), None)


def _chosen(pyramid: StoredPyramid, sample: int | None, seed: int) -> Iterator[TileAddress]:
    """Yield the base tiles to compare, in reading order."""
    geometry, level = pyramid.pyramid, pyramid.pyramid.base_level
    return geometry.tiles(level) if sample is None else iter(geometry.sample(level, sample, seed))


def _rows(
    pyramid: StoredPyramid, source: Reading, width: int, tiles: Iterable[TileAddress]
) -> Iterator[tuple[TileAddress, Pixels]]:
    """Yield each tile with its pixels from a source that gives rows in order, once: a row of tiles is kept."""
    import numpy as np

    kept, top = np.empty((0, width, 3), np.uint8), 0
    for tile in tiles:
        box = pyramid.pyramid.tile_box(tile)
        end = top + len(kept)
        if box.bottom > end:
            for y in range(end, box.y, SKIPPED):
                source.read(Box(0, y, width, min(SKIPPED, box.y - y)))
            new = source.read(Box(0, max(box.y, end), width, box.bottom - max(box.y, end)))
            kept = np.concatenate([kept[max(0, box.y - top) :], new])
            top = box.bottom - len(kept)
        yield tile, kept[box.y - top : box.bottom - top, box.x : box.right]


def _absence(pyramid: StoredPyramid, tile: TileAddress, expected: Pixels, *, filled: bool) -> str | None:
    """Say how ``tile`` breaks the rule for blank tiles; None if it does not."""
    from tileframe.pixels import is_blank  # here, for a start of the command line does without numpy

    rule = None if pyramid.manifest is None else pyramid.manifest.plan.skip_blank
    if pyramid.manifest is None or rule is None or not may_be_absent(pyramid.layout, pyramid.pyramid, tile):
        return None
    # What could not be read in the run, and can be now, was kept.
    blank = is_blank(expected, rule.background, rule.tolerance) and not filled
    if blank == (tile in pyramid.absent) or (blank and pyramid.manifest.tiles.filled):
        return None
    said = "there, and the slide is blank" if blank else "absent, and the slide is not blank"
    return f"the tile is {said} there: within {rule.tolerance} of {rule.background}"


def _difference(
    pyramid: StoredPyramid, tile: TileAddress, expected: Pixels, encoder: Writer | None, background: Rgb
) -> str | None:
    import numpy as np

    if tile in pyramid.absent:
        return None  # by the rule
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
        expected = _encoded(pyramid, expected, encoder, background)
    mean = float(np.abs(found.astype(np.int16) - expected).mean())
    most = 0.0 if encoder is not None else MAX_MEAN_DIFFERENCE
    if mean <= most:
        return None
    return f"differs by {mean:.1f} from the slide; {f'at most {most:.0f}' if most else 'none'} was expected"


def _encoded(pyramid: StoredPyramid, pixels: Pixels, encoder: Writer, background: Rgb) -> Pixels:
    """Return what ``pixels`` become as a tile: with what the layout pads it with, which lossy formats mix in."""
    from tileframe.pixels import padded  # here, for a start of the command line does without numpy

    height, width = pixels.shape[:2]
    if pyramid.layout.pads and pyramid.manifest is not None:
        pixels = padded(pixels, pyramid.pyramid.tile_size, background)
    return encoder.decode(encoder.encode(pixels))[:height, :width]
