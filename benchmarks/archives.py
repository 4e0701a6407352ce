"""Pyramids in one file: `stream` into szi beside a bare `dzsave` into szi, and beside our own folder.

``python benchmarks/archives.py [--workload babel svs ...] [--scale S] [--rounds N] [--scratch FOLDER]``

Each runs in a process of its own, in turn, after a round that warms up; no time counts before the archive was compared
with dzsave's, tile by tile. Nothing is deleted before the end: ext4 makes files more slowly after deletions.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tileframe import Equality, compare, open_pyramid
from tileframe_bench.processes import Cost, cost, in_own_process
from tileframe_bench.records import Spread
from tileframe_bench.workloads import WORKLOADS, scaled

OPTIONS = ("--backend", "stream", "--tile-size", "240", "--overlap", "0", "--quiet")
DZSAVE = """
import sys, pyvips
image = pyvips.Image.new_from_file(sys.argv[1], access="sequential")
image.dzsave(sys.argv[2], container="szi", tile_size=240, overlap=0, suffix=".jpeg", skip_blanks=-1, keep="none")
"""
# Times as fast as dzsave, at least; and CPU time beside our own folder, at most.
FASTER = {("babel", "stream"): 1.2, ("svs", "stream"): 1.25, ("svs", "pass-through"): 1.9}
OF_FOLDERS_CPU = 0.92


def commands(source: Path, folder: Path, *, passes: bool) -> dict[str, list[str]]:
    """Return what is measured, by name."""
    run = [sys.executable, "-m", "tileframe", "run", str(source), *OPTIONS]
    found = {
        "dzsave": [sys.executable, "-c", DZSAVE, str(source), str(folder / "dzsave.szi")],
        "stream": [*run, "-o", str(folder / "stream.szi")],
        "folder": [*run, "-o", str(folder / "folder")],
    }
    if passes:
        found["pass-through"] = [*run, "--passthrough", "-o", str(folder / "pass.szi")]
    return found


def prove(folder: Path) -> None:
    """Compare every tile of our archive with dzsave's and with our folder's; raise if any differs."""
    with open_pyramid(folder / "stream.szi") as ours:
        for other in ("dzsave.szi", "folder.dzi"):
            with open_pyramid(folder / other) as theirs:
                found = compare(ours, theirs)
            if found.strength is not Equality.PIXELS:
                raise SystemExit(f"stream.szi and {other} are not the same: {found.layout or found.levels}")


def measure(source: Path, scratch: Path, rounds: int, *, passes: bool) -> dict[str, list[Cost]]:
    """Return the costs of each, by round, after one that warms up and is proved."""
    costs: dict[str, list[Cost]] = {}
    for number in range(rounds + 1):
        folder = scratch / f"{number}"
        folder.mkdir(parents=True)
        ways = list(commands(source, folder, passes=passes).items())
        first = number % len(ways)
        for name, command in ways[first:] + ways[:first]:
            spent = cost(command, source=source)
            if number:
                costs.setdefault(name, []).append(spent)
        if number == 0:
            in_own_process(prove, folder)
    return costs


def show(workload: str, costs: dict[str, list[Cost]], *, targets: bool) -> None:
    """Print a line for each, and, where there are ``targets`` for this size, whether they were reached."""
    seconds = {name: [run.seconds for run in runs] for name, runs in costs.items()}
    cpu = {name: [run.cpu_seconds for run in runs] for name, runs in costs.items()}
    print(f"\n{workload}\n{'':14}{'seconds':>22}{'CPU s':>22}{'x dzsave':>22}{'CPU x folder':>22}")
    for name in costs:
        fast = Spread.of_ratios(seconds[name], seconds["dzsave"])
        of_folder = Spread.of_ratios(cpu["folder"], cpu[name])
        print(f"{name:14}{Spread.of(seconds[name])!s:>22}{Spread.of(cpu[name])!s:>22}{fast!s:>22}{of_folder!s:>22}")
        if targets and (least := FASTER.get((workload, name))) is not None:
            word = "reached" if fast.median >= least else "NOT reached"
            print(f"  at least {least} times as fast as dzsave: {fast.median:.2f}, {word}")
        if targets and name == "stream":
            word = "reached" if of_folder.median <= OF_FOLDERS_CPU else "NOT reached"
            print(f"  at most {OF_FOLDERS_CPU} of the CPU time of the folder: {of_folder.median:.2f}, {word}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workload", nargs="+", choices=WORKLOADS, default=["babel", "svs"], metavar="NAME")
    parser.add_argument("--scale", type=float, default=1.0, help="both sides of the pictures times this")
    parser.add_argument("--rounds", type=int, default=5, help="after one to warm up")
    parser.add_argument("--scratch", type=Path, help="where the outputs go; default: temporary files")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tileframe-archives-", dir=given.scratch) as scratch:
        for name in given.workload:
            source = in_own_process(scaled(WORKLOADS[name], given.scale).make)
            passes = source.suffix == ".svs" and name == "svs"
            costs = measure(source, Path(scratch) / name, given.rounds, passes=passes)
            show(name, costs, targets=given.scale == 1)


if __name__ == "__main__":
    main()
