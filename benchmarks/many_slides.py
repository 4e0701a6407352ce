"""Many small slides in one command, beside a shell loop of single runs: seconds, processor time and peak memory.

    python benchmarks/many_slides.py [--count N ...] [--loop]

Each count is a folder of JPEGs, PNGs and tiled TIFFs of 2 to 20 megapixels, three of them broken. What is printed
counts only if as many pyramids are there as should be, and a second run finds them all up to date.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from benchmarks.turns import outputs_in
from tileframe_bench.environment import refuse_too_little_room
from tileframe_bench.processes import cost, in_own_process
from tileframe_bench.records import Run

BROKEN = 3
UNREADABLE = 3
"""The exit code of a run that could not read a slide."""
RUN = [sys.executable, "-m", "tileframe", "run"]


def made(folder: Path, count: int) -> list[Path]:
    """Draw ``count`` slides, each a part of one picture with a photograph's detail."""
    chance = np.random.default_rng(1)
    small = chance.integers(0, 256, (250, 340, 3), dtype=np.uint8)
    picture = np.asarray(Image.fromarray(small).resize((5440, 4000), Image.Resampling.BICUBIC))
    picture = picture + chance.integers(0, 8, picture.shape, dtype=np.uint8)
    slides = []
    for number in range(count):
        height = int((chance.uniform(2, 20) * 1e6 * 3 / 4) ** 0.5)
        y, x = chance.integers(0, 4000 - height + 1), chance.integers(0, 5440 - height * 4 // 3 + 1)
        part = np.ascontiguousarray(picture[y : y + height, x : x + height * 4 // 3])
        path = folder / f"slide{number:04}{('.jpg', '.png', '.tif')[number % 3]}"
        if path.suffix == ".tif":
            tifffile.imwrite(path, part, photometric="rgb", tile=(256, 256), compression="jpeg")
        else:
            Image.fromarray(part).save(path, quality=85, compress_level=1)
        if number % (count // BROKEN) == 1 and number // (count // BROKEN) < BROKEN:
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        slides.append(path)
    return slides


def figures(*runs: Run) -> str:
    """Return what runs one after the other took."""
    seconds, cpu = (sum(getattr(one, name) for one in runs) for name in ("seconds", "cpu_seconds"))
    return f"{seconds:.1f} s, CPU {cpu:.1f} s, {max(one.peak_resident for one in runs) / 1e6:.0f} MB at most"


def main() -> None:
    """Run, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, nargs="+", default=[40, 400], metavar="N", help="slides; at least 6")
    parser.add_argument("--loop", action="store_true", help="also a loop of single runs over the first count")
    asked = parser.parse_args()
    with outputs_in(None) as scratch:
        for number, count in enumerate(asked.count):
            folder = scratch / f"{number}"
            (folder / "in").mkdir(parents=True)
            slides = in_own_process(made, folder / "in", count)  # the peak of a child begins at that of its parent
            batch = [*RUN, f"{folder / 'in'}", "-q", "-o"]
            first, second = (cost([*batch, f"{folder / 'out'}/"], codes=(UNREADABLE,)).run for _ in range(2))
            assert len(list((folder / "out").glob("*.dzi"))) == count - BROKEN
            print(f"{count} slides, {BROKEN} of them broken: {figures(first)}\n  again: {figures(second)}", flush=True)
            if asked.loop and not number:
                single = [[*RUN, f"{slide}", "-q", "-o", f"{folder / 'loop' / slide.name}"] for slide in slides]
                in_turn = [cost(command, codes=(0, UNREADABLE)).run for command in single]
                times = sum(one.seconds for one in in_turn) / first.seconds
                print(f"  a loop: {figures(*in_turn)}; {times:.1f} times as long", flush=True)
            for more in asked.count[number + 1 : number + 2]:
                refuse_too_little_room(folder, -(-more // count))


if __name__ == "__main__":
    main()
