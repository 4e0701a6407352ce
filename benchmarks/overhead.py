"""What ``tileframe run --backend vips`` costs over a bare dzsave of the same file, in time and in memory.

``python benchmarks/overhead.py [--rounds N] [--scale S] [--input FILE]`` runs the two in turn, each in a process of
its own with a fresh folder, and proves that both made the same pyramid. At full size it exits with 1 when a limit
is not kept; on a smaller picture the start of Python is most of what it sees.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks import outputs
from benchmarks.baselines import OVERLAP, QUALITY, TILE_SIZE
from benchmarks.processes import Cost, cost, in_own_process
from benchmarks.workloads import WORKLOADS, scaled
from tileframe.dzi import parse_descriptor

HERE = Path(__file__).parent
NAME = "pyramid"
SAMPLE = 500
MOST_TIMES = 1.15
MOST_MEMORY = 1e9


def tileframe_run(source: Path, folder: Path) -> Cost:
    program = Path(sys.executable).with_name("tileframe")
    options = ["--tile-size", f"{TILE_SIZE}", "--overlap", f"{OVERLAP}", "--quality", f"{QUALITY}", "--quiet"]
    return cost([program, "run", source, "--backend", "vips", *options, "-o", folder / f"{NAME}.dzi"])


def bare_run(source: Path, folder: Path) -> Cost:
    return cost([sys.executable, HERE / "baselines.py", "dzsave", source, folder / NAME])


def one_round(source: Path, scratch: Path, *, bare_first: bool, compare_pixels: bool) -> tuple[Cost, Cost]:
    """Run both in fresh folders, prove that they agree, and give their disk back."""
    ours, theirs = scratch / "tileframe", scratch / "dzsave"
    for folder in (ours, theirs):
        folder.mkdir()
    if bare_first:
        their_cost, our_cost = bare_run(source, theirs), tileframe_run(source, ours)
    else:
        our_cost, their_cost = tileframe_run(source, ours), bare_run(source, theirs)
    pyramid, _ = parse_descriptor((ours / f"{NAME}.dzi").read_text(encoding="utf-8"))
    our_tiles, their_tiles = ours / f"{NAME}_files", theirs / f"{NAME}_files"
    names = {outputs.key(tile) for tile in outputs.tiles(pyramid)}
    if not names == outputs.keys(our_tiles) == outputs.keys(their_tiles):
        raise SystemExit("the two have not made the same tiles")
    if compare_pixels:
        names_compared = outputs.sample(pyramid, SAMPLE)
        if wrong := outputs.unlike(our_tiles, their_tiles, names_compared):
            raise SystemExit(f"{len(wrong)} of {len(names_compared)} tiles differ, {wrong[0]} for one")
        print(f"{pyramid.base}: the same {len(names):,} tiles; {len(names_compared)} compared, the same pixels")
    for folder in (ours, theirs):
        shutil.rmtree(folder)
    return our_cost, their_cost


def report(rounds: Sequence[tuple[Cost, Cost]]) -> None:
    """Print the table."""
    for name, costs in zip(("tileframe run", "bare dzsave"), zip(*rounds, strict=True), strict=True):
        seconds, peak = [cost.seconds for cost in costs], max(cost.peak for cost in costs) / 1e6
        spread = f"({min(seconds):.2f} to {max(seconds):.2f})"
        busy = median(cost.busy for cost in costs)
        print(f"{name:14} {median(seconds):7.2f} s  {spread:16}  {busy:6.2f} s of cores  {peak:4.0f} MB at most")
    ratios = [ours.seconds / theirs.seconds for ours, theirs in rounds]
    print(f"{'ratio':14} {median(ratios):7.3f}    ({min(ratios):.3f} to {max(ratios):.3f})  of {len(ratios)} pairs")


def keeps_limits(rounds: Sequence[tuple[Cost, Cost]]) -> bool:
    ratio = median(ours.seconds / theirs.seconds for ours, theirs in rounds)
    kept = ratio <= MOST_TIMES and max(ours.peak for ours, _ in rounds) < MOST_MEMORY
    print(f"limits: ratio {MOST_TIMES}, memory {MOST_MEMORY / 1e6:.0f} MB: {'kept' if kept else 'NOT kept'}")
    return kept


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare tileframe run --backend vips with a bare dzsave.")
    parser.add_argument("--rounds", type=int, default=5, help="after one to warm up")
    parser.add_argument("--scale", type=float, default=1.0, help="both sides of the picture times this")
    parser.add_argument("--input", type=Path, metavar="FILE", help="instead of the workload babel")
    arguments = parser.parse_args()
    source = arguments.input
    if source is None:
        source = in_own_process(scaled(WORKLOADS["babel"], arguments.scale).make)  # see `cost`
    with tempfile.TemporaryDirectory(prefix="tileframe-overhead-") as scratch:
        rounds = [
            # Each goes first in turn, so that what one leaves behind does not always hit the other.
            one_round(source, Path(scratch), bare_first=bool(number % 2), compare_pixels=number == arguments.rounds)
            for number in range(arguments.rounds + 1)
        ]
    report(rounds[1:])
    return 0 if arguments.scale != 1 or keeps_limits(rounds[1:]) else 1


if __name__ == "__main__":
    sys.exit(main())
