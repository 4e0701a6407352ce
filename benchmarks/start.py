"""What a start costs: the CPU time of small runs beside the same by a bare script with `pyvips`.

``python -m benchmarks.start [--rounds N] [--megapixels N ...] [--input FILE ...]``

Pictures of 1 and of 20 megapixels, as JPEG and as PNG, by the installed console script and by `BARE`, in turn; every
output is compared before a time counts. User and system time of whole processes, medians of the rounds.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.turns import Program, cpu, differences, in_turn, ratio
from tileframe_bench.baselines import OVERLAP, QUALITY, TILE_SIZE
from tileframe_bench.processes import cost, in_own_process
from tileframe_bench.text import aligned
from tileframe_bench.workloads import WORKLOADS, scaled

COMMAND = str(Path(sys.executable).with_name("tileframe"))
SIZES = ("--tile-size", f"{TILE_SIZE}", "--overlap", f"{OVERLAP}", "--quality", f"{QUALITY}", "-q")
BARE = f"""
import sys, pyvips
image = pyvips.Image.new_from_file(sys.argv[1], access="sequential")
image.dzsave(sys.argv[2], tile_size={TILE_SIZE}, overlap={OVERLAP}, Q={QUALITY}, depth="onepixel")
"""
BARE_NAME, OURS, STREAM = "bare pyvips", "tileframe run", "tileframe run --backend stream"
STARTS = {
    "python": [sys.executable, "-c", "pass"],
    "python, import pyvips": [sys.executable, "-c", "import pyvips"],
    "tileframe --help": [COMMAND, "--help"],
    "tileframe -V": [COMMAND, "-V"],
}


def run(*options: str) -> list[str]:
    return [COMMAND, "run", *SIZES, *options]


PROGRAMS = (
    Program(BARE_NAME, lambda source, out: [sys.executable, "-c", BARE, source, out.with_suffix("")], differences),
    Program(OURS, lambda source, out: [*run(), source, "-o", out], differences),
    Program(STREAM, lambda source, out: [*run("--backend", "stream"), source, "-o", out], differences),
)


def picture(megapixels: float, suffix: str) -> Path:
    """Return a piece of the built-in JPEG as large as that, in a file that is made if it is not there."""
    whole = WORKLOADS["babel"]
    path = scaled(whole, (megapixels * 1e6 / whole.size.area) ** 0.5).make()
    if suffix == ".png" and not path.with_suffix(suffix).exists():
        import pyvips

        pyvips.Image.new_from_file(str(path)).write_to_file(str(path.with_suffix(suffix)))
    return path.with_suffix(suffix)


def starts(rounds: int) -> list[tuple[str, ...]]:
    taken: dict[str, list[float]] = {name: [] for name in STARTS}
    for _ in range(rounds + 1):
        for name, command in STARTS.items():
            taken[name].append(cost(command).run.cpu_seconds)
    return [(name, f"{median(times[1:]):.3f}") for name, times in taken.items()]


def beside(source: Path, scratch: Path, rounds: int) -> list[tuple[str, ...]]:
    costs = in_turn(PROGRAMS, source, scratch, rounds)
    bare = costs[BARE_NAME]
    rows = [(name, f"{median(map(cpu, runs)):.3f}", f"{ratio(bare, runs, cpu)}") for name, runs in costs.items()]
    return [(f"{source.name}, {source.stat().st_size / 1e6:.1f} MB", "CPU s", "times the bare script's"), *rows]


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what a start costs.")
    parser.add_argument("--rounds", type=int, default=7, help="after one to warm up")
    parser.add_argument("--megapixels", type=float, nargs="+", default=[1, 20], metavar="N")
    parser.add_argument("--input", type=Path, nargs="+", metavar="FILE", help="instead of drawn pictures")
    parser.add_argument("--scratch", type=Path, metavar="DIR", help="where the outputs go; default: temporary files")
    given = parser.parse_args()
    # With it nothing stays compiled, and a start takes half as long again.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    wanted = [(size, suffix) for size in given.megapixels for suffix in (".jpg", ".png")]
    sources = given.input or [in_own_process(picture, size, suffix) for size, suffix in wanted]
    subprocess.run([COMMAND, "--help"], check=True, stdout=subprocess.DEVNULL)  # so that all is compiled
    print(*aligned([("", "CPU s"), *starts(given.rounds)]), "", sep="\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="tileframe-start-", dir=given.scratch) as scratch:
        for number, source in enumerate(sources):
            print(*aligned(beside(source, Path(scratch, f"{number}"), given.rounds)), "", sep="\n", flush=True)


if __name__ == "__main__":
    main()
