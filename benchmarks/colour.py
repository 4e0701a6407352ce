"""What the conversion of colours costs: ``--color srgb`` beside ``--color keep`` of the same slide, in turn.

``python benchmarks/colour.py [--workload svs] [--scale S] [--rounds N] [--input SLIDE]``

The slide is given a matrix profile, then one with a table. Base tiles of every output are compared with what Pillow's
LittleCMS makes of the slide's pixels before a time counts. ``--input`` takes a slide with a profile of its own.
"""

from __future__ import annotations

import argparse
import shutil
import struct
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

import tileframe
from benchmarks.speed import ours
from benchmarks.turns import Program, cpu, in_turn, memory, outputs_in, ratio, whole
from tests.profiles import by_littlecms, lut, matrix
from tileframe_bench.baselines import TILE_SIZE
from tileframe_bench.processes import in_own_process
from tileframe_bench.text import aligned
from tileframe_bench.workloads import WORKLOADS, scaled

PROFILES: dict[str, Callable[[], bytes]] = {"matrix": matrix, "table": lut}
SAMPLE, SEED = 200, 1
MOST = 1.7
"""Times the CPU seconds without conversion."""
ICC_TAG, UNDEFINED = 34675, 7


def with_profile(slide: Path, profile: bytes, copy: Path) -> Path:
    """Return a copy of a classic little-endian TIFF whose first page has ``profile``, as a new list of its tags."""
    shutil.copyfile(slide, copy)
    with copy.open("r+b") as file:
        start, order, where = struct.unpack("<2sHI", file.read(8))
        if (start, order) != (b"II", 42):
            raise SystemExit(f"{slide}: is no classic little-endian TIFF; take a smaller --scale")
        file.seek(where)
        (count,) = struct.unpack("<H", file.read(2))
        tags: list[bytes] = [file.read(12) for _ in range(count)]
        following = file.read(4)
        end = file.seek(0, 2)
        file.write(profile + bytes(len(profile) % 2))
        tags.append(struct.pack("<HHII", ICC_TAG, UNDEFINED, len(profile), end))
        place = file.tell()
        ordered = b"".join(sorted(tags, key=lambda tag: int.from_bytes(bytes(tag)[:2], "little")))
        file.write(struct.pack("<H", len(tags)) + ordered + following)
        file.seek(4)
        file.write(struct.pack("<I", place))
    return copy


def differing(convert: bool, source: Path, target: Path, reference: Path) -> list[str]:
    """Return which of a sample of base tiles are not what the slide's pixels become, by Pillow, as a tile."""
    with tileframe.open_pyramid(target) as made, tileframe.open_slide(source, color="keep") as slide:
        geometry, wrong = made.pyramid, []
        for tile in geometry.sample(geometry.base_level, min(SAMPLE, geometry.grid(geometry.base_level).area), SEED):
            pixels = slide.read(geometry.tile_box(tile))
            if convert:
                assert slide.facts.icc is not None
                pixels = by_littlecms(pixels, slide.facts.icc)
            if not np.array_equal(made.decode(tile), made.writer.decode(made.writer.encode(pixels))):
                wrong.append(f"{made.layout.key(tile)} has other pixels")
        return wrong


def programs(extra: Sequence[str]) -> list[Program]:
    size = ("--tile-size", f"{TILE_SIZE}", *extra)
    return [
        Program("keep", ours("--color", "keep", *size), partial(differing, False)),
        Program("srgb", ours("--color", "srgb", *size), partial(differing, True)),
    ]


def measured(name: str, source: Path, scratch: Path, rounds: int, extra: Sequence[str]) -> tuple[str, ...]:
    """Return a row of the table: what conversion costs."""
    costs = in_turn(programs(extra), source, scratch, rounds)
    keep, srgb = costs["keep"], costs["srgb"]
    times = ratio(keep, srgb, cpu)
    return (
        name,
        *(f"{np.median([*map(cpu, runs)]):.2f}" for runs in (keep, srgb)),
        f"{times}",
        f"{ratio(keep, srgb, whole)}",
        *(f"{max(map(memory, runs)) / 1e6:.0f}" for runs in (keep, srgb)),
        "reached" if times.median <= MOST else "NOT reached",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what the conversion of colours costs.")
    parser.add_argument("--workload", choices=[name for name in WORKLOADS if name != "babel"], default="svs")
    parser.add_argument("--input", type=Path, metavar="SLIDE", help="instead, with the profile that it has")
    parser.add_argument("--scale", type=float, default=1.0, help="both sides of the slide times this")
    parser.add_argument("--rounds", type=int, default=5, help="after one to warm up")
    parser.add_argument("--reader", help="by default the one that is taken")
    parser.add_argument("--scratch", type=Path, metavar="DIR", help="where the outputs go; default: temporary files")
    given = parser.parse_args()
    extra = ["--reader", given.reader] if given.reader else []
    heads = ("profile", "keep: CPU s", "srgb: CPU s", "CPU", "time", "keep: MB", "srgb: MB", f"CPU at most {MOST}")
    rows: list[tuple[str, ...]] = [heads]
    with outputs_in(given.scratch) as scratch:
        if given.input:
            rows.append(measured(given.input.stem, given.input, scratch / "own", given.rounds, extra))
        else:
            slide = in_own_process(scaled(WORKLOADS[given.workload], given.scale).make)
            for name, profile in PROFILES.items():
                source = with_profile(slide, profile(), scratch / f"{name}.svs")
                rows.append(measured(name, source, scratch / name, given.rounds, extra))
    print(*aligned(rows), sep="\n", file=sys.stdout)


if __name__ == "__main__":
    main()
