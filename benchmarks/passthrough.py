"""The figures of `docs/passthrough.md`: what it saves, and why its lower levels are made from the base in full.

``python benchmarks/passthrough.py loss SLIDE ...`` and ``python benchmarks/passthrough.py halves SLIDE ...``
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path

import click
import numpy as np
import simplejpeg

import tileframe
from benchmarks.turns import outputs_in
from tileframe import Box, CompressedTiles, Source, Writer
from tileframe.pixels import Pixels
from tileframe.registry import load
from tileframe_bench.entrants import HELD_EQUAL, PYTHON
from tileframe_bench.processes import cost
from tileframe_stream.halving import halve, no_threads_of_opencv
from tileframe_stream.memory import keep_freed_memory

QUALITIES = (75, 85, 90, 95)
# Tiles on each side of a block: `stream` reads about as many at a time.
ACROSS = 8
# The least time counts: what a busy machine adds is not the work's.
ROUNDS = 3

PATH = click.Path(path_type=Path)
SLIDES = click.argument("slides", nargs=-1, required=True, type=PATH)
cli = click.Group(help="Print the figures of docs/passthrough.md.")


def whole_tiles(source: Source) -> Iterator[tuple[Box, bytes]]:
    """Yield the place and the JPEG of each tile of the base that lies whole in it."""
    size, tile = source.facts.size, source.facts.tile_size
    if tile is None or not isinstance(source, CompressedTiles) or source.refuses_compressed():
        raise SystemExit("the slide's tiles are no JPEGs")
    for row, col in product(range(size.height // tile.height), range(size.width // tile.width)):
        if (data := source.compressed_tile(col, row)) is not None:
            yield Box(col * tile.width, row * tile.height, tile.width, tile.height), data


@cli.command("loss")
@SLIDES
def losses(slides: tuple[Path, ...]) -> None:
    """What is lost when the JPEG tiles of SLIDES are decoded and encoded again: what pass-through saves.

    The PSNR of the whole base tiles against what the slide reads as, and the size of both, by quality.
    """
    jpeg = load().writer("jpeg")
    for slide, quality in product(slides, QUALITIES):
        with tileframe.open_slide(slide) as source:
            psnr, encoded, own = loss(source, jpeg.create(options=jpeg.resolved({"quality": quality}, "format")))
        sizes = f"{encoded / 1e6:.2f} MB, the slide's own {own / 1e6:.2f} MB"
        print(f"{slide.name}  quality {quality}: {psnr:.1f} dB, {sizes}")


def loss(source: Source, writer: Writer) -> tuple[float, int, int]:
    """Return the PSNR of the whole base tiles encoded anew, their bytes, and the bytes that the slide stores."""
    squares, encoded, own = [], 0, 0
    for box, data in whole_tiles(source):
        pixels = source.read(box)
        again = writer.encode(pixels)
        squares.append(np.square(writer.decode(again).astype(np.float64) - pixels).mean())
        encoded, own = encoded + len(again), own + len(data)
    return float(10 * np.log10(255**2 / np.mean(squares))), encoded, own


@cli.command()
@SLIDES
@click.option("--scratch", type=PATH, help="Where the runs go; default: temporary files.")
def halves(slides: tuple[Path, ...], scratch: Path | None) -> None:
    """What decoding the JPEG tiles of SLIDES at half size would save, and how far that is from the 2x2 mean.

    Per tile: processor time of one thread, over all whole tiles of the base. Of the run: the processor time of a
    process of its own, and how many times as fast it would be without what its tiles would save.
    """
    keep_freed_memory()
    ways = {"in full with the mean": (exact, 1), "at one half": (block, 2), "at one eighth": (block, 8)}
    with outputs_in(scratch) as folder, no_threads_of_opencv():
        for number, slide in enumerate(slides):
            run = [*PYTHON, "-m", "tileframe", "run", f"{slide}", "--passthrough", *HELD_EQUAL, "-o"]
            whole = min(cost([*run, f"{folder}/{number}-{again}.dzi"]).run.cpu_seconds for again in range(ROUNDS))
            with tileframe.open_slide(slide, color="keep") as source:
                found = list(whole_tiles(source))
            side, tiles = found[0][0].width, [data for _, data in found]
            took = {name: seconds(make, tiles, side // smaller) for name, (make, smaller) in ways.items()}
            full, half, _ = took.values()
            print(f"{slide.name}: {len(tiles):,} tiles of {side}, {difference(tiles, side)}")
            print("  us a tile:", ", ".join(f"{name} {1e6 * one / len(tiles):.0f}" for name, one in took.items()))
            times = f"{full / half:.2f} times in decoding, {whole / (whole - full + half):.2f} in the run"
            print(f"  CPU s: run {whole:.2f}, decoding {full:.2f}, at one half {half:.2f}: {times}", flush=True)


def decoded(tile: bytes, side: int, scratch: Pixels | None = None) -> Pixels:
    """Return ``tile`` as libjpeg-turbo decodes it to ``side`` pixels: in full, or smaller by the DCT."""
    found: Pixels = simplejpeg.decode_jpeg(tile, strict=True, min_height=side, min_width=side, buffer=scratch)
    return found


def block(tiles: Sequence[bytes], side: int) -> Pixels:
    """Decode a block of ``tiles`` to ``side`` pixels each."""
    pixels, scratch = np.empty((ACROSS * side, ACROSS * side, 3), np.uint8), np.empty(3 * side * side, np.uint8)
    for tile, (row, col) in zip(tiles, product(range(ACROSS), repeat=2), strict=False):
        pixels[row * side : (row + 1) * side, col * side : (col + 1) * side] = decoded(tile, side, scratch)
    return pixels


def exact(tiles: Sequence[bytes], side: int) -> Pixels:
    """Return a block at half size as the contract says: in full, then the mean of each 2x2."""
    full = block(tiles, side)
    half = np.empty((full.shape[0] // 2, full.shape[1] // 2, 3), np.uint8)
    halve(full, half)
    return half


def seconds(make: Callable[[Sequence[bytes], int], Pixels], tiles: Sequence[bytes], side: int) -> float:
    """Return the processor time of ``make`` for all ``tiles``, block by block."""
    least = math.inf
    for _ in range(ROUNDS):
        started = time.thread_time()
        for first in range(0, len(tiles), ACROSS**2):
            make(tiles[first : first + ACROSS**2], side)
        least = min(least, time.thread_time() - started)
    return least


def difference(tiles: Sequence[bytes], side: int) -> str:
    """Return how far tiles decoded at half size are from the mean of those decoded in full."""
    counts, half = np.zeros(256, np.int64), np.empty((side // 2, side // 2, 3), np.uint8)
    for tile in tiles:
        halve(decoded(tile, side), half)
        apart = np.abs(decoded(tile, side // 2).astype(np.int16) - half)
        counts += np.bincount(apart.ravel(), minlength=256)
    steps, samples = np.arange(256), counts.sum()
    psnr = 10 * np.log10(255**2 * samples / max(1, (counts * steps**2).sum()))
    return (
        f"{1 - counts[0] / samples:.1%} of samples differ, {counts[5:].sum() / samples:.2%} by more than 4, "
        f"by {(counts * steps).sum() / samples:.2f} on average and {steps[counts > 0].max()} at most, {psnr:.1f} dB"
    )


if __name__ == "__main__":
    cli()
