"""What each tile format weighs, takes and keeps of a picture: the tables of `docs/choosing.md`.

``python benchmarks/formats.py [FILE ...] [--side N] [--rounds N]`` encodes and decodes the tiles of 256 of a section
and a photograph, both drawn and never encoded before, or of the middle of each FILE, by tileframe's own writers in one
thread. Every tile is proved before its time counts; everyone has a turn in each round.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np

from tileframe import Box, CheckError, Size, Writer, open_slide
from tileframe.pixels import Pixels
from tileframe.registry import load
from tileframe.testing.measures import psnr
from tileframe_bench.judging import FLOOR
from tileframe_bench.records import Spread
from tileframe_bench.text import count, figure
from tileframe_bench.workloads import WORKLOADS
from tileframe_demo.pictures import photograph
from tileframe_demo.svs import cut
from tileframe_demo.tissue import Tissue

TILE = 256
BASE = "JPEG 75"
"""The ratios are to this one."""
SLIDE = 32
"""Tiles on each side of the slide whose middle is the section."""
FORMATS: dict[str, tuple[str, dict[str, int | bool]]] = {
    BASE: ("jpeg", {"quality": 75}),
    "JPEG 90": ("jpeg", {"quality": 90}),
    "WebP 75": ("webp", {"quality": 75}),
    "WebP 90": ("webp", {"quality": 90}),
    "AVIF 60": ("avif", {"quality": 60}),
    "AVIF 80": ("avif", {"quality": 80}),
    "JPEG XL 75": ("jxl", {"quality": 75}),
    "JPEG XL 90": ("jxl", {"quality": 90}),
    "PNG": ("png", {}),
    "WebP lossless": ("webp", {"lossless": True}),
    "AVIF lossless": ("avif", {"quality": 100}),
    "JPEG XL lossless": ("jxl", {"lossless": True}),
}
HEADS = ("", f"size, {BASE} = 1", "encoding speed", "decoding speed", "PSNR, dB", "SSIM")
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Kept:
    """What the tiles of one format are like."""

    encoded: list[bytes]
    psnr: float
    """In dB, of all samples; infinite where nothing is lost."""
    ssim: float
    """The mean of all tiles."""

    @property
    def size(self) -> int:
        """In bytes."""
        return sum(map(len, self.encoded))


def proved(name: str, writer: Writer, tiles: Sequence[Pixels]) -> Kept:
    """Encode and decode ``tiles``.

    `CheckError` unless what is lossless gives back every pixel, what is not comes near, and the same pixels give the
    same bytes again.
    """
    encoded = [writer.encode(tile) for tile in tiles]
    decoded = [writer.decode(data) for data in encoded]
    decibels = psnr(list(zip(decoded, tiles, strict=True)))
    if encoded != [writer.encode(tile) for tile in tiles]:
        raise CheckError(f"{name}: the same pixels do not give the same bytes")
    if decibels < (np.inf if writer.encoding.lossless else FLOOR):
        raise CheckError(f"{name}: the decoded tiles are too far from what was encoded, {decibels:.1f} dB")
    return Kept(encoded, decibels, float(np.mean([ssim(*pair) for pair in zip(decoded, tiles, strict=True)])))


def ssim(seen: Pixels, wanted: Pixels) -> float:
    """Return the structural similarity of the luminance, 1 for the same.

    Of Wang, Bovik, Sheikh and Simoncelli, 2004: windows of 11x11 that lie inside the picture, weighted by a Gaussian
    of sigma 1.5, K1 = 0.01, K2 = 0.03.
    """
    window, inside = 11, slice(5, -5)

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(values, (window, window), 1.5)[inside, inside]

    x, y = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float64) for picture in (seen, wanted))
    mean_x, mean_y = mean(x), mean(y)
    variances = mean(x * x) - mean_x**2 + mean(y * y) - mean_y**2
    covariance = mean(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    alike = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    return float((alike / ((mean_x**2 + mean_y**2 + c1) * (variances + c2))).mean())


def timed(task: Callable[[Item], object], items: Sequence[Item]) -> float:
    """Return the CPU seconds, of all threads, of ``task`` with each of ``items``."""
    started = time.process_time()
    for item in items:
        task(item)
    return time.process_time() - started


def in_turn(
    writers: Mapping[str, Writer], kept: Mapping[str, Kept], tiles: Sequence[Pixels], rounds: int
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Return the seconds of encoding and of decoding all tiles, by format and round, after one round to warm up."""
    encoding: dict[str, list[float]] = {name: [] for name in writers}
    decoding: dict[str, list[float]] = {name: [] for name in writers}
    names = list(writers)
    for number in range(rounds + 1):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            encode, decode = timed(writers[name].encode, tiles), timed(writers[name].decode, kept[name].encoded)
            if number:
                encoding[name].append(encode)
                decoding[name].append(decode)
    return encoding, decoding


