"""Single figures of the documentation, each by a command: ``python benchmarks/figures.py COMMAND --help``."""

from __future__ import annotations

import math
import tempfile
import time
from itertools import product
from pathlib import Path
from typing import Any

import click
import numpy as np

import tileframe
from tests.agreement import COMBINATIONS, disagreement
from tests.streamed import Slide
from tileframe import Access, Severity
from tileframe.registry import load
from tileframe_bench.processes import in_own_process
from tileframe_bench.workloads import WORKLOADS, scaled

CHECKS = {"structural": ("descriptor", "files", "tiles"), "all checks": ()}
# Megapixels a second and core of the structural checks, at least.
LIMIT = 120.0
SIDE = 16  # of many tiles

PATH = click.Path(path_type=Path)
cli = click.Group(help="Print single figures of the documentation.")


@cli.command()
@click.option("--scale", type=float, default=0.5, help="Of the 30000x21952 picture's sides.")
def verify(scale: float) -> None:
    """How fast `tileframe verify` goes through a pyramid of 256-pixel JPEG tiles: megapixels a second and core."""
    source, rates = scaled(WORKLOADS["babel"], scale).make(), {}
    with tempfile.TemporaryDirectory() as folder:
        made = tileframe.run(source, Path(folder) / "p", tile_size=256, overlap=0)
        for name, checks in CHECKS.items():
            started, before = time.perf_counter(), time.process_time()
            found = [one for one in tileframe.verify(made.target, checks=checks) if one.severity is not Severity.NOTE]
            if found:
                raise SystemExit(f"not counted: {found[0]}")
            wall, busy = time.perf_counter() - started, time.process_time() - before
            rates[name] = made.megapixels / busy
            figures = f"{made.megapixels:8.0f} MP{wall:8.2f} s{busy:8.2f} s of cores{rates[name]:8.0f} MP/s a core"
            print(f"{name:12}{figures}")
    kept = rates["structural"] > LIMIT
    print(f"limit: {LIMIT:.0f} MP/s a core for the structural checks: {'kept' if kept else 'missed'}")
    raise SystemExit(int(not kept))


@cli.command()
@click.option("--tiles", type=int, multiple=True, default=[20_000, 200_000, 2_000_000])
@click.option("--container", default="szi", help="szi, zip, or empty for a folder.")
@click.option("--scratch", type=PATH)
def many_tiles(tiles: tuple[int, ...], container: str, scratch: Path | None) -> None:
    """Does memory grow with the number of tiles? A synthetic slide, tiles of 16 pixels, each run in an own process.

    Tiles are kept as their sizes alone, so that nothing but tileframe takes memory and time.
    """
    print(f"{'tiles':>10}  {'peak MB':>7}  {'seconds':>8}  {'us/tile':>7}   into {container or 'a folder'}")
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        for number in tiles:
            print(in_own_process(run_of_many_tiles, number, container, Path(folder)), flush=True)


def run_of_many_tiles(tiles: int, container: str, folder: Path) -> str:
    """Make a pyramid of about so many tiles, and return what it took as a row of the table."""
    side = SIDE * math.isqrt(tiles * 3 // 4)
    slide = Slide(folder, np.broadcast_to(np.uint8(200), (side, side, 3)), Access.REGIONS)
    target = folder / f"{tiles}{f'.{container}' if container else ''}"
    how: dict[str, Any] = {"tile_size": SIDE, "overlap": 0, "format": "blank", "backend": "stream"}
    report = tileframe.run(slide.path, target, registry=slide.registry, reader="streamed", **how)
    rate = report.seconds / report.tiles * 1e6
    return f"{report.tiles:>10,}  {report.peak_memory / 1e6:>7.0f}  {report.seconds:>8.1f}  {rate:>7.1f}"


@cli.command()
@click.argument("folder", type=PATH)
@click.argument("words", nargs=-1)
def parity(folder: Path, words: tuple[str, ...]) -> None:
    """Compare the backends over every file of FOLDER, in every layout, with and without bounds.

    With WORDS, only files whose path holds one of them.
    """
    registry, wrong = load(), 0
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    chosen = [path for path in files if not words or any(word in str(path) for word in words)]
    for path, options in product(chosen, COMBINATIONS):
        with tempfile.TemporaryDirectory() as scratch:
            if found := disagreement(path, Path(scratch), registry, **options):
                wrong += 1
                print(f"{path.relative_to(folder)} with {options}: {found}")
    print(f"{len(chosen)} files, {len(chosen) * len(COMBINATIONS)} comparisons, {wrong} disagreements")
    raise SystemExit(min(wrong, 1))


if __name__ == "__main__":
    cli()
