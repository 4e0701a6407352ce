"""What `tileframe serve` does: requests a second beside OpenSlide's example, memory, and time to the first picture.

``python benchmarks/serve.py [rates] [memory] [first] [--scale S] [--input SLIDE] [--seconds N] [--connections N]``; all
three without a word. It needs Flask, a browser that Playwright can drive for ``first``, and, once, pip and its network.

* ``rates``: base tiles over loopback, at random or in views of 8 by 5, each server in a process of its own and in
  turn. OpenSlide's example is the published file, as people start it, and once more with the tiles that ours are asked
  for.
* ``memory``: what the server holds after 20,000, 50,000, 100,000 and 200,000 requests: all of its own tiles, and a
  tenth of them encoded.
* ``first``: seconds from the start of the command until the browser shows the slide.

Each answer is looked at: its status, its length, and whether it is a whole JPEG. It ends by itself.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.serve_first import first_pictures
from benchmarks.serving import (
    ENCODED,
    EXAMPLE,
    EXAMPLE_VIEWS,
    KEPT,
    OPTIONS,
    PASSED,
    VIEWS,
    Round,
    Running,
    at_random,
    in_views,
    load,
    started,
)
from tileframe import Pyramid, Size, open_slide
from tileframe_bench.processes import in_own_process
from tileframe_bench.text import aligned
from tileframe_bench.workloads import WORKLOADS, scaled

COUNTS = (20_000, 50_000, 100_000, 200_000)
"""After so many requests the memory is looked at."""


def size_of(slide: Path) -> Size:
    """Return the size of the base."""
    with open_slide(slide) as source:
        return source.facts.size


def whole_tiles(server: Running, size: Size) -> list[list[bytes]]:
    """Return the addresses, by column, of all base tiles that no edge cuts: all answers show as many pixels."""
    level, side = Pyramid(size).base_level, server.side
    cols, rows = size.width // side, size.height // side
    return [
        [f"{server.prefix}/{level}/{col}_{row}.jpeg".encode() for row in range(1, rows - 1)]
        for col in range(1, cols - 1)
    ]


def measured(name: str, slide: Path, size: Size, connections: int, seconds: float) -> Round:
    """Ask one server for tiles."""
    with started(name, slide) as server:
        tiles = whole_tiles(server, size)
        paths = (in_views if name in (VIEWS, EXAMPLE_VIEWS) else at_random)(tiles[:2] if name == KEPT else tiles)
        asyncio.run(load(server.port, paths, connections, 1.0))
        before, cpu = server.megabytes(), server.cpu()
        found = asyncio.run(load(server.port, paths, connections, seconds))
        found.cpu = server.cpu() - cpu
        found.megabytes = before, server.megabytes()
    return found


def rates(slide: Path, asked: argparse.Namespace) -> list[tuple[str, ...]]:
    """Return a row for each server."""
    size = size_of(slide)
    rounds: dict[str, list[Round]] = {name: [] for name in OPTIONS}
    for _ in range(asked.rounds):
        for name, found in rounds.items():
            found.append(measured(name, slide, size, min(asked.connections, 64), min(asked.seconds, 60)))
    rate = {name: float(np.median([len(one.times) / one.seconds for one in found])) for name, found in rounds.items()}
    figures = "requests/s", "times the example", "p50 ms", "p99 ms", "CPU ms each", "cores", "MB before", "after"
    rows: list[tuple[str, ...]] = [("server", *figures, "requests")]
    for name, found in rounds.items():
        times = np.concatenate([one.times for one in found]) * 1000
        memory = [f"{np.median([one.megabytes[end] for one in found]):.0f}" for end in (0, 1)]
        cpu = sum(one.cpu for one in found)
        percentiles = [f"{np.percentile(times, part):.1f}" for part in (50, 99)]
        speed = f"{rate[name]:,.0f}", f"{rate[name] / rate[EXAMPLE]:.1f}"
        work = f"{1000 * cpu / len(times):.2f}", f"{cpu / sum(one.seconds for one in found):.2f}"
        rows.append((name, *speed, *percentiles, *work, *memory, f"{len(times):,}"))
    return rows


def memory(slide: Path, asked: argparse.Namespace) -> list[tuple[str, ...]]:
    """Return what a server holds after more and more requests: pass-through, and a tenth as many encoded."""
    size = size_of(slide)
    rows: list[tuple[str, ...]] = [("MB held", "at first", *(f"after {count:,}" for count in COUNTS))]
    for name, share in ((PASSED, 1), (ENCODED, 10)):
        with started(name, slide) as server:
            paths, held, done = at_random(whole_tiles(server, size)), [server.megabytes()], 0
            for count in COUNTS:
                some = load(server.port, paths, min(asked.connections, 64), 1800, most=count // share - done)
                done += len(asyncio.run(some).times)
                held.append(server.megabytes())
        rows.append((name if share == 1 else f"{name}, a tenth of them", *(f"{one:.0f}" for one in held)))
    return rows


def show(rows: Sequence[tuple[str, ...]]) -> None:
    """Print a table."""
    print("\n".join(aligned(rows)), end="\n\n", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how tileframe serve answers.")
    parser.add_argument("what", nargs="*", help="rates, memory or first; default: all", metavar="WHAT")
    parser.add_argument("--input", type=Path, metavar="SLIDE", help="a slide of JPEG tiles; default: drawn")
    parser.add_argument("--scale", type=float, default=1.0, help="both sides of the drawn slide times this")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each round, at most 60")
    parser.add_argument("--connections", type=int, default=8, help="at most 64")
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    modes = {"rates": rates, "memory": memory, "first": first_pictures}
    if unknown := set(given.what) - set(modes):
        parser.error(f"there is no {', '.join(sorted(unknown))} (have: {', '.join(modes)})")
    slide = given.input or in_own_process(scaled(WORKLOADS["svs"], given.scale).make)
    for name, mode in modes.items():
        if name in (given.what or modes):
            show(mode(slide, given))


if __name__ == "__main__":
    main()
