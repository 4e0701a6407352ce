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
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.markdown import NONE, table
from tileframe import CheckError
from tileframe_bench.processes import cost, in_own_process
from tileframe_bench.scratch import scratch_folder
from tileframe_bench.wording import count, figure
from tileframe_bench.workloads import WORKLOADS, scaled

TILEFRAME = (sys.executable, "-m", "tileframe")
HELD_EQUAL = ("--overlap", "0", "--no-limit-bounds", "--workers", "1", "--backend", "stream")
PASSED = "pass-through"
TILES = ("--tile-size", "256")
WAYS = {
    "JPEG 75": (*TILES, "--quality", "75"),
    "JPEG 85": (*TILES, "--quality", "85"),
    "JPEG 90": (*TILES, "--quality", "90"),
    "PNG": (*TILES, "--format", "png"),
    PASSED: ("--passthrough",),  # tiles of 240, as the slide has them
}
INPUTS = {"babel": "photograph", "svs": "section"}


@dataclass(frozen=True, slots=True)
class Made:
    """One pyramid."""

    seconds: float
    """Of the whole command."""
    weight: int
    """Of all tiles, in bytes."""


def made(source: Path, way: str, folder: Path) -> Made:
    """Tile ``source``, verify what came out, and return what it took; `CheckError` if it is not right."""
    report, out = folder / "report.json", folder / "pyramid.dzi"
    folder.mkdir()
    options: list[str | Path] = [*HELD_EQUAL, *WAYS[way], "--quiet", "--report", report, "-o", out]
    took = cost([*TILEFRAME, "run", source, *options], source=source)
    found = subprocess.run([*TILEFRAME, "verify", out], capture_output=True, text=True, check=False)
    if found.returncode:
        raise CheckError(f"{way}: {found.stdout}{found.stderr}")
    return Made(took.seconds, json.loads(report.read_text(encoding="utf-8"))["tile_bytes"])


def rows(name: str, source: Path, size: str, rounds: int, folder: Path) -> list[list[str]]:
    """Return a row of megabytes and one of seconds, with every way in turn for ``rounds`` rounds."""
    ways = [way for way in WAYS if way != PASSED or source.suffix == ".svs"]
    found: dict[str, list[Made]] = {way: [] for way in ways}
    for number in range(rounds):
        for way in ways:
            found[way].append(made(source, way, folder / f"{name} {way} {number}"))
            print(f"{name}: {way}: {found[way][-1]}", file=sys.stderr, flush=True)
    weights = {way: f"{some[0].weight / 1e6:.0f}" for way, some in found.items()}
    seconds = {way: f"{figure(median(one.seconds for one in some))} s" for way, some in found.items()}
    of_all = f"{INPUTS[name]}, {size}, {source.stat().st_size / 1e6:.0f} MB"
    return [
        [f"{of_all}: MB", *(weights.get(way, NONE) for way in WAYS)],
        ["the same: time on one core", *(seconds.get(way, NONE) for way in WAYS)],
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Print what each format weighs and takes.")
    parser.add_argument("--scale", type=float, default=0.5, help="both sides of the inputs times this; default: 0.5")
    parser.add_argument("--rounds", type=int, default=3, help="default: 3, of which the median is given")
    parser.add_argument("--scratch", type=Path, metavar="DIR", help="where the outputs go; default: temporary files")
    options = parser.parse_args(arguments)
    lines = []
    with scratch_folder(options.scratch) as folder:
        for name in INPUTS:
            workload = scaled(WORKLOADS[name], options.scale)
            source = in_own_process(workload.make)
            lines += rows(name, source, f"{workload.size}", options.rounds, folder)
    print(table([f"medians of {count(options.rounds, 'round')}", *WAYS], lines))


if __name__ == "__main__":
    main()
