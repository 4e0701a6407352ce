"""`tileframe serve` and clients that are slow, many, or do not speak HTTP as they should."""

from __future__ import annotations

import http.client
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import numpy as np
import pytest

from tests.asking import got, server
from tests.pictures import gradient, png
from tests.running import served
from tileframe import machine
from tileframe.registry import load
from tileframe_serve import command, connections
from tileframe_serve.app import App
from tileframe_serve.settings import Settings
from tileframe_start.command import run_command

ASKED = b"GET /index.json HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@contextmanager
def listening(slide) -> Iterator[int]:
    """A server in a thread of this process, as the command starts it; gives its port."""
    with served(App(Settings(paths=(str(slide),)), load())) as origin:
        yield int(origin.rpartition(":")[2])


def connected(port: int, **options: int) -> socket.socket:
    connection = socket.socket()
    connection.settimeout(20)
    for name, value in options.items():
        connection.setsockopt(socket.SOL_SOCKET, getattr(socket, name), value)
    connection.connect(("127.0.0.1", port))
    return connection


def takes_connections(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=20).close()
    except ConnectionRefusedError:
        return False
    return True


def all_of(connection: socket.socket) -> bytes:
    """What comes until the server closes the connection."""
    found = b""
    with suppress(ConnectionError):
        while part := connection.recv(1 << 20):
            found += part
    return found


def answered(connection: socket.socket) -> int:
    """Ask, read the whole answer, and return its status."""
    connection.sendall(ASKED)
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    answer.read()
    return answer.status


@pytest.fixture(scope="module")
def slide(tmp_path_factory):
    return png(tmp_path_factory.mktemp("slide") / "a.png", gradient(300, 200))


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    """A picture that no format makes small, larger than what the system holds of an answer that nobody reads."""
    pixels = np.random.default_rng(1).integers(0, 256, (1600, 1600, 3), np.uint8)
    return png(tmp_path_factory.mktemp("noise") / "a.png", pixels)


def large_answer(port: int) -> bytes:
    """The request for all of the only picture, in PNG, which the server has made and keeps."""
    name = re.findall(rb'"id": "([^"]+)"', got(port, "/index.json")[1])[0].decode()
    path = f"/iiif/3/{name}/full/max/0/default.png"
    status, body = got(port, path)
    assert status == 200
    assert len(body) > 7e6
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()


