"""Give mutated slides and pyramids to tileframe, and count what becomes of them.

``python benchmarks/fuzz.py [--count N] [--seed S] [--seeds FOLDER]``

Slides go to ``info``, and to ``run`` with two backends; pyramids to ``verify``, ``info``, ``compare`` and ``view``.
Each command runs in a process forked from this one, with a limit of time and of memory. Ends with 1 if one of them
crashed, hung, showed a traceback or more than a line, ended with an undocumented exit code, left something or wrote
elsewhere, or if the backends made different tiles. POSIX only.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from pathlib import Path

from PIL import Image

import tileframe
from tests.fuzzed import pyramids, slides
from tileframe.registry import load
from tileframe_start.command import run_command

SECONDS, MEMORY = 20.0, 4 << 30
DOCUMENTED = {0, 1, 2, 3, 4, 5, 6}
NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
LOADED = ("msgspec.json", "psutil", "simplejpeg", "tileframe.pyramids", "tileframe_commands.run")
"""What most commands load."""
LARGEST = 4_000_000
"""Bytes of a file that is taken from a folder of seeds: of larger ones too little would be hit."""


def mutated(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """Return ``data`` with one to four faults; ``other`` is what is spliced in."""
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        chance.choice(MUTATIONS)(changed, other, chance)
    return bytes(changed)


def flip(data: bytearray, other: bytes, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 1, 4, 32))):
        at = place(data, chance)
        if at < len(data):
            data[at] ^= 1 << chance.randrange(8)


def cut(data: bytearray, other: bytes, chance: random.Random) -> None:
    del data[place(data, chance) :]


def drop(data: bytearray, other: bytes, chance: random.Random) -> None:
    at = place(data, chance)
    del data[at : at + chance.choice((1, 2, 4, 100, 5000))]


def splice(data: bytearray, other: bytes, chance: random.Random) -> None:
    start, length = chance.randrange(len(other) or 1), chance.choice((4, 100, 5000))
    at = place(data, chance)
    data[at : at + length * chance.randrange(2)] = other[start : start + length]


def number(data: bytearray, other: bytes, chance: random.Random) -> None:
    """Write an absurd number over one, in either byte order."""
    at, size = place(data, chance), chance.choice((1, 2, 4, 8))
    written = chance.choice(NUMBERS).to_bytes(8, "little")[:size]
    data[at : at + size] = written if chance.randrange(2) else written[::-1]


def place(data: bytearray, chance: random.Random) -> int:
    """Return where to change something: often where headers are, at the beginning or at the end."""
    size = len(data) or 1
    near = chance.choice((size, 64, 512, 4096))
    return min(size - 1, chance.randrange(min(near, size))) if chance.randrange(4) else max(0, size - near // 2 - 1)


MUTATIONS: Sequence[Callable[[bytearray, bytes, random.Random], None]] = (flip, flip, cut, drop, splice, number, number)


def commands(path: Path, folder: Path) -> Iterator[list[str]]:
    """Yield the commands for a mutated file."""
    if path.parent.name == "pyramid":
        target = str(next(path.parent.glob("*.szi"), path.parent / "p.dzi"))
        yield ["verify", target]
        yield ["info", target]
        yield ["compare", target, target]
        yield ["view", target, "--no-open", "--overwrite"]
        return
    yield ["info", str(path)]
    for backend in ("stream", "vips"):
        yield ["run", str(path), "-o", str(folder / backend / "o"), "--backend", backend, "--format", "png", "-q"]


def outcome(arguments: list[str], errors: Path) -> str:
    """Run a command in a process of its own, and say how it ended: an exit code, or what must not be."""
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        written = os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(written, 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os._exit(run_command(arguments))
    ends = time.monotonic() + SECONDS
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        if time.monotonic() > ends:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return "hang"
        time.sleep(0.002)
    found = judged(ended[1], errors.read_text("utf-8", "replace"))
    # What verify finds is its result, and printed as such.
    return "exit 5" if (arguments[0], found, ended[1] >> 8) == ("verify", "no word", 5) else found


def judged(status: int, said: str) -> str:
    if os.WIFSIGNALED(status):
        return f"signal {os.WTERMSIG(status)}"
    code = os.waitstatus_to_exitcode(status)
    if code not in DOCUMENTED:
        return f"undocumented exit code {code}"
    if "Traceback" in said or "bug in tileframe" in said:
        return "traceback"
    lines = [line for line in said.splitlines() if line.startswith("tileframe: ")]
    if code and (len(said.splitlines()) != 1 or len(lines) != 1):
        return f"{len(said.splitlines())} lines" if said else "no word"
    return f"exit {code}"


def tried(path: Path, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield what became of each command for ``path``, with the command's first word."""
    before = names(path.parent)
    codes = []
    for arguments in commands(path, folder):
        found = outcome(arguments, folder / "errors")
        codes.append(found)
        yield arguments[0], found
    if arguments[0] == "run":
        yield "left", compared(folder, codes[1:])
        if names(path.parent) != before:
            yield "left", "something beside the slide"


