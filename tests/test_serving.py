"""The server of `tileframe view --serve` holds no thread for ever."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tileframe_viewer import serving
from tileframe_viewer.serving import Server


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(serving, "MOST", 3)
    monkeypatch.setattr(serving._Handler, "timeout", 0.5)
    (tmp_path / "a.dzi").write_text("<Image/>")
    with Server(tmp_path, [tmp_path]) as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def connected(server: Server, stack: ExitStack) -> socket.socket:
    connection = stack.enter_context(socket.create_connection(("127.0.0.1", server.server_port), timeout=10))
    connection.sendall(b"GET /a.dzi")  # and nothing more
    return connection


def got(server: Server) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    try:
        connection.request("GET", "/a.dzi")
        return connection.getresponse().status
    finally:
        connection.close()


def test_who_says_nothing_is_let_go_and_others_are_answered(server):
    with ExitStack() as stack:
        silent = [connected(server, stack) for _ in range(3)]
        assert [connection.recv(1) for connection in silent] == [b""] * 3
        assert got(server) == 200


def test_too_many_at_once_are_turned_away(server, monkeypatch):
    monkeypatch.setattr(serving._Handler, "timeout", 30)
    with ExitStack() as stack:
        for _ in range(3):
            connected(server, stack)
        turned_away = stack.enter_context(socket.create_connection(("127.0.0.1", server.server_port), timeout=10))
        assert turned_away.recv(1) == b""
    while True:  # until the threads of those that have gone have ended
        try:
            assert got(server) == 200
            break
        except ConnectionError:
            continue
