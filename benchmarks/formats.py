"""What each format weighs and takes: the table of `docs/choosing.md`.

``python benchmarks/formats.py [--scale S] [--rounds N] [--scratch DIR]`` tiles a photograph and a section with the
backend `stream` and one worker, in tiles of 256 without overlap, everyone in turn, verifies every pyramid, and prints
the table in Markdown.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from tileframe import CheckError
from tileframe_bench.processes import cost, in_own_process
from tileframe_bench.scratch import scratch_folder
from tileframe_bench.text import count, figure
from tileframe_bench.workloads import WORKLOADS, scaled

TILEFRAME = (sys.executable, "-m", "tileframe")
HELD_EQUAL = ("--overlap", "0", "--no-limit-bounds", "--workers", "1", "--backend", "stream")
PASSED = "pass-through"
TILES = ("--tile-size", "256")
FORMATS = {
    "JPEG 75": (*TILES, "--quality", "75"),
    "JPEG 85": (*TILES, "--quality", "85"),
    "JPEG 90": (*TILES, "--quality", "90"),
    "PNG": (*TILES, "--format", "png"),
    PASSED: ("--passthrough",),  # tiles of 240, as the slide has them
}
NONE = "\N{EN DASH}"
INPUTS = {"babel": "photograph", "svs": "section"}


def made(source: Path, name: str, folder: Path) -> tuple[float, int]:
    """Tile ``source``, verify it, and return the seconds and the bytes of all tiles; `CheckError` if it is wrong."""
    report, out = folder / "report.json", folder / "pyramid.dzi"
    folder.mkdir()
    options: list[str | Path] = [*HELD_EQUAL, *FORMATS[name], "--quiet", "--report", report, "-o", out]
    took = cost([*TILEFRAME, "run", source, *options], source=source)
    found = subprocess.run([*TILEFRAME, "verify", out], capture_output=True, text=True, check=False)
    if found.returncode:
        raise CheckError(f"{name}: {found.stdout}{found.stderr}")
    return took.seconds, json.loads(report.read_text(encoding="utf-8"))["tile_bytes"]


def rows(of_all: str, source: Path, rounds: int, folder: Path) -> list[list[str]]:
    """Return a row of megabytes and one of seconds, with every format in turn for ``rounds`` rounds."""
    weights, seconds = dict.fromkeys(FORMATS, NONE), dict.fromkeys(FORMATS, NONE)
    able = [name for name in FORMATS if name != PASSED or source.suffix == ".svs"]
    found = [
        {name: made(source, name, folder / f"{source.stem} {name} {number}") for name in able}
        for number in range(rounds)
    ]
    for name in able:
        seconds[name] = f"{figure(median(one[name][0] for one in found))} s"
        weights[name] = f"{found[0][name][1] / 1e6:.0f}"
    return [[f"{of_all}: MB", *weights.values()], ["the same: time on one core", *seconds.values()]]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Print what each format weighs and takes.")
    parser.add_argument("--scale", type=float, default=0.5, help="both sides of the inputs times this; default: 0.5")
    parser.add_argument("--rounds", type=int, default=3, help="default: 3, of which the median is given")
    parser.add_argument("--scratch", type=Path, metavar="DIR", help="where the outputs go; default: temporary files")
    given = parser.parse_args(arguments)
    lines = [[f"medians of {count(given.rounds, 'round')}", *FORMATS], [":--", *["--:"] * len(FORMATS)]]
    with scratch_folder(given.scratch) as folder:
        for name, kind in INPUTS.items():
            workload = scaled(WORKLOADS[name], given.scale)
            source = in_own_process(workload.make)
            of_all = f"{kind}, {workload.size}, {source.stat().st_size / 1e6:.0f} MB"
            lines += rows(of_all, source, given.rounds, folder)
    print(*(f"| {' | '.join(line)} |" for line in lines), sep="\n")


if __name__ == "__main__":
    main()
