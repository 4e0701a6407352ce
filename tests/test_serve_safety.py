"""`tileframe serve`: who may see what, and that nothing outside the given paths is ever sent."""

from __future__ import annotations

import hmac
import random
import shutil
import time
from urllib.parse import quote

import numpy as np
import pytest

import tileframe
from tests.asking import serving
from tests.pictures import damage_tile, gradient, photo, png, svs
from tileframe import InputError
from tileframe_serve import opened
from tileframe_serve.answers import Refused, refusal
from tileframe_serve.catalogue import Catalogue
from tileframe_start.command import run_command

SECRET = b"nobody may see this"
TOKEN = "0123456789abcdef"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a slide and a pyramid, beside a secret."""
    above = tmp_path_factory.mktemp("above")
    (above / "secret.txt").write_bytes(SECRET)
    folder = above / "shown"
    folder.mkdir()
    (folder / "notes.txt").write_bytes(SECRET)
    png(folder / "a.png", gradient(300, 200))
    tileframe.run(folder / "a.png", folder / "pyramids" / "b.dzi")
    return folder


ESCAPES = [
    "../secret.txt", "..%2fsecret.txt", "%2e%2e/secret.txt", "%2e%2e%2fsecret.txt", "..\\secret.txt", "..%5csecret.txt",
    "%252e%252e%252fsecret.txt", "....//secret.txt", "/etc/passwd", "%2fetc%2fpasswd", "b_files/../../../secret.txt",
    "b_files/0/../../../notes.txt", "b_files/0/0_0.jpeg%00.txt", "..%c0%af..%c0%afsecret.txt", "..;/secret.txt",
    "\xff\xfe", "b.tileframe.json", "b.sha256", "file:///etc/passwd", "C:\\secret.txt", "b_files", "b_files/0/",
]  # fmt: skip
PLACES = ["/slides/{}/", "/slides/{}/dzi/", "/slides/{}/associated/", "/iiif/3/{}/"]


def test_nothing_but_descriptors_and_tiles_is_sent(folder):
    with serving(folder) as ask:
        ids = list(ask.app.served.catalogue.entries)
        assert len(ids) == 2
        places = ["/", "/assets/", "/slides/", *(place.format(name) for place in PLACES for name in ids)]
        for place in places:
            for escape in ESCAPES:
                reply = ask((place + escape).encode("latin-1"))
                assert 400 <= reply.status < 500, (place, escape)
                assert SECRET not in reply.body


def test_links_that_lead_out_of_a_folder_are_not_followed(tmp_path):
    outside, inside = tmp_path / "outside", tmp_path / "inside"
    for each in (outside, inside):
        each.mkdir()
    png(outside / "slide.png", gradient(40, 30))
    tileframe.run(outside / "slide.png", outside / "made", format="png")
    tileframe.run(outside / "slide.png", inside / "own", format="png")
    png(inside / "own.png", gradient(20, 20))
    (inside / "same.png").symlink_to(inside / "own.png")
    (inside / "link.png").symlink_to(outside / "slide.png")
    (inside / "folder").symlink_to(outside)
    (inside / "made.dzi").symlink_to(outside / "made.dzi")
    (inside / "tiles.dzi").write_bytes((outside / "made.dzi").read_bytes())
    (inside / "tiles_files").symlink_to(outside / "made_files")
    (inside / "own_files" / "0" / "0_0.png").unlink()
    (inside / "own_files" / "0" / "0_0.png").symlink_to(outside / "slide.png")
    with serving(inside) as ask:
        names = {entry.name for entry in ask.app.served.catalogue.entries.values()}
        assert names == {"own.dzi", "own.png", "tiles.dzi"}  # what is linked to inside is shown once
        assert ask(f"/slides/{ask.id('tiles.dzi')}/dzi/tiles_files/0/0_0.png").status == 404
        assert ask(f"/iiif/3/{ask.id('tiles.dzi')}/full/max/0/default.jpg").status == 500
        assert ask(f"/slides/{ask.id('own.dzi')}/dzi/own_files/0/0_0.png").status == 404
        assert ask(f"/slides/{ask.id('own.dzi')}/dzi/own_files/1/0_0.png").status == 200
    with serving(inside / "link.png") as ask:  # it was named itself
        assert ask(f"/slides/{ask.id()}/").status == 200


def test_a_slide_that_becomes_a_link_is_not_followed_either(tmp_path):
    (tmp_path / "inside").mkdir()
    outside, slide = png(tmp_path / "outside.png", gradient(40, 30)), png(tmp_path / "inside" / "a.png", gradient(9, 9))
    with serving(tmp_path / "inside") as ask:
        slide.unlink()
        slide.symlink_to(outside)
        assert ask(f"/iiif/3/{ask.id()}/full/max/0/default.jpg").status == 500


def test_a_slide_that_was_removed_is_404_and_says_so(tmp_path):
    (slide := png(tmp_path / "a.png", gradient(40, 30))).with_name("b.png").write_bytes(slide.read_bytes())
    with serving(tmp_path) as ask:
        name = ask.id("a.png")
        slide.unlink()
        for path in (f"/iiif/3/{name}/info.json", f"/slides/{name}/", f"/slides/{name}/dzi/{name}.dzi"):
            reply = ask(path)
            assert (reply.status, reply.json()["detail"]) == (404, "a.png: is no longer there")


def test_at_the_start_only_what_is_missing_is_refused(tmp_path, monkeypatch, registry):
    monkeypatch.chdir(tmp_path)
    tileframe.run(png(tmp_path / "a.png", gradient(30, 20)), "made")
    served = Catalogue(["made"], registry)  # which is no file, but what the names of all its files begin with
    served.refuse_missing()
    (tmp_path / "made.tileframe.json").write_text("{")
    served.refuse_missing()
    (tmp_path / "made.dzi").unlink()
    (tmp_path / "made.tileframe.json").unlink()
    with pytest.raises(InputError, match="no pyramid is there"):
        served.refuse_missing()


def test_a_page_that_says_what_is_wrong_leads_to_the_gallery(tmp_path):
    png(tmp_path / "a.png", gradient(40, 30))
    for url, home in ((None, "/"), ("https://a.org/slides", "https://a.org/slides/")):
        with serving(tmp_path, url=url) as ask:
            reply = ask("/slides/none/", accept="text/html")
            assert (reply.status, f'<a href="{home}">' in reply.body.decode()) == (404, True)
    with serving(tmp_path, token="a token of sixteen") as ask:
        reply = ask("/slides/none/", accept="text/html")
        assert (reply.status, b"<a " in reply.body) == (401, False)


def test_2000_malformed_requests_give_4xx_and_nothing_else(folder):
    chance = random.Random(7)
    with serving(folder) as ask:
        name = ask.id("a.png")
        tile, picture = f"/slides/{name}/dzi/{name}_files/8/0_0.jpeg", f"/iiif/3/{name}/0,0,10,10/10,/90/gray.png"
        page, whole = f"/slides/{name}/", f"/iiif/3/{name}/full/max/0/default.jpg"
        good = [tile, picture, whole, page, "/index.json", "/assets/x.js"]
        wrong = ["%", "%zz", "\0", "%00", "..", "\xff", "%ff", "\\", " ", "9" * 40, "-1", "/../", "nan", "^"]

        def malformed() -> bytes:
            path = chance.choice(good).encode()
            for _ in range(chance.randint(1, 3)):
                at = chance.randint(2, len(path))
                path = path[:at] + chance.choice(wrong).encode("latin-1") + path[at + chance.randint(0, 3) :]
            return path

        statuses: dict[bytes, int] = {}
        while len(statuses) < 2000:
            path = malformed()
            # What happens to be right is no malformed request.
            statuses[path] = ask(path, method=chance.choice(["GET", "GET", "HEAD", "PUT", "BREW"])).status
        odd = {path: status for path, status in statuses.items() if not 400 <= status < 500}
        assert all(status in (200, 303) and b"%" not in path and b".." not in path for path, status in odd.items()), odd
        assert len(odd) < 40


@pytest.fixture
def damaged(tmp_path):
    """A slide of six tiles, the second of which is damaged."""
    return damage_tile(svs(tmp_path / "a.svs", photo(700, 500), levels=(1,)), 1)


def test_a_damaged_tile_is_an_error_for_itself_alone(damaged):
    with serving(damaged, tile_size=256, overlap=0, passthrough=tileframe.Passthrough.NEVER) as ask:
        address = f"/slides/{ask.id()}/dzi/{ask.id()}_files/10"
        machine, picture = ask(f"{address}/1_0.jpeg"), ask(f"{address}/1_0.jpeg", accept="image/avif,image/webp,*/*")
        assert (machine.status, picture.status) == (500, 500)
        assert "tile 1, 0 of the base cannot be read" in machine.json()["detail"]
        assert str(damaged.parent) not in machine.json()["detail"]
        assert picture.headers["content-type"] == "image/png"
        assert picture.headers["cache-control"] == "no-store"
        assert ask(f"{address}/0_0.jpeg").status == 200
        assert ask(f"{address}/2_1.jpeg").status == 200


def test_in_place_of_a_tile_that_may_come_later_no_picture_is_sent():
    wanted = "image/avif,image/webp,*/*"  # a browser would show it, and ask no more
    assert refusal(Refused(500, "damaged"), wanted).type == "image/png"
    assert refusal(Refused(503, "busy"), wanted).type == "application/problem+json"


def test_a_broken_slide_is_an_error_for_itself_alone(folder, tmp_path):
    (tmp_path / "broken.svs").write_bytes(b"II*\0 broken")
    png(tmp_path / "whole.png", gradient(30, 20))
    with serving(tmp_path) as ask:
        broken, page = ask.id("broken.svs"), ask(f"/slides/{ask.id('broken.svs')}/", accept="text/html")
        assert (page.status, "broken.svs" in page.body.decode()) == (500, True)
        assert ask(f"/slides/{broken}/thumbnail.jpg", accept="image/webp").headers["content-type"] == "image/png"
        assert ask(f"/iiif/3/{broken}/info.json").status == 500
        assert ask(f"/slides/{ask.id('whole.png')}/").status == 200
        assert ask("/").body.decode().count("<li ") == 2


def test_a_slide_whose_list_names_a_file_outside_is_not_served(tmp_path):
    (tmp_path / "shown").mkdir()
    for name, part in (("in", "b.jpg"), ("odd", "\0.jpg"), ("out", "../secret.txt")):
        text = f"[Virtual Microscope Specimen]\nImageFile={part}\nDate=2009/12/31\n"
        (tmp_path / "shown" / f"{name}.vms").write_text(text)
    with serving(tmp_path / "shown") as ask:
        assert [one["name"] for one in ask("/index.json").json()["slides"]] == ["in.vms", "odd.vms"]


def test_a_pyramid_without_a_manifest_that_is_replaced_is_shown_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(opened, "LOOKED_AT", 0.0)

    def make(colour: int) -> None:
        picture = png(tmp_path / "a.png", np.full((90, 120, 3), colour, np.uint8))
        tileframe.run(picture, tmp_path / "made", overwrite=True)
        (tmp_path / "made.tileframe.json").unlink()

    make(10)
    with serving(tmp_path / "made.dzi") as ask:
        paths = [f"/iiif/3/{ask.id()}/full/max/0/default.png", f"/slides/{ask.id()}/thumbnail.jpg"]
        before = [ask(path) for path in paths]
        make(200)
        for path, old in zip(paths, before, strict=True):
            new = ask(path, if_none_match=old.headers["etag"])
            assert new.status == 200
            assert new.body != old.body


def test_a_slide_that_is_replaced_is_shown_anew(tmp_path, monkeypatch):
    monkeypatch.setattr(opened, "LOOKED_AT", 0.0)
    slide = png(tmp_path / "a.png", gradient(30, 20))
    with serving(slide) as ask:
        first = ask(f"/iiif/3/{ask.id()}/info.json")
        png(slide, gradient(50, 20))
        second = ask(f"/iiif/3/{ask.id()}/info.json")
        assert (first.json()["width"], second.json()["width"]) == (30, 50)
        assert first.headers["etag"] != second.headers["etag"]


def test_every_answer_has_strict_headers(folder):
    with serving(folder) as ask:
        name = ask.id("a.png")
        for path in ("/", f"/slides/{name}/", f"/slides/{name}/dzi/{name}.dzi", "/index.json", "/nothing", "/healthz"):
            headers = ask(path).headers
            assert headers["content-security-policy"].startswith("default-src 'none';")
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert "unsafe" not in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert "access-control-allow-origin" not in headers


def test_cors_is_off_unless_asked_for(folder):
    with serving(folder, cors=("https://a.example",)) as ask:
        allowed, other = (ask("/index.json", origin=f"https://{who}.example").headers for who in "ab")
        assert allowed["access-control-allow-origin"] == "https://a.example"
        assert "access-control-allow-origin" not in other
        assert other["vary"] == "Origin"
        assert ask("/index.json", method="OPTIONS", origin="https://a.example").status == 204


def test_other_names_of_this_machine_are_refused(folder):
    with serving(folder) as ask:
        assert ask("/", host="rebound.example:8000").status == 421
        assert ask("/", host="[::1]:8000").status == ask("/", host="localhost:1").status == 200
        assert ask("/", host="127.0.0.1.example").status == ask("/", host="[").status == 421
    with serving(folder, url="https://slides.example/x") as ask:
        assert (
            ask(f"/iiif/3/{ask.id('a.png')}/info.json", host="slides.example")
            .json()["id"]
            .startswith("https://slides.example/x/iiif/3/a-")
        )


def test_a_token_is_asked_for_everywhere_but_for_health_and_assets(folder):
    with serving(folder, token=TOKEN) as ask:
        name = ask.id("a.png")
        for path in ("/", "/index.json", "/metrics", f"/slides/{name}/", f"/slides/{name}/dzi/{name}.dzi", "/nothing",
                     f"/iiif/3/{name}/info.json", "/slides/unknown/"):  # fmt: skip
            assert ask(path).status == ask(path, authorization="Bearer wrong").status == 401
            assert ask(path, authorization=f"Bearer {TOKEN}").status in (200, 404)
        assert ask("/healthz").status == 200
        came = ask(f"/?token={TOKEN}")
        assert (came.status, came.headers["location"]) == (303, "./")
        assert "HttpOnly; SameSite=Lax" in came.headers["set-cookie"]
        assert TOKEN not in came.headers["set-cookie"]
        assert ask("/", cookie=came.headers["set-cookie"].partition(";")[0]).status == 200
        assert ask("/", cookie=f"tileframe={int(time.time()) + 99}.{'0' * 64}").status == 401
        assert (
            "private" in ask(f"/slides/{name}/dzi/{name}.dzi", authorization=f"Bearer {TOKEN}").headers["cache-control"]
        )


def test_a_token_may_have_any_letter(folder):
    token = "schlüssel-für-alle-日本"
    with serving(folder, token=token) as ask:
        sent = token.encode().decode("latin-1")  # as the header's bytes come
        assert ask("/", authorization=f"Bearer {sent}").status == ask("/", authorization=f"bearer {sent}").status == 200
        assert ask("/", authorization=f"Basic {sent}").status == 401
        assert ask(f"/?token={quote(token)}").status == 303


def test_a_signed_link_shows_one_slide_until_it_expires(folder):
    with serving(folder, token=TOKEN) as ask:
        name, other = ask.id("a.png"), ask.id("pyramids/b.dzi")
        made = ask(f"/slides/{name}/link.json?seconds=60", authorization=f"Bearer {TOKEN}").json()
        expires = made["expires"]
        # As docs/serve.md describes it.
        signature = hmac.new(TOKEN.encode(), f"{name}\n{expires}".encode(), "sha256").hexdigest()
        query = f"expires={expires}&signature={signature}"
        assert made["query"] == query
        page = ask(f"/slides/{name}/?{query}")
        assert (page.status, page.headers["location"]) == (303, "./")
        cookie = page.headers["set-cookie"]
        assert f"Path=/slides/{name}/" in cookie
        assert ask(f"/slides/{name}/", cookie=cookie.partition(";")[0]).status == 200
        assert ask(f"/iiif/3/{name}/info.json?{query}").status == 200
        assert ask(f"/slides/{other}/", cookie=cookie.partition(";")[0]).status == 401
        assert ask(f"/slides/{other}/?{query}").status == ask(f"/?{query}").status == 403
        assert ask(f"/slides/{name}/?expires={expires + 1}&signature={signature}").status == 403
        past = int(time.time()) - 1
        ended = hmac.new(TOKEN.encode(), f"{name}\n{past}".encode(), "sha256").hexdigest()
        assert ask(f"/slides/{name}/?expires={past}&signature={ended}").status == 403
        assert ask(f"/slides/{name}/link.json", cookie=cookie.partition(";")[0]).status == 403
        for wrong in ("0", "-1", "1e3", "9" * 30, "000000000001" + "9" * 9):
            assert ask(f"/slides/{name}/link.json?seconds={wrong}", authorization=f"Bearer {TOKEN}").status == 400


def test_names_of_files_are_text_in_every_page(tmp_path):
    png(tmp_path / '<img src=x onerror="alert(1)">.png', gradient(20, 10))
    with serving(tmp_path) as ask:
        for path in ("/", f"/slides/{ask.id()}/"):
            assert b"<img src=x" not in ask(path).body


@pytest.mark.parametrize(
    ("name", "layout"),
    [
        *(("made/sub/a", layout) for layout in ("dzi", "zoomify")),
        *((name, "dzi") for name in ("made", "link", "made/sub/a.dzi")),
        *(pytest.param(name, "zoomify", marks=pytest.mark.thorough) for name in ("made", "link")),
    ],
)
@pytest.mark.parametrize("gone", [True, False])
def test_what_is_said_of_a_pyramid_that_was_lost_names_no_folder(tmp_path, layout, name, gone):
    tileframe.run(png(tmp_path / "a.png", gradient(30, 20)), tmp_path / "made" / "sub" / "a", layout=layout)
    (tmp_path / "link").symlink_to(tmp_path / "made")
    with serving(tmp_path / name) as ask:
        if gone:
            shutil.rmtree(tmp_path / "made")
        else:
            next((tmp_path / "made" / "sub").glob("*.tileframe.json")).write_text("{")
        reply = ask(f"/slides/{ask.id()}/")
        # `a` alone is what all its names begin with, and none of them.
        assert reply.status == (404 if gone and (name, layout) != ("made/sub/a", "dzi") else 500)
        assert str(tmp_path) not in reply.json()["detail"]
        assert not reply.json()["detail"].startswith("/")


@pytest.mark.parametrize(("arguments", "code", "said"), [
    (["memory://nothing/x"], 3, "memory://nothing/x"), (["http://127.0.0.1:9/a.svs"], 3, "http://127.0.0.1:9/a.svs"),
    (["nothing.svs"], 3, "nothing.svs: no such file or folder"), (["nothing.dzi"], 3, "nothing.dzi: no such file"),
    (["."], 3, "no slide and no pyramid is there"),
    (["a.png", "--token", "short"], 2, "a token has 16 characters or more"),
    (["a.png", "--format", "gif"], 2, "no format named 'gif'"), (["a.png", "--tile-size", "x"], 2, "is no number of"),
    (["a.png", "--url", "slides"], 2, "--url is the address"), (["a.png", "--threads", "0"], 2, "must be 1 or more"),
    (["a.png", "--cors", "https://a.org/"], 2, "--cors is"), (["a.png", "--cors", "A.org"], 2, "--cors is"),
    (["a.png", "--url", "http://[::1"], 2, "--url is the address"),
    (["a.png", "--url", "http://x:99999"], 2, "--url is the address"),
    (["a.png", "--url", "http://a b/c"], 2, "--url is the address"),
    (["a.png", "--url", "http://a/?b"], 2, "--url is the address"),
    (["a.png", "--workers", "0"], 2, "must be 1 or more"), (["a.png", "--timeout", "0"], 2, "--timeout is"),
    (["a.png", "--access-log", "a.png"], 4, "is no access log"), (["a.png", "--access-log", "no/a"], 4, "cannot be"),
    (["a.png", "--host", "192.0.2.1", "--port", "0"], 4, "cannot be had"),
], ids=lambda one: quote(str(one))[:40])  # fmt: skip
def test_a_wrong_command_line_is_one_line(tmp_path, monkeypatch, capsys, arguments, code, said):
    monkeypatch.chdir(tmp_path)
    if arguments[0] == "a.png":
        png(tmp_path / "a.png", gradient(20, 10))
    assert run_command(["serve", *arguments]) == code
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
