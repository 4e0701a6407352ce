"""How long a run into an object store takes, which answers late, beside one into a folder in memory.

``python benchmarks/objects.py [--input SLIDE] [--scale S] [--rounds N] [--latency MS] [--option NAME=VALUE ...]``

The store is a server on this machine that keeps objects in memory and answers each request after 10 ms: it costs
processor time that a real one would not, which is printed. The time of a run counts only if every object is there,
with the bytes of the folder's file.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path
from statistics import median
from urllib.parse import parse_qs, unquote, urlsplit

from benchmarks.turns import outputs_in
from tileframe_bench.environment import refuse_too_little_room
from tileframe_bench.processes import cost, in_own_process
from tileframe_bench.records import Run
from tileframe_bench.workloads import WORKLOADS, scaled

OBJECTS: dict[str, bytes] = {}
PAGE = 1000


class Answering(asyncio.Protocol):
    """One connection: as much of S3's language as a run speaks."""

    latency = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport, self.missing, self.head = transport, 0, b""
        self.pieces: list[bytes] = []

    def data_received(self, data: bytes) -> None:
        if not self.missing:
            self.head, _, data = data.partition(b"\r\n\r\n")
            length = re.search(rb"content-length: ([0-9]+)", self.head, re.IGNORECASE)
            self.missing = int(length[1]) if length else 0
        self.pieces.append(data)
        self.missing -= len(data)
        if not self.missing:
            method, target, _ = self.head.split(b" ", 2)
            answer = respond(method, target, b"".join(self.pieces))
            self.pieces.clear()
            asyncio.get_running_loop().call_later(self.latency, self.transport.write, answer)


def respond(method: bytes, target: bytes, body: bytes) -> bytes:
    url = urlsplit(target.decode())
    key, query = unquote(url.path).removeprefix("/bucket/"), parse_qs(url.query)
    if key == "/sums":
        return answered(200, "".join(f"{hashlib.sha256(OBJECTS[key]).hexdigest()}  {key}\n" for key in sorted(OBJECTS)))
    if method == b"PUT":
        OBJECTS[key] = body
    elif method == b"POST":  # of many at once
        keys = re.findall(r"<Key>(.*?)</Key>", body.decode())
        for key in keys:
            OBJECTS.pop(key, None)
        rows = "".join(f"<Deleted><Key>{key}</Key></Deleted>" for key in keys)
        return answered(200, f"<DeleteResult>{rows}</DeleteResult>")
    elif "list-type" in query:
        return listed(query.get("prefix", [""])[0], query.get("continuation-token", [""])[0])
    elif key not in OBJECTS:
        return answered(404)
    return answered(200, OBJECTS[key] if method == b"GET" else b"", len(OBJECTS[key]) if method == b"HEAD" else None)


def listed(prefix: str, after: str) -> bytes:
    keys = [key for key in sorted(OBJECTS) if key.startswith(prefix) and key > after]
    more = f"<NextContinuationToken>{keys[PAGE - 1]}</NextContinuationToken>" if len(keys) > PAGE else ""
    date = "<LastModified>2026-01-01T00:00:00.000Z</LastModified>"
    rows = (f"<Contents><Key>{key}</Key>{date}<Size>{len(OBJECTS[key])}</Size></Contents>" for key in keys[:PAGE])
    return answered(200, f"<ListBucketResult>{''.join(rows)}{more}</ListBucketResult>")


def answered(status: int, body: str | bytes = b"", length: int | None = None) -> bytes:
    data = body.encode() if isinstance(body, str) else body
    head = f'HTTP/1.1 {status} X\r\nETag: "x"\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n'
    return f"{head}Content-Length: {len(data) if length is None else length}\r\n\r\n".encode() + data


async def serve(latency: float) -> None:
    Answering.latency = latency
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def made(slide: Path, output: str, *options: str) -> Run:
    return cost([sys.executable, "-m", "tileframe", "run", slide, "-o", output, "-q", *options]).run


def against(slide: Path, folder: Path, latency: float, options: list[str]) -> tuple[Run, Run, float, int]:
    """Return what a run costs into ``folder`` and into objects, the server's CPU seconds, and how many objects."""
    server = subprocess.Popen([sys.executable, __file__, "--serve", f"{latency}"], stdout=subprocess.PIPE, text=True)
    with server:
        try:
            assert server.stdout is not None
            url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
            keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_ENDPOINT_URL": url, "AWS_PROFILE": ""}
            os.environ.update(keys)
            files = made(slide, f"{folder}/slide")
            objects = made(slide, "s3://bucket/slide", *(f"--store-option={one}" for one in options))
            with urllib.request.urlopen(f"{url}/sums") as answer:
                sums = answer.read().decode().splitlines(keepends=True)
            wanted = Path(folder, "slide.sha256").read_text().splitlines(keepends=True)
            missing = set(wanted) - set(sums)
            assert not missing, f"{len(missing)} of {len(wanted)} tiles are missing, or have other bytes"
            assert len(sums) == len(wanted) + 3, f"there are {len(sums)} objects for {len(wanted)} tiles"
        finally:
            server.terminate()
            busy = os.wait4(server.pid, 0)[2] if hasattr(os, "wait4") else None
    return files, objects, busy.ru_utime + busy.ru_stime if busy else 0.0, len(sums)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what late answers of an object store cost.")
    parser.add_argument("--serve", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--input", type=Path, metavar="SLIDE", help="instead of 32671x24000")
    parser.add_argument("--scale", type=float, default=1.0, help="both sides of the slide times this")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--latency", type=float, default=10.0, metavar="MS", help="of each answer")
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="of the store")
    given = parser.parse_args()
    if given.serve is not None:
        asyncio.run(serve(given.serve / 1000))
    slide = given.input or in_own_process(scaled(WORKLOADS["svs"], given.scale).make)
    ratios, shared = [], Path("/dev/shm")
    with outputs_in(shared if shared.is_dir() else None) as scratch:
        for number in range(given.rounds):
            files, objects, busy, count = against(slide, scratch / f"{number}", given.latency, given.option)
            ratios.append(objects.seconds / files.seconds)
            alone = (objects.seconds - busy / (os.cpu_count() or 1)) / files.seconds
            took = [f"{run.seconds:.2f} s (CPU {run.cpu_seconds:.2f} s)" for run in (files, objects)]
            print(f"round {number + 1}: folder {took[0]}, {count:,} objects {took[1]}: {ratios[-1]:.2f} times the time")
            print(f"  the server took {busy:.2f} CPU s: {alone:.2f} times without it", flush=True)
            if not number:
                refuse_too_little_room(scratch, given.rounds - 1)
    print(f"median {median(ratios):.2f} times")


if __name__ == "__main__":
    main()
