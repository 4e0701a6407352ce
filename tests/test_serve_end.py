"""The end of `tileframe serve`, from within."""

from __future__ import annotations

import asyncio
import threading
import time

from tests.asking import serving
from tests.pictures import gradient, png
from tileframe_serve.asking import never


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