def test_ten_clients_that_read_slowly_and_ten_that_send_slowly_do_not_slow_the_others(noise):
    with listening(noise) as port, ExitStack() as stack:
        asked = large_answer(port)
        readers = [stack.enter_context(connected(port, SO_RCVBUF=4096)) for _ in range(10)]
        senders = [stack.enter_context(connected(port)) for _ in range(10)]
        for reader, sender in zip(readers, senders, strict=True):
            reader.sendall(asked)
            sender.sendall(ASKED[:-10])
        begun = time.monotonic()
        for turn in range(20):
            for reader, sender in zip(readers, senders, strict=True):
                assert len(reader.recv(1)) == 1
                sender.sendall(ASKED[-10 + turn // 2 : -9 + turn // 2] if turn % 2 == 0 and turn < 18 else b"")
            assert got(port, "/index.json")[0] == 200
        assert time.monotonic() - begun < 10
        for sender in senders:
            sender.sendall(ASKED[-1:])
            assert sender.recv(12) == b"HTTP/1.1 200"


def test_a_request_that_does_not_come_in_time_ends_its_connection(slide, monkeypatch):
    monkeypatch.setattr(connections, "SENT_WITHIN", 0.3)
    with listening(slide) as port, connected(port) as first, connected(port) as second, connected(port) as silent:
        assert answered(second) == 200
        for one in (first, second):
            one.sendall(ASKED[:20])
        assert all_of(first) == all_of(second) == all_of(silent) == b""
        with connected(port) as other:
            assert answered(other) == 200
            time.sleep(0.5)  # longer than a request may take, but none was begun
            assert answered(other) == 200


def test_a_client_that_reads_nothing_is_let_go_and_one_that_reads_is_not(noise, monkeypatch):
    with listening(noise) as port, connected(port, SO_RCVBUF=4096) as silent, connected(port) as slow:
        asked = large_answer(port)
        monkeypatch.setattr(connections, "READ_WITHIN", 0.3)
        silent.sendall(asked)
        slow.sendall(asked)
        read = 0
        while read < 7e6:  # takes longer than those 0.3 seconds
            read += len(slow.recv(1 << 17))
            time.sleep(0.01)
        assert len(all_of(silent)) < read


@pytest.mark.parametrize(
    ("begin", "more"),
    [(b"GET / HTTP/1.1\r\n", b"X-A: " + b"a" * 4000 + b"\r\n"), (b"GET /", b"a" * 4000), (b"", ASKED * 100),
     (b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n",
      b"X: " + b"a" * 4000 + b"\r\n")],
    ids=["headers", "address", "pipelined", "trailers"],
)  # fmt: skip
def test_a_request_without_an_end_takes_no_memory(slide, begin, more):
    pytest.importorskip("httptools")  # h11 has bounds of its own

    def send(connection: socket.socket) -> None:
        connection.sendall(begin)
        for _ in range(20_000):
            connection.sendall(more)

    with listening(slide) as port, connected(port) as connection:
        with pytest.raises(ConnectionError):
            send(connection)
        assert got(port, "/healthz") == (200, b"ok\n")


def test_a_large_body_and_some_pipelined_requests_are_no_fault(slide):
    with listening(slide) as port, connected(port) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n\r\n" + b"a" * 1_000_000)
        connection.sendall(ASKED * 50 + ASKED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        found = all_of(connection)
        assert (found.count(b"HTTP/1.1 405"), found.count(b"HTTP/1.1 200")) == (1, 51)


def test_more_connections_than_there_may_be_get_503_and_when_to_come_again(slide, monkeypatch):
    monkeypatch.setattr(connections, "CONNECTIONS", 2)
    with listening(slide) as port:
        with connected(port), connected(port), connected(port) as third:
            third.sendall(ASKED)
            head = all_of(third).partition(b"\r\n\r\n")[0]
            assert head.startswith(b"HTTP/1.1 503")
            assert b"\r\nretry-after: 2" in head
        time.sleep(0.1)
        assert got(port, "/index.json")[0] == 200


def test_2000_malformed_requests_on_the_wire_give_4xx_and_nothing_else(slide):
    chance = random.Random(11)
    good = [ASKED, b"HEAD /healthz HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\nContent-Length: 0\r\n\r\n"]
    wrong = [b"\0", b"\xff", b" ", b"\t", b"\r", b"\n", b":", b"HTTP/9.9", b"%zz", b"\x16\x03\x01", b"Host: x\r\n",
             b"/" * 80, b"Transfer-Encoding: chunked\r\n", b"Content-Length: -1\r\n", b"http://[", b"a" * 70000,
             b"Upgrade: websocket\r\nConnection: upgrade\r\n", b"CONNECT a:1 ",
             b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]  # fmt: skip

    def malformed() -> bytes:
        request = chance.choice(good)
        for _ in range(chance.randint(1, 4)):
            at = chance.randint(0, len(request) - 4)
            request = request[:at] + chance.choice(wrong) + request[at + chance.randint(0, 9) :]
        return request + b"\r\n\r\n"

    with listening(slide) as port:
        odd: list[tuple[bytes, bytes]] = []
        refused = 0
        for _ in range(2000):
            request = malformed()
            with connected(port) as connection:
                with suppress(ConnectionError):
                    connection.sendall(request)
                answer = b""
                with suppress(ConnectionError):
                    answer = connection.recv(200)
            refused += answer[9:10] == b"4"
            # Some are still right, and some are answered by an end of the connection before all of them was read.
            if answer and not re.match(rb"HTTP/1\.1 [234]\d\d ", answer):
                odd.append((request[:99], answer))
        assert odd == []
        assert refused > 1000
        assert got(port, "/index.json")[0] == 200


STOPPED = """
import asyncio, os, signal, sys
if "h11" in sys.argv: sys.modules["httptools"] = None
from tileframe_serve.running import listen, serve

async def application(scope, receive, send):
    if scope["type"] == "lifespan":
        for event in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{event}.complete"})
        return
    os.kill(os.getpid(), signal.SIGINT)
    await asyncio.sleep(0.5)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})

listening = listen("127.0.0.1", 0)
print(listening.getsockname()[1], flush=True)
serve(application, listening)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
@pytest.mark.parametrize("protocol", ["h11", "httptools"])
def test_an_answer_that_was_begun_before_the_end_says_that_its_connection_ends(protocol):
    pytest.importorskip(protocol)
    with subprocess.Popen([sys.executable, "-c", STOPPED, protocol], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        connection = http.client.HTTPConnection("127.0.0.1", int(process.stdout.readline()), timeout=30)
        connection.request("GET", "/")
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("connection"), answer.read()) == (200, "close", b"ok")
        assert process.wait(30) == 0
        connection.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
def test_processes_that_finish_their_answers_take_no_more_connections(noise):
    with server(noise, "--workers", "2") as (process, port), connected(port, SO_RCVBUF=4096) as slow:
        slow.sendall(large_answer(port))
        assert slow.recv(12) == b"HTTP/1.1 200"
        process.send_signal(signal.SIGTERM)
        end = time.monotonic() + 20
        while takes_connections(port):
            assert time.monotonic() < end
            time.sleep(0.1)
        assert process.poll() is None
        slow.settimeout(60)
        while slow.recv(1 << 20):
            pass
        assert process.wait(30) == 0


@pytest.mark.parametrize(("asked", "threads"), [((), 5), (("--workers", "2"), 3), (("--threads", "2"), 2)])
def test_processes_share_the_cores(asked, threads, tmp_path, monkeypatch):
    found: list[int] = []
    monkeypatch.setattr(machine, "available_cores", lambda: 5)
    monkeypatch.setattr(command, "_serve", lambda settings, *_: found.append(settings.threads))
    assert run_command(["serve", *asked, str(png(tmp_path / "a.png", gradient(3, 2)))]) == 0
    assert found == [threads]
