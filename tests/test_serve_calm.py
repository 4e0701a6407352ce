"""`tileframe serve`: bounded work, each tile once, clients that go away, and an end that loses no answer."""

from __future__ import annotations

import asyncio
import http.client
import json
import signal
import sys
import threading
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest

from tests.asking import Reply, got, own_loop, server, serving
from tests.pictures import gradient, photo, png, svs
from tileframe import InputError
from tileframe_serve import asking, kitchen, opened
from tileframe_serve.asking import never
from tileframe_serve.kitchen import Gone, Kept, Kitchen
from tileframe_serve.slides import Slide


@pytest.fixture(scope="module")
def slide(tmp_path_factory):
    return svs(tmp_path_factory.mktemp("slide") / "slide.svs", photo(700, 500))


def test_a_tile_that_many_ask_for_is_made_once(slide, monkeypatch):
    with serving(slide, format="png") as ask:
        ask(f"/slides/{ask.id()}/metadata.json")
        (held,) = ask.app.served.opened._held.values()
        assert isinstance(held.shown, Slide)
        made, tile = [], held.shown.tile

        def counted(layout, address):
            made.append(address)
            time.sleep(0.05)
            return tile(layout, address)

        monkeypatch.setattr(held.shown, "tile", counted)
        address = f"/slides/{ask.id()}/dzi/{ask.id()}_files/10/0_0.png"

        async def hundred() -> list[Reply]:
            return await asyncio.gather(*(ask.asking(address) for _ in range(100)))

        replies = ask.run(hundred())
        assert {reply.status for reply in replies} == {200}
        assert len(made) == 1
        assert ask(address).status == 200
        assert len(made) == 1  # it is kept


def test_what_nobody_waits_for_any_more_is_not_begun():
    begun: list[int] = []
    go_on = threading.Event()

    def work(number: int) -> None:
        begun.append(number)
        go_on.wait()

    async def two_of_three_go_away() -> None:
        made_by = Kitchen(1, 10, 30)
        making = [
            made_by.make(number, partial(work, number), then=lambda _: None, receive=never) for number in range(3)
        ]
        tasks = [asyncio.create_task(one) for one in making]
        while not begun:
            await asyncio.sleep(0.001)
        tasks[1].cancel()
        await asyncio.sleep(0.01)
        assert len(made_by) == 2
        go_on.set()
        await asyncio.gather(tasks[0], tasks[2])
        made_by.close()

    with own_loop() as run:
        run(two_of_three_go_away())
    assert begun == [0, 2]


def test_one_who_goes_away_takes_nothing_from_those_who_stay():
    go_on = threading.Event()
    kept: list[bytes] = []

    def work() -> bytes:
        go_on.wait()
        return b"tile"

    async def one_goes() -> None:
        made_by = Kitchen(1, 10, 30)
        one, other = (asyncio.create_task(made_by.make("a", work, then=kept.append, receive=never)) for _ in range(2))
        await asyncio.sleep(0.01)
        one.cancel()
        await asyncio.sleep(0.01)
        go_on.set()
        assert await other == b"tile"
        made_by.close()

    with own_loop() as run:
        run(one_goes())
    assert kept == [b"tile"]


def test_an_error_reaches_all_who_wait_and_what_comes_after_it_is_made():
    class Use:
        now = 0

        def take(self) -> None:
            self.now += 1

        def give(self) -> None:
            self.now -= 1

    use, before = Use(), threading.active_count()
    kept: list[str] = []

    def fails() -> None:
        time.sleep(0.05)
        raise InputError("is damaged")

    async def three() -> None:
        made_by = Kitchen(1, 10, 30)
        two = (made_by.make("a", fails, then=kept.append, receive=never, uses=use) for _ in range(2))
        errors = await asyncio.gather(*two, return_exceptions=True)
        assert [str(error) for error in errors] == ["is damaged"] * 2
        assert await made_by.make("a", lambda: "whole", then=kept.append, receive=never, uses=use) == "whole"
        assert len(made_by) == 0
        made_by.close()

    with own_loop() as run:
        run(three())
    assert kept == ["whole"]
    assert use.now == 0
    assert threading.active_count() == before


def test_more_than_the_queue_holds_are_sent_away_with_503_and_when_to_come_again(slide):
    with serving(slide, format="png", threads=1, queue=1) as ask:
        ask(f"/slides/{ask.id()}/metadata.json")
        wait = threading.Event()

        async def many() -> list[Reply]:
            blocked = asyncio.create_task(
                ask.app.served.kitchen.make("x", wait.wait, then=lambda _: None, receive=never)
            )
            await asyncio.sleep(0.01)
            address = f"/slides/{ask.id()}/dzi/{ask.id()}_files/10"
            asked = [asyncio.create_task(ask.asking(f"{address}/{col}_0.png")) for col in range(3)]
            await asyncio.sleep(0.05)
            wait.set()
            await blocked
            return await asyncio.gather(*asked)

        replies = ask.run(many())
        assert sorted(reply.status for reply in replies) == [200, 503, 503]
        assert {reply.headers.get("retry-after") for reply in replies} == {None, "2"}