def compared(folder: Path, codes: Sequence[str]) -> str:
    """Say whether two backends made the same of a slide, and left nothing where they refused it."""
    for backend, code in zip(("stream", "vips"), codes, strict=True):
        if code != "exit 0" and (folder / backend).exists():
            return f"files after {code}"
    if codes[0] != codes[1]:
        return "one backend took it" if "exit 0" in codes else "refused otherwise"
    if codes[0] != "exit 0":
        return "nothing"
    made = [tileframe.open_pyramid(folder / backend / "o.dzi", workers=1) for backend in ("stream", "vips")]
    return "the same tiles" if tileframe.compare(*made).strength is tileframe.Equality.PIXELS else "different tiles"


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


WRONG = ("signal", "hang", "traceback", "undocumented", "different", "files", "something", "no word")


def is_wrong(found: str) -> bool:
    """Say whether an outcome is one that must not be; several lines are, too."""
    return found.startswith(WRONG) or found.endswith("lines")


def fuzz(count: int, seed: int, seeds: Path | None, keep: Path | None, counts: Counter[tuple[str, str]]) -> None:
    """Try ``count`` mutated files, and count how often each command ended in each way."""
    chance = random.Random(seed)
    # Before the first fork: each of them has it then. Not libvips, whose threads a fork would lose.
    load()
    Image.init()
    for name in LOADED:
        import_module(name)
    with tempfile.TemporaryDirectory() as work:
        (made := Path(work) / "seeds").mkdir()
        files = [*slides(made), *pyramids(made)]
        if seeds is not None:
            files += [path for path in seeds.rglob("*") if path.is_file() and 0 < path.stat().st_size <= LARGEST]
        for number in range(count):
            source, other = chance.choice(files), chance.choice(files)
            folder = Path(work) / f"{number}"
            at = folder / ("pyramid" if source.parent.name == "pyramid" else "slide")
            shutil.copytree(source.parent, at) if at.name == "pyramid" else at.mkdir(parents=True)
            path = at / source.name
            path.write_bytes(mutated(source.read_bytes(), other.read_bytes()[:LARGEST], chance))
            for command, found in tried(path, folder):
                counts[command, found] += 1
                if is_wrong(found):
                    print(f"{number}: {source.name}: {command}: {found}", flush=True)
                    if keep is not None:
                        shutil.copytree(folder, keep / f"{seed}-{number}", dirs_exist_ok=True)
            shutil.rmtree(folder)


def main() -> int:
    parser = argparse.ArgumentParser(description="Give mutated files to tileframe.")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=Path, help="a folder of files to mutate, besides those that are made")
    parser.add_argument("--keep", type=Path, help="where to keep what went wrong")
    given = parser.parse_args()
    counts = Counter[tuple[str, str]]()
    try:
        fuzz(given.count, given.seed, given.seeds, given.keep, counts)
    except KeyboardInterrupt:
        print("interrupted; so far:")
    for (command, found), number in sorted(counts.items()):
        print(f"{command:8} {number:7,}  {found}")
    return int(any(is_wrong(found) for _, found in counts))


if __name__ == "__main__":
    sys.exit(main())
