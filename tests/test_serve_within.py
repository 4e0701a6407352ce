"""`tileframe serve` from within: its end, and a system that has no more threads."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from tests.asking import own_loop, serving
from tests.pictures import gradient, png
from tileframe_serve.asking import never
from tileframe_serve.kitchen import Kitchen


def test_at_the_end_the_event_loop_closes_what_is_open_once_all_is_made(tmp_path, monkeypatch):
    for name in ("a.png", "b.png"):
        png(tmp_path / name, gradient(60, 40))
    closed: list[threading.Thread] = []

    def slowly() -> bytes:
        time.sleep(0.1)
        return b"all was open" if not closed else b"one was closed"

    with serving(tmp_path) as ask:
        for name in ("a.png", "b.png"):
            assert ask(f"/slides/{ask.id(name)}/metadata.json").status == 200
        used, unused = ask.app.served.opened._held.values()
        for held in (used, unused):
            monkeypatch.setattr(held.shown, "close", lambda: closed.append(threading.current_thread()))

        async def end() -> threading.Thread:
            making = asyncio.create_task(ask.app.served.make(used, "x", slowly, never))
            await asyncio.sleep(0)
            await ask.app.end()
            assert await making == b"all was open"
            return threading.current_thread()

        loops_own = ask.run(end())
        assert closed == [loops_own, loops_own]


def test_a_thread_that_could_not_be_started_is_started_for_the_next_request(monkeypatch):
    made_by = Kitchen(threads=1, queue=10, seconds=5)

    def refused(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    async def twice() -> None:
        with monkeypatch.context() as patched:
            patched.setattr(threading.Thread, "start", refused)
            with pytest.raises(RuntimeError, match="new thread"):
                await made_by.make("a", bytes, then=len, receive=never)
        assert len(made_by) == 0
        assert await made_by.make("a", bytes, then=len, receive=never) == b""
        made_by.close()

    with own_loop() as run:
        run(twice())
