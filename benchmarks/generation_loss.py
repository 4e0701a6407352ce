"""What is lost when the JPEG tiles of a slide are decoded and encoded again: what pass-through saves.

``python benchmarks/generation_loss.py SLIDE ...`` prints, for each slide and quality, the PSNR of the whole base tiles
against what the slide reads as, and the size of both.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tileframe import Box, CompressedTiles, Source, Writer, open_slide
from tileframe.registry import load

QUALITIES = (75, 85, 90, 95)


class Loss(NamedTuple):
    """Of all whole base tiles of a slide."""

    psnr: float
    """In dB; more is less loss."""
    encoded: int
    """Bytes, encoded anew."""
    own: int
    """Bytes, as the slide stores them."""


def loss(source: Source, writer: Writer) -> Loss:
    """Encode the whole base tiles of ``source`` and compare what comes back."""
    size, tile = source.facts.size, source.facts.tile_size
    if tile is None or not isinstance(source, CompressedTiles) or source.refuses_compressed():
        raise SystemExit("the slide's tiles are no JPEGs")
    squares, encoded, own = [], 0, 0
    for col, row in np.ndindex(size.width // tile.width, size.height // tile.height):
        if (data := source.compressed_tile(col, row)) is not None:
            pixels = source.read(Box(col * tile.width, row * tile.height, tile.width, tile.height))
            again = writer.encode(pixels)
            squares.append(np.square(writer.decode(again).astype(np.float64) - pixels).mean())
            encoded, own = encoded + len(again), own + len(data)
    return Loss(float(10 * np.log10(255**2 / np.mean(squares))), encoded, own)


def main() -> None:
    parser = argparse.ArgumentParser(description="What is lost when a slide's JPEG tiles are encoded again.")
    parser.add_argument("slides", nargs="+", type=Path, metavar="SLIDE")
    jpeg = load().writer("jpeg")
    for slide in parser.parse_args().slides:
        with open_slide(slide) as source:
            for quality in QUALITIES:
                found = loss(source, jpeg.create(options=jpeg.resolved({"quality": quality}, "format")))
                sizes = f"{found.encoded / 1e6:.2f} MB, the slide's own {found.own / 1e6:.2f} MB"
                print(f"{slide.name}  quality {quality}: {found.psnr:.1f} dB, {sizes}")


if __name__ == "__main__":
    main()
