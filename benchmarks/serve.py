"""Requests a second of `tileframe serve`, beside the usual recipe: Flask, and OpenSlide's Deep Zoom generator.

``python benchmarks/serve.py [--scale S] [--input SLIDE] [--seconds N] [--connections N]``; it needs Flask.

Random base tiles of 256 pixels without overlap, or of the slide's own size where those are sent as they are, over
loopback, each server in a process of its own and in turn. Each answer is looked at: its status, its length, and whether
it is a whole JPEG. It ends by itself.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import random
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

from tileframe import Pyramid, open_slide
from tileframe_bench.processes import in_own_process
from tileframe_bench.text import aligned
from tileframe_bench.workloads import WORKLOADS, scaled

TILE = 256
EXAMPLE, PASSED, ENCODED, KEPT = "generator in Flask", "pass-through", "encoded", "encoded, kept"
OPTIONS = {
    PASSED: ("--passthrough=always", "--tile-size=native"),
    ENCODED: ("--passthrough=never", f"--tile-size={TILE}", "--cache", "0"),
    KEPT: ("--passthrough=never", f"--tile-size={TILE}", "--cache", "1024"),
}
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


class Client(asyncio.Protocol):
    """One connection that asks for one tile after the other until ``end``."""

    def __init__(self, paths: Sequence[bytes], times: list[float], end: float) -> None:
        self.paths, self.times, self.end = paths, times, end
        self.done: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.answer, self.begun = b"", 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.ask()

    def ask(self) -> None:
        self.begun = time.perf_counter()
        if self.begun >= self.end:
            self.transport.close()
            return
        path = random.choice(self.paths)
        self.transport.write(b"GET " + path + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")

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
            self.done.set_result(time.perf_counter() >= self.end)


async def load(port: int, paths: Sequence[bytes], connections: int, seconds: float) -> Round:
    found, start = Round(), time.perf_counter()
    end = start + seconds

    async def one() -> None:
        ended = False
        while not ended:  # some servers close the connection after each answer
            _, client = await asyncio.get_running_loop().create_connection(
                lambda: Client(paths, found.times, end), "127.0.0.1", port
            )
            ended = await client.done

    async with asyncio.timeout(seconds + 20):
        await asyncio.gather(*(one() for _ in range(connections)))
    found.seconds = time.perf_counter() - start
    return found


def example(slide: str, port: int) -> None:
    """The recipe: one generator, a tile for each request, saved by Pillow; a thread for each connection."""
    import flask
    from openslide import OpenSlide
    from openslide.deepzoom import DeepZoomGenerator

    app, generator = flask.Flask("example"), DeepZoomGenerator(OpenSlide(slide), tile_size=TILE, overlap=0)

    @app.route("/<int:level>/<int:col>_<int:row>.jpeg")
    def tile(level: int, col: int, row: int) -> flask.Response:
        file = io.BytesIO()
        generator.get_tile(level, (col, row)).save(file, "jpeg", quality=75)
        return flask.Response(file.getvalue(), mimetype="image/jpeg")

    import logging

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app.run(port=port, threaded=True)


@contextmanager
def started(name: str, slide: Path) -> Iterator[tuple[int, str, int, psutil.Process]]:
    """Start a server; give its port, what its tiles' addresses begin with, the tiles' size, and its process."""
    if name == EXAMPLE:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        command = [sys.executable, __file__, "--example", f"{slide}", f"{port}"]
    else:
        command = [sys.executable, "-m", "tileframe", "serve", *COMMON, *OPTIONS[name], f"{slide}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            prefix, side = "", TILE
            if name != EXAMPLE:
                assert process.stdout is not None
                port = int(process.stdout.readline().rpartition(":")[2].strip("/\n"))
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/index.json") as answer:
                    own = json.load(answer)["slides"][0]["id"]
                prefix = f"/slides/{own}/dzi/{own}_files"
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/slides/{own}/metadata.json") as answer:
                    side = json.load(answer)["tile_size"]
            _until_it_listens(port)
            yield port, prefix, side, psutil.Process(process.pid)
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


def measured(name: str, slide: Path, connections: int, seconds: float) -> Round:
    with open_slide(slide) as source:
        size = source.facts.size
    level = Pyramid(size).base_level
    with started(name, slide) as (port, prefix, side, process):
        # Whole tiles alone, so that all answer with the same pictures.
        paths = [
            f"{prefix}/{level}/{col}_{row}.jpeg".encode()
            for col in range(size.width // side)
            for row in range(size.height // side)
        ]
        if name == KEPT:
            paths = paths[:200]
        asyncio.run(load(port, paths, connections, 1.0))
        before, cpu = process.memory_info().rss / 1e6, sum(process.cpu_times()[:2])
        found = asyncio.run(load(port, paths, connections, seconds))
        found.cpu = sum(process.cpu_times()[:2]) - cpu
        found.megabytes = before, process.memory_info().rss / 1e6
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure how many requests a second are answered.")
    parser.add_argument("--input", type=Path, metavar="SLIDE", help="a slide of JPEG tiles; default: drawn")
    parser.add_argument("--scale", type=float, default=1.0, help="both sides of the drawn slide times this")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each round, at most 60")
    parser.add_argument("--connections", type=int, default=8, help="at most 64")
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    slide = given.input or in_own_process(scaled(WORKLOADS["svs"], given.scale).make)
    rounds: dict[str, list[Round]] = {name: [] for name in (EXAMPLE, *OPTIONS)}
    for _ in range(given.rounds):
        for name, found in rounds.items():
            found.append(measured(name, slide, min(given.connections, 64), min(given.seconds, 60)))
    rate = {name: float(np.median([len(one.times) / one.seconds for one in found])) for name, found in rounds.items()}
    figures = "requests/s", "times the example", "p50 ms", "p99 ms", "CPU ms each", "MB before", "after", "requests"
    rows: list[tuple[str, ...]] = [("server", *figures)]
    for name, found in rounds.items():
        times = np.concatenate([one.times for one in found]) * 1000
        memory = [f"{np.median([one.megabytes[end] for one in found]):.0f}" for end in (0, 1)]
        each = 1000 * sum(one.cpu for one in found) / len(times)
        percentiles = [f"{np.percentile(times, part):.1f}" for part in (50, 99)]
        speed = f"{rate[name]:,.0f}", f"{rate[name] / rate[EXAMPLE]:.1f}"
        rows.append((name, *speed, *percentiles, f"{each:.2f}", *memory, f"{len(times):,}"))
    print("\n".join(aligned(rows)))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--example"]:
        example(sys.argv[2], int(sys.argv[3]))
    else:
        main()