def test_what_takes_too_long_is_503_and_is_not_lost(slide, monkeypatch):
    with serving(slide, format="png", seconds=0.1) as ask:
        ask(f"/slides/{ask.id()}/metadata.json")
        (held,) = ask.app.served.opened._held.values()
        assert isinstance(held.shown, Slide)
        tile = held.shown.tile

        def slowly(layout, address):
            time.sleep(0.3)
            return tile(layout, address)

        monkeypatch.setattr(held.shown, "tile", slowly)
        address = f"/slides/{ask.id()}/dzi/{ask.id()}_files/10/0_0.png"
        assert ask(address).status == 503
        ask.run(asyncio.sleep(0.4))
        assert ask(address).status == 200


def test_a_new_slide_that_another_process_has_found_is_found_by_all_who_ask(tmp_path, monkeypatch):
    monkeypatch.setattr(asking, "SEARCHED_ANEW", 0.0)
    png(tmp_path / "old.png", gradient(30, 20))
    with serving(tmp_path) as ask:
        search = ask.app.served.catalogue.search

        def slowly():
            time.sleep(0.1)
            search()

        monkeypatch.setattr(ask.app.served.catalogue, "search", slowly)
        png(tmp_path / "new.png", gradient(30, 20))
        with serving(tmp_path) as other:
            address = f"/slides/{other.id('new.png')}/metadata.json"

        async def together() -> list[Reply]:
            return await asyncio.gather(*(ask.asking(address) for _ in range(3)))

        assert [reply.status for reply in ask.run(together())] == [200, 200, 200]
        assert ask("/slides/none/").status == 404


def test_a_client_that_goes_away_is_not_answered(slide, monkeypatch):
    monkeypatch.setattr(kitchen, "UNWATCHED", 0.0)
    with serving(slide, format="png") as ask:

        async def gone():
            return {"type": "http.disconnect"}

        async def goes() -> None:
            with pytest.raises(Gone):
                await ask.app.served.open(await ask.app.served.entry(ask.id(), gone), gone)
            while len(ask.app.served.kitchen):
                await asyncio.sleep(0.01)

        ask.run(goes())
        assert ask(f"/slides/{ask.id()}/metadata.json").status == 200


def test_kept_tiles_stay_within_their_bound():
    kept = Kept(1000)
    for number in range(100):
        kept.put(number, bytes(100))
        kept.get(0)
    assert kept.bytes == 1000
    assert kept.get(0) is not None  # it was asked for all the time
    assert kept.get(50) is None
    kept.put("large", bytes(600))
    assert kept.get("large") is None


def test_slides_are_closed_when_they_are_too_many_or_not_in_use(tmp_path, monkeypatch):
    for number in range(4):
        png(tmp_path / f"{number}.png", gradient(30 + number, 20))
    closed: list[str] = []

    def closing(name, close):
        closed.append(name)
        close()

    with serving(tmp_path, slides=2) as ask:
        names = [ask.id(f"{number}.png") for number in range(4)]
        found = ask.app.served.opened
        for name in names:
            assert ask(f"/slides/{name}/metadata.json").status == 200
            held = found._held[name]
            monkeypatch.setattr(held.shown, "close", partial(closing, name, held.shown.close))
        assert list(found._held) == names[2:]
        assert closed == names[:2]
        in_use = found._held[names[3]]
        in_use.take()
        monkeypatch.setattr(opened, "UNUSED", -1.0)
        found.close_unused()
        assert len(found) == 0
        assert names[3] not in closed
        in_use.give()
        assert closed[-2:] == names[2:]


def test_what_is_known_already_is_304_without_any_work(slide):
    with serving(slide, format="png") as ask:
        address = f"/slides/{ask.id()}/dzi/{ask.id()}_files/10/0_0.png"
        first = ask(address)
        assert "max-age" in first.headers["cache-control"]
        ask.app.served.kept = Kept(0)
        again = ask(address, if_none_match=f'W/"x", {first.headers["etag"]}')
        assert (again.status, again.body) == (304, b"")
        assert ask(address, if_none_match='"other"').status == 200
        head = ask(address, method="HEAD")
        assert (head.body, head.headers["content-length"]) == (b"", str(len(first.body)))


