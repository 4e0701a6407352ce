"""End runs that replace a pyramid, at any moment and within the commit, look at what is left, and go on with them.

``python benchmarks/kills.py [--kills N] [--seed S]``

They get SIGKILL, and now and then SIGTERM or SIGINT, after which they have to end by themselves, with the documented
exit code. After that the pyramid is opened, as every command does, and must be the old one or the new one, whole, with
every check of ``tileframe verify``; and ``--resume`` must give the new one, file by file, and leave nothing else. Then
runs are killed when they have made nine tenths of their tiles, and what going on costs is measured against a whole run.
Ends with 1 if one of it was not so.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import tileframe
from tileframe.journal import HEAD
from tileframe.registry import Registry, load
from tileframe_bench.workloads import WORKLOADS, scaled
from tileframe_start.command import INTERRUPTED
from tileframe_stores.notes import Notes

RUN = [sys.executable, "-c", "from tileframe_start import main; main()", "run", "--quiet", "--overwrite"]
OLD, NEW = "50", "75"


@dataclass(frozen=True, slots=True)
class Kind:
    """Which runs are ended, and when."""

    name: str
    """Of the output."""
    backend: str = "stream"
    sign: str = ""
    """The file whose appearance says that it is time; at any moment without one."""


KINDS = {
    "folder": Kind("out"),
    "folder, in the commit": Kind("out", sign=".out.partial/exchange.json"),
    "szi": Kind("out.szi"),
    "folder, by vips": Kind("out", "vips"),
    "szi, by vips": Kind("out.szi", "vips"),
}
SIGNALS = [signal.SIGKILL] * 3 + [signal.SIGTERM, signal.SIGINT] if sys.platform != "win32" else [signal.SIGTERM]
PATIENCE = 20
"""Seconds in which a run that is told to end has to do it."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Kill runs, and look at what is left.")
    parser.add_argument("--kills", type=int, default=300, help="in all")
    parser.add_argument("--scale", type=float, default=0.05, help="of the sides of the slide")
    parser.add_argument("--large", type=float, default=1.0, help="the same, where the cost is measured")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    slide, chance = scaled(WORKLOADS["svs"], given.scale).make(), random.Random(given.seed)
    with tempfile.TemporaryDirectory() as folder:
        wrong = 0
        for kind, kills in zip(KINDS, shares(given.kills, len(KINDS)), strict=True):
            found = Counter(outcomes(kind, slide, Path(folder) / kind, kills, chance))
            wrong += sum(count for outcome, count in found.items() if outcome not in ("old", "new"))
            print(f"{kind}: {kills} kills: {', '.join(f'{outcome} {count}' for outcome, count in found.items())}")
        large = scaled(WORKLOADS["svs"], given.large).make()
        for kind in ("folder", "szi"):
            share, tiles = cost(KINDS[kind].name, large, Path(folder) / f"{kind}, nine tenths")
            print(
                f"{kind}: {tiles:.0%} of the tiles were made, and going on took {share:.0%} of a whole run's CPU time"
            )
    return int(wrong > 0)


def shares(count: int, parts: int) -> list[int]:
    return [(count + part) // parts for part in range(parts)]


def outcomes(kind: str, slide: Path, folder: Path, kills: int, chance: random.Random) -> Iterator[str]:
    """Yield what each kill left: the old or the new pyramid, or what is wrong with it."""
    registry, target, sign, backend = load(), folder / KINDS[kind].name, KINDS[kind].sign, KINDS[kind].backend
    folder.mkdir()
    started = time.perf_counter()
    new = made(slide, target, NEW, registry, backend)
    takes = time.perf_counter() - started
    for _ in range(kills):
        old, how = made(slide, target, OLD, registry), chance.choice(SIGNALS)
        command = [*RUN, str(slide), "-o", str(target), "--quality", NEW, "--backend", backend]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            if sign:
                wait_for(folder / sign, process)
            time.sleep(chance.uniform(0, 0.002 if sign else 1.5 * takes))
            process.send_signal(how)
            if process.wait(PATIENCE) not in (0, INTERRUPTED, -how):
                yield f"exit code {process.returncode} after {how.name}"
                continue
        yield left(target, {old: "old", new: "new"}, registry)
        if made(slide, target, NEW, registry, backend) != new or left(target, {new: ""}, registry):
            yield "going on gave something else"
        if any(path.name.startswith(".") for path in folder.iterdir()):
            yield "going on left something else"


def cost(name: str, slide: Path, folder: Path) -> tuple[float, float]:
    """Return what going on takes, in times of a whole run's CPU time, after a kill when so many of the tiles were made.

    The share of the tiles is that which the first run had noted.
    """
    folder.mkdir()
    registry, target = load(), folder / name
    made(slide, target, OLD, registry)  # so that all three replace a pyramid
    started = cpu()
    new = made(slide, target, NEW, registry)
    whole = cpu() - started
    with tileframe.open_pyramid(target, registry=registry) as pyramid:
        count = pyramid.tile_count
    report = folder / "report.json"
    command = [*RUN, str(slide), "-o", str(target), "--quality", NEW, "--report", str(report)]
    with subprocess.Popen(command) as process:
        notes = folder / f".{name}.partial" / "notes"
        while process.poll() is None and tiles_in(notes) < 0.9 * count:
            time.sleep(0.01)
        process.kill()
    started = cpu()
    subprocess.run([*command, "--resume"], check=True)
    took = cpu() - started
    assert digests(target, registry) == new
    return took / whole, json.loads(report.read_text())["resumed"] / count


def tiles_in(notes: Path) -> int:
    entries = [entry for _, entry in Notes(notes).entries()][1:]
    return sum(HEAD.unpack_from(entry)[1] for entry in entries)


def cpu() -> float:
    """Return the CPU time of all processes that were started and have ended, in seconds."""
    used = os.times()
    return used.children_user + used.children_system


def made(slide: Path, target: Path, quality: str, registry: Registry, backend: str = "stream") -> bytes:
    """Make a pyramid in the place of what is there, or go on with it, and return its list of digests."""
    how = ["--quality", quality, "--backend", backend, "--resume"]
    subprocess.run([*RUN, str(slide), "-o", str(target), *how], check=True)
    return digests(target, registry)


def digests(target: Path, registry: Registry) -> bytes:
    with tileframe.open_pyramid(target, registry=registry) as pyramid:
        return pyramid.files.get(pyramid.location.digests_key)


def wait_for(path: Path, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None and not path.exists():
        time.sleep(0.0002)  # a commit takes ten times as long


def left(target: Path, known: dict[bytes, str], registry: Registry) -> str:
    """Say which pyramid is at ``target``, or what is wrong there."""
    try:
        with tileframe.open_pyramid(target, registry=registry) as pyramid:
            found = [
                one
                for one in tileframe.verify(pyramid, registry=registry)
                if one.severity is not tileframe.Severity.NOTE
            ]
            return str(found[0]) if found else known.get(pyramid.files.get(pyramid.location.digests_key), "another")
    except tileframe.TileframeError as error:
        return str(error)


if __name__ == "__main__":
    sys.exit(main())
