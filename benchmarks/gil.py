"""Processor time that a run of `stream` spends in Python for each tile, which threads spend one at a time.

``python benchmarks/gil.py SLIDE OUT [--passthrough] [--into szi] [--top N]`` runs it several times into the new folder
OUT, and prints for each tile

* the microseconds of processor time, library by library, of a run with one worker, less those of a run of one tile:
  Linux's ``perf`` looks N times a second of processor time where each thread is, so that what else the machine does
  counts little. ``python`` is the interpreter: while a thread is there it holds Python's lock, the GIL. The codecs,
  OpenSSL, OpenCV, zlib and the kernel work without it, and so do numpy and libc where they copy pixels;
* the calls of Python functions and of C functions by the workers: these depend on no machine;
* the context switches of a run with a worker for each core: threads that wait for each other, or for the GIL.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import tileframe
from tileframe_bench.baselines import TILE_SIZE
from tileframe_bench.entrants import HELD_EQUAL, PYTHON

RATE = 2000
"""Samples a second of processor time."""
SAMPLE = re.compile(r"^ *(\d+)/(\d+) .*\((.+)\)$", re.MULTILINE)
"""A line of ``perf script``: process, thread, an address, and the library that is there."""
WORKERS, MAIN = "workers", "main thread"


def microseconds(command: Sequence[str], samples: Path) -> tuple[Counter[tuple[str, str]], dict[str, Any]]:
    """Return the microseconds of processor time by thread and library, and what the run has reported."""
    perf = ["perf", "record", "-e", "cpu-clock", "-F", f"{RATE}", "-o", f"{samples}"]
    run = subprocess.run([*perf, *command], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    script = ["perf", "script", "-i", f"{samples}", "-F", "pid,tid,ip,dso"]
    lines = subprocess.run(script, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    taken: Counter[tuple[str, str]] = Counter()
    for process, thread, path in SAMPLE.findall(lines):
        library = "python" if "libpython" in path or "/bin/python" in path else Path(path).name
        taken[WORKERS if thread != process else MAIN, library] += 1_000_000 // RATE
    return taken, json.loads(run.stdout)


def counted(slide: Path, target: Path, options: dict[str, Any]) -> tuple[Counter[str], int]:
    """Return how often the workers of a run call each Python function, and how often C functions."""
    calls: Counter[str] = Counter()
    c_calls: Counter[str] = Counter()

    def note(frame: FrameType, event: str, argument: object) -> None:
        if event == "call":
            calls[f"{frame.f_code.co_qualname} ({Path(frame.f_code.co_filename).name})"] += 1
        elif event == "c_call":
            c_calls[event] += 1

    threading.setprofile(note)
    try:
        tileframe.run(slide, target, workers=1, backend="stream", quality=75, overlap=0, color="keep", **options)
    finally:
        threading.setprofile(None)
    return calls, c_calls.total()


def switches(command: Sequence[str]) -> int:
    """Return the context switches of a run."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as child:
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"the run ended with {child.returncode}")
    return usage.ru_nvcsw + usage.ru_nivcsw


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the time in Python for each tile.")
    parser.add_argument("slide", type=Path, metavar="SLIDE")
    parser.add_argument("folder", type=Path, metavar="OUT", help="a new folder, for the pyramids")
    parser.add_argument("--passthrough", action="store_true", help="the base keeps the slide's own tiles")
    parser.add_argument("--into", choices=["dzi", "szi"], default="dzi", help="default: %(default)s, a folder")
    parser.add_argument("--top", type=int, default=10, help="functions and libraries shown; default: %(default)s")
    given = parser.parse_args()
    given.folder.mkdir()
    size = "native" if given.passthrough else TILE_SIZE
    flags = ["--backend", "stream", "--tile-size", f"{size}", *["--passthrough"] * given.passthrough]

    def command(name: str, workers: int, *more: str) -> list[str]:
        target = f"{given.folder / name}.{given.into}"
        run = [*PYTHON, "-m", "tileframe", "run", f"{given.slide}", "-o", target, "--workers", f"{workers}"]
        return [*run, *HELD_EQUAL, *flags, *more]

    samples = given.folder / "samples"
    # 240: the side of the tiles of the workloads.
    one, _ = microseconds(command("one", 1, "--region", "0,0,240,240"), samples)
    spent, report = microseconds(command("all", 1), samples)
    tiles = report["tiles"]
    spent.subtract(one)
    print(f"{given.slide.name}: {tiles:,} tiles, {report['passed_through']:,} of them passed through")
    print(f"{spent.total() / tiles:8.1f} us of processor time a tile, of these")
    for (thread, library), taken in spent.most_common(given.top):
        print(f"{taken / tiles:8.1f} {library}, {thread}")
    options = {"tile_size": size, "passthrough": given.passthrough}
    calls, c_calls = counted(given.slide, given.folder / f"counted.{given.into}", options)
    print(f"{calls.total() / tiles:8.1f} calls of Python functions a tile, {c_calls / tiles:.1f} of C functions")
    for function, count in calls.most_common(given.top):
        print(f"{count / tiles:8.1f} {function}")
    print(f"{switches(command('switched', os.cpu_count() or 1)):8,} context switches")


if __name__ == "__main__":
    main()
