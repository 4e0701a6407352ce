"""Many small slides in one command, beside a shell loop of single runs: seconds, processor time and peak memory.

    python benchmarks/many_slides.py [--count N ...] [--loop]

Each count is a folder of JPEGs, PNGs and tiled TIFFs of 2 to 20 megapixels, three of them broken. What is printed
counts only if as many pyramids are there as should be, and a second run finds them all up to date.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
import tifffile
from PIL import Image

BROKEN = 3
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


@dataclass(frozen=True, slots=True)
class Used:
    """What a command has used."""

    seconds: float
    cpu: float
    peak_memory: int
    exit_code: int

    def __str__(self) -> str:
        memory = f"{self.peak_memory / 1e6:.0f} MB at most"
        return f"{self.seconds:.1f} s, CPU {self.cpu:.1f} s, {memory}, exit code {self.exit_code}"


def timed(commands: list[list[str]]) -> Used:
    """Run ``commands`` one after the other."""
    before, started, peak, code = os.times(), time.perf_counter(), 0, 0
    for command in commands:
        process = psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        ended = threading.Event()
        peaks = [0]

        def watch(process: psutil.Popen = process, ended: threading.Event = ended, peaks: list[int] = peaks) -> None:
            while not ended.wait(0.05):
                try:
                    peaks.append(process.memory_info().rss)
                except psutil.Error:  # it has just ended
                    return

        watcher = threading.Thread(target=watch)
        watcher.start()
        code = max(code, process.wait())
        ended.set()
        watcher.join()
        peak = max(peak, *peaks)
    seconds, after = time.perf_counter() - started, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Used(seconds, cpu, peak, code)


def main() -> None:
    """Run, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, nargs="+", default=[40, 400], metavar="N", help="slides; at least 6")
    parser.add_argument("--loop", action="store_true", help="also a loop of single runs over the first count")
    asked = parser.parse_args()
    for count in asked.count:
        with tempfile.TemporaryDirectory(prefix="many-") as name:
            folder = Path(name)
            (folder / "in").mkdir()
            slides = made(folder / "in", count)
            batch = [*RUN, f"{folder / 'in'}", "-q", "-o"]
            first = timed([[*batch, f"{folder / 'out'}/"]])
            second = timed([[*batch, f"{folder / 'out'}/"]])
            assert len(list((folder / "out").glob("*.dzi"))) == count - BROKEN
            assert first.exit_code == second.exit_code == 3
            print(f"{count} slides, {BROKEN} of them broken: {first}\n  again: {second}", flush=True)
            if asked.loop and count == asked.count[0]:
                in_turn = timed([[*RUN, f"{slide}", "-q", "-o", f"{folder / 'loop' / slide.name}"] for slide in slides])
                print(f"  a loop: {in_turn}; {in_turn.seconds / first.seconds:.1f} times as long", flush=True)


if __name__ == "__main__":
    main()