def table(tiles: Sequence[Pixels], rounds: int) -> list[tuple[str, ...]]:
    """Return a row for each format."""
    registry = load()
    offers = {name: (registry.writer(format_name), options) for name, (format_name, options) in FORMATS.items()}
    writers = {
        name: offer.create(options=offer.resolved(options, "format")) for name, (offer, options) in offers.items()
    }
    kept = {name: proved(name, writer, tiles) for name, writer in writers.items()}
    encoding, decoding = in_turn(writers, kept, tiles, rounds)
    rows = []
    for name, one in kept.items():
        speeds = (str(Spread.of_ratios(taken[name], taken[BASE])) for taken in (encoding, decoding))
        quality = ("exact", "1") if np.isinf(one.psnr) else (f"{one.psnr:.1f}", f"{one.ssim:.3f}")
        rows.append((name, figure(one.size / kept[BASE].size), *speeds, *quality))
    return rows


def drawn(side: int) -> dict[str, Pixels]:
    """Return the pictures that are drawn, of ``side`` pixels each way."""
    of_slide = Size(SLIDE * TILE, SLIDE * TILE)
    corner = (of_slide.width - side) // 2
    workload = WORKLOADS["babel"]
    picture = photograph(Size(side, side), workload.seed, workload.colour).numpy()
    return {"section": Tissue(of_slide).draw(Box(corner, corner, side, side)), "photograph": picture}


def middle(path: Path, side: int) -> Pixels:
    """Return the middle of a slide or picture, of ``side`` pixels each way if it has them."""
    with open_slide(path) as source:
        size = source.facts.size
        width, height = (min(side, whole) // TILE * TILE for whole in (size.width, size.height))
        if not (width and height):
            raise SystemExit(f"{path}: must be at least {TILE}x{TILE}, not {size}")
        return source.read(Box((size.width - width) // 2, (size.height - height) // 2, width, height))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Print what each tile format weighs, takes and keeps of a picture.")
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help="pictures, in place of those that are drawn"
    )
    parser.add_argument("--side", type=int, default=2048, help="of the pictures, in pixels; default: 2048")
    parser.add_argument("--rounds", type=int, default=5, help="default: 5, of which the median is given")
    given = parser.parse_args(arguments)
    if not TILE <= given.side <= SLIDE * TILE:
        parser.error(f"--side must be from {TILE} to {SLIDE * TILE}, not {given.side}")
    side = given.side // TILE * TILE
    pictures = {path.stem: middle(path, side) for path in given.files} or drawn(side)
    for name, pixels in pictures.items():
        tiles = list(cut(pixels, TILE))
        print(f"{name}, {count(len(tiles), 'tile')} of {TILE}, {count(given.rounds, 'round')}:\n")
        lines = [HEADS, (":--", *["--:"] * (len(HEADS) - 1)), *table(tiles, given.rounds)]
        print(*(f"| {' | '.join(line)} |" for line in lines), "", sep="\n")


if __name__ == "__main__":
    main()