def test_other_qualities_have_other_tags(slide):
    tags = set()
    for quality in (75, 90):
        with serving(slide, format_options={"quality": quality}) as ask:
            tags.add(ask(f"/slides/{ask.id()}/dzi/{ask.id()}_files/3/0_0.jpeg").headers["etag"])
    assert len(tags) == 2


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full")
def test_a_log_that_cannot_be_written_any_more_ends_and_no_more(slide, caplog):
    with serving(slide, access_log="/dev/full", seconds=5) as ask:
        pages = ("metadata.json", "thumbnail.jpg", "dzi/a.dzi")
        assert [ask(f"/slides/{ask.id()}/{page}").status for page in pages] == [200, 200, 404]
        assert [record.getMessage() for record in caplog.records] == [
            "the access log cannot be written any more (No space left on device), and ends here"
        ]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_processes_whose_parent_was_killed_end_too_and_leave_no_temporary_files(slide, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))

    def answer_on(port: int) -> None:
        for _ in range(300):
            got(port, "/healthz")
            time.sleep(0.05)

    with server(slide, "--workers", "2", "--threads", "1") as (process, port):
        assert got(port, "/healthz")[0] == 200
        process.kill()
        process.wait()
        assert [path.name.startswith("tileframe-serve-") for path in tmp_path.iterdir()] == [True]
        with pytest.raises(ConnectionError):
            answer_on(port)
    assert list(tmp_path.iterdir()) == []


def test_health_metrics_and_the_description_of_the_server(slide, tmp_path):
    log = tmp_path / "log.jsonl"
    with serving(slide, access_log=str(log)) as ask:
        assert ask("/healthz").body == b"ok\n"
        ask(f"/slides/{ask.id()}/dzi/{ask.id()}_files/10/0_0.jpeg?token=secret")
        ask("/nothing")
        text = ask("/metrics").body.decode()
        assert 'tileframe_requests_total{kind="tile",status="200"} 1.0' in text
        assert 'tileframe_requests_total{kind="refused",status="404"} 1.0' in text
        assert "tileframe_open_slides 1.0" in text
        described = ask("/openapi.json").json()
        assert described["openapi"] == "3.1.0"
        for path in described["paths"]:  # each is there, whatever it then says of these values
            asked = path.replace("{id}", ask.id()).replace("{layout}/{key}", f"dzi/{ask.id()}.dzi")
            asked = asked.replace("{region}/{size}/{rotation}/{quality}.{format}", "full/9,/0/default.jpg")
            is_missing = any(word in path for word in ("associated", "annotations", "link"))
            assert ask(asked).status == (404 if is_missing else 200), path
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["status"] for line in lines[:3]] == [200, 200, 404]
    assert "secret" not in log.read_text()


def test_a_worker_process_sets_its_gauges_also_where_another_is_asked_for_them(slide):
    with serving(slide) as ask:
        assert ask(f"/slides/{ask.id()}/").status == 200
        with suppress(TimeoutError):
            ask.run(asyncio.wait_for(ask.app._tidy(), 0.05))
        assert "tileframe_open_slides 1.0" in ask.app.metrics.text().decode()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
def test_sigterm_under_load_loses_no_answer_that_was_begun(slide):
    with server(slide, "--format", "png", "--tile-size", "100", "--overlap", "0") as (process, port):
        name = json.loads(got(port, "/index.json")[1])["slides"][0]["id"]
        cut, whole = [], []

        def ask(client: int) -> None:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            for number in range(10_000):
                try:
                    connection.request("GET", f"/slides/{name}/dzi/{name}_files/10/{number % 7}_{client}.png?{number}")
                    answer = connection.getresponse()
                except (OSError, http.client.HTTPException):
                    return  # it was not begun: refused, or closed before its first byte
                try:
                    whole.append(len(answer.read()))
                except (OSError, http.client.HTTPException) as error:
                    cut.append(error)
                    return

        clients = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
        for client in clients:
            client.start()
        while len(whole) < 40:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        for client in clients:
            client.join(30)
        assert process.wait(30) == 0
        assert cut == []
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
@pytest.mark.parametrize("workers", [pytest.param("1", marks=pytest.mark.thorough), "2"])
def test_a_stop_as_soon_as_the_address_is_said_is_one_like_a_later_one(workers, slide):
    with server(slide, "--workers", workers) as (process, _):
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
def test_processes_share_the_port_and_add_up_their_numbers(slide):
    with server(slide, "--workers", "2", "--threads", "1") as (process, port):
        for _ in range(20):
            assert got(port, "/index.json")[0] == 200
        while 'tileframe_requests_total{kind="index",status="200"} 20.0' not in got(port, "/metrics")[1].decode():
            time.sleep(0.05)  # an answer is counted after it was sent
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
