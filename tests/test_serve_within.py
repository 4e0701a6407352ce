"""`tileframe serve` from within: its end, slides that change places, a system without threads."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress

import pytest

from tests.asking import Reply, own_loop, serving
from tests.pictures import gradient, photo, png, svs
from tileframe_serve.asking import never
from tileframe_serve.catalogue import Entry
from tileframe_serve.kitchen import Kitchen
from tileframe_serve.opened import Held, Opened


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


def test_two_slides_that_are_opened_at_the_same_moment_are_both_shown_where_one_may_be_open(tmp_path, monkeypatch):
    for name in ("a.svs", "b.svs"):
        svs(tmp_path / name, photo(300, 200))
    both, real = threading.Barrier(3), Opened.open

    def together(self: Opened, entry: Entry) -> Held:
        held = real(self, entry)
        with suppress(threading.BrokenBarrierError):
            both.wait(timeout=5)
        return held

    monkeypatch.setattr(Opened, "open", together)
    with serving(tmp_path, slides=1, threads=2) as ask:

        async def ask_both() -> list[Reply]:
            asked = [asyncio.ensure_future(ask.asking(f"/slides/{ask.id(name)}/thumbnail.jpg"))
                     for name in ("a.svs", "b.svs")]  # fmt: skip
            await asyncio.sleep(0)
            both.wait(timeout=5)
            both.abort()  # nobody waits for another from here on
            time.sleep(0.1)  # the loop finds both opened in one turn
            return await asyncio.gather(*asked)

        assert [reply.status for reply in ask.run(ask_both())] == [200, 200]


@pytest.mark.parametrize("raised", [SystemExit, StopIteration])
def test_what_a_plugin_raises_that_no_event_loop_bears_fails_one_request(raised, tmp_path, monkeypatch):
    png(tmp_path / "a.png", gradient(60, 40))

    def raises(*_: object) -> bytes:
        raise raised("enough")

    with serving(tmp_path, seconds=5) as ask:
        assert ask(f"/slides/{ask.id()}/metadata.json").status == 200
        (held,) = ask.app.served.opened._held.values()
        monkeypatch.setattr(held.shown, "tile", raises)
        assert ask(f"/slides/{ask.id()}/dzi/{ask.id()}_files/5/0_0.jpeg").status == 500
        assert ask(f"/slides/{ask.id()}/thumbnail.jpg").status == 200
