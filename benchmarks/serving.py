"""Servers in processes of their own, OpenSlide's example among them, and a client that asks for tiles."""

from __future__ import annotations

import asyncio
import json
import random
import re
import socket
import subprocess
import sys
import tarfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import psutil

from tileframe_bench.workloads import WORKLOADS

TILE = 256
"""Pixels a side of the tiles that are asked for; the example's are 254 and an overlap of 1 unless told otherwise."""
EXAMPLE, EXAMPLE_256 = "OpenSlide's example", "the example, 256/0"
EXAMPLE_VIEWS, VIEWS = "the example, 256/0, views", "encoded, views"
PASSED, ENCODED, KEPT = "pass-through", "encoded", "encoded, kept"
NATIVE, PROCESSES = "encoded, native grid", "encoded, 2 processes"
OPTIONS: dict[str, tuple[str, ...]] = {
    EXAMPLE: (),
    EXAMPLE_256: ("--size", f"{TILE}", "--overlap", "0"),
    EXAMPLE_VIEWS: ("--size", f"{TILE}", "--overlap", "0"),
    PASSED: ("--passthrough=always", "--tile-size=native"),
    ENCODED: ("--passthrough=never", f"--tile-size={TILE}", "--cache", "0"),
    VIEWS: ("--passthrough=never", f"--tile-size={TILE}", "--cache", "0"),
    PROCESSES: ("--passthrough=never", f"--tile-size={TILE}", "--cache", "0", "--workers", "2"),
    NATIVE: ("--passthrough=never", "--tile-size=native", "--cache", "0"),
    KEPT: ("--passthrough=never", f"--tile-size={TILE}", "--cache", "1024"),
}
VIEW = 8, 5
"""Tiles across and down of a window."""
COMMON = ("--overlap", "0", "--port", "0")


@dataclass
class Round:
    """What one round of requests took."""

    seconds: float = 0.0
    times: list[float] = field(default_factory=list)
    megabytes: tuple[float, float] = (0.0, 0.0)
    """Of the server's memory before and after it."""
    cpu: float = 0.0
    """Seconds of CPU that the server took."""


@dataclass(frozen=True)
class Running:
    """A server that listens."""

    port: int
    prefix: str
    """What the addresses of its tiles begin with, up to the level."""
    side: int
    """Pixels from tile to tile."""
    process: psutil.Process

    def cpu(self) -> float:
        """Return the seconds of CPU that it has taken."""
        return float(sum(sum(one.cpu_times()[:2]) for one in self._processes()))

    def megabytes(self) -> float:
        """Return its resident memory."""
        return float(sum(one.memory_info().rss for one in self._processes()) / 1e6)

    def _processes(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]


class Client(asyncio.Protocol):
    """One connection that asks for one tile after the other until ``end``, or until there are ``most`` answers."""

    def __init__(self, paths: Iterator[bytes], times: list[float], end: float, most: float) -> None:
        self.paths, self.times, self.end, self.most = paths, times, end, most
        self.done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.answer, self.begun = b"", 0.0

    @property
    def has_ended(self) -> bool:
        """Whether no more is to be asked for."""
        return time.perf_counter() >= self.end or len(self.times) >= self.most

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.ask()

    def ask(self) -> None:
        if self.has_ended:
            self.transport.close()
            return
        self.begun = time.perf_counter()
        self.transport.write(b"GET " + next(self.paths) + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")

    def data_received(self, data: bytes) -> None:
        self.answer += data
        head, found, body = self.answer.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(re.search(rb"(?i)content-length: (\d+)", head)[1])  # type: ignore[index]
        if len(body) < length:
            return
        if not (head[9:12] == b"200" and len(body) == length and body[:2] == b"\xff\xd8" and body[-2:] == b"\xff\xd9"):
            self.done.set_exception(RuntimeError(f"no tile: {head[:80]!r}"))
            self.transport.close()
            return
        self.times.append(time.perf_counter() - self.begun)
        self.answer = b""
        if re.search(rb"(?i)\r\nconnection: close", head):
            self.transport.close()
        else:
            self.ask()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(self.has_ended)


def at_random(paths: Sequence[Sequence[bytes]]) -> Iterator[bytes]:
    """Yield random ones of ``paths``, which are in columns."""
    while True:
        yield random.choice(random.choice(paths))


def in_views(paths: Sequence[Sequence[bytes]]) -> Iterator[bytes]:
    """Yield those of a window at a random place, row by row, and so on, as somebody asks for them who looks around."""
    across, down = VIEW
    while True:
        left, top = random.randrange(len(paths) - across), random.randrange(len(paths[0]) - down)
        yield from (paths[left + col][top + row] for row in range(down) for col in range(across))


async def load(
    port: int, paths: Iterator[bytes], connections: int, seconds: float, *, most: float = float("inf")
) -> Round:
    """Ask for ``paths``, for so long or until there are ``most`` answers; each is looked at."""
    found, start = Round(), time.perf_counter()
    end = start + seconds

    async def one() -> None:
        ended = False
        while not ended:  # some servers close the connection after each answer
            _, client = await asyncio.get_running_loop().create_connection(
                lambda: Client(paths, found.times, end, most), "127.0.0.1", port
            )
            ended = await client.done

    async with asyncio.timeout(seconds + 20):
        await asyncio.gather(*(one() for _ in range(connections)))
    found.seconds = time.perf_counter() - start
    return found


def example() -> Path:
    """Return OpenSlide's example, as it is published with the version that is installed; it is fetched once, by pip."""
    name = version("openslide-python")
    folder = WORKLOADS["svs"].path.parent / f"openslide-python-{name}"
    script = folder / "deepzoom_server.py"
    if not script.exists():
        folder.mkdir(parents=True, exist_ok=True)
        fetch = ["download", "-q", "--no-deps", "--no-binary", ":all:", "--dest", f"{folder}"]
        subprocess.run([sys.executable, "-m", "pip", *fetch, f"openslide-python=={name}"], check=True)
        (archive,) = folder.glob("*.tar.gz")
        with tarfile.open(archive) as sources:
            file = sources.extractfile(f"{archive.name.removesuffix('.tar.gz')}/examples/deepzoom/{script.name}")
            assert file is not None
            script.write_bytes(file.read())
    return script


@contextmanager
def started(name: str, slide: Path) -> Iterator[Running]:
    """Run the server that `OPTIONS` calls ``name``, for one slide."""
    is_example = name in (EXAMPLE, EXAMPLE_256, EXAMPLE_VIEWS)
    if is_example:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        command = [sys.executable, f"{example()}", "--port", f"{port}", *OPTIONS[name], f"{slide}"]
    else:
        command = [sys.executable, "-m", "tileframe", "serve", *COMMON, *OPTIONS[name], f"{slide}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            prefix, side = "/slide_files", 254 if name == EXAMPLE else TILE
            assert process.stdout is not None
            if not is_example:
                port = int(process.stdout.readline().rpartition(":")[2].strip("/\n"))
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/index.json") as answer:
                    own = json.load(answer)["slides"][0]["id"]
                prefix = f"/slides/{own}/dzi/{own}_files"
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/slides/{own}/metadata.json") as answer:
                    side = json.load(answer)["tile_size"]
            _until_it_listens(port)
            yield Running(port, prefix, side, psutil.Process(process.pid))
        finally:
            process.terminate()
            process.wait(30)


def _until_it_listens(port: int) -> None:
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("the server does not listen")
