"""`tileframe view`, `tileframe run --viewer`, and the server for one's own browser."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.request
import webbrowser
from pathlib import Path

import pytest

import tileframe
from tests.pictures import gradient, photo, png
from tests.test_viewer import record
from tileframe_serve import running
from tileframe_serve.view import SCREENS
from tileframe_start.command import run_command


@pytest.fixture(autouse=True)
def opened(monkeypatch):
    """What a browser would have been asked to open."""
    urls: list[str] = []

    def take(url: str) -> bool:
        urls.append(url)
        return True

    monkeypatch.setattr(webbrowser, "open", take)
    monkeypatch.setenv("BROWSER", "one")
    return urls


@pytest.fixture
def target(tmp_path):
    return made(tmp_path / "a.dzi", quality=90)


def made(target: Path, *, quality: int) -> Path:
    target.parent.mkdir(exist_ok=True)
    tileframe.run(png(target.with_suffix(".png"), photo(600, 400)), target, quality=quality)
    return target


def test_view_writes_the_page_and_opens_it(target, opened, capsys):
    assert run_command(["view", str(target)]) == 0
    page = target.with_suffix(".html")
    assert capsys.readouterr().out == f"{page}\n"
    assert opened == [page.as_uri()]


def test_no_open_only_prints_the_path(target, opened, capsys):
    assert run_command(["view", str(target), "--no-open"]) == 0
    assert capsys.readouterr().out == f"{target.with_suffix('.html')}\n"
    assert opened == []


def test_where_no_browser_opens_the_address_is_told(target, monkeypatch, capsys):
    monkeypatch.setattr(webbrowser, "open", lambda url: False)
    assert run_command(["view", str(target)]) == 0
    assert target.with_suffix(".html").as_uri() in capsys.readouterr().err


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="there is always a screen")
def test_where_there_is_no_screen_no_browser_is_asked(target, opened, monkeypatch):
    for name in SCREENS:
        monkeypatch.delenv(name, raising=False)
    assert run_command(["view", str(target)]) == 0
    assert opened == []


def test_run_writes_the_page_too(tmp_path, capsys):
    slide = png(tmp_path / "a.png", gradient(300, 200))
    assert run_command(["run", str(slide), "-o", str(tmp_path / "a"), "--viewer"]) == 0
    assert (tmp_path / "a.html").is_file()
    assert f"page     {tmp_path / 'a.html'}" in capsys.readouterr().out


def test_viewer_takes_a_name_and_lists_the_known(tmp_path, capsys):
    slide = png(tmp_path / "a.png", gradient(300, 200))
    assert run_command(["run", str(slide), "-o", str(tmp_path / "a"), "--viewer=page"]) == 0
    assert run_command(["run", str(slide), "-o", str(tmp_path / "b"), "--viewer=film"]) == 2
    assert "no viewer named 'film' (have: page)" in capsys.readouterr().err
    assert not (tmp_path / "b.dzi").exists()


def test_view_takes_a_viewer_by_name_and_lists_the_known(target, capsys):
    assert run_command(["view", str(target), "--viewer", "page"]) == 0
    assert run_command(["view", str(target), "--viewer", "film"]) == 2
    assert capsys.readouterr().err == "tileframe: no viewer named 'film' (have: page)\n"


def test_a_page_of_tiles_that_no_browser_shows_is_refused(install, tmp_path, capsys):
    install("working", only="tiny,layouts,serve,stores,stream,viewer,vips")
    slide, target = png(tmp_path / "a.png", gradient(30, 20)), tmp_path / "a.dzi"
    how = ["run", str(slide), "-o", str(target), "--format", "tiny", "--quiet"]
    said = "shows the tile format tiny (it may be: avif, bmp, gif, jpeg, jxl, png, webp)\n"
    assert run_command([*how, "--viewer"]) == 2
    assert capsys.readouterr().err == f"tileframe: no viewer {said}"
    assert not target.exists()
    assert run_command(how) == 0
    assert run_command(["view", str(target), "--viewer=page"]) == 2
    assert capsys.readouterr().err == f"tileframe: no viewer page {said}"
    assert not target.with_suffix(".html").exists()


def test_run_refuses_before_the_work_to_replace_what_is_not_ours(tmp_path, capsys):
    slide = png(tmp_path / "a.png", gradient(300, 200))
    (tmp_path / "a.html").write_text("mine")
    assert run_command(["run", str(slide), "-o", str(tmp_path / "a"), "--viewer"]) == 4
    assert "a.html: exists already and is no page of a pyramid" in capsys.readouterr().err
    assert not (tmp_path / "a.dzi").exists()


def test_two_pyramids_make_one_page_with_their_figures(tmp_path, target, capsys):
    other = made(tmp_path / "other" / "b.dzi", quality=20)
    assert run_command(["view", str(target), str(other), "--no-open"]) == 0
    page = tmp_path / "a-and-b.html"
    assert capsys.readouterr().out == f"{page}\n"
    told = record(page)
    assert [one["tilesUrl"] for one in told["pyramids"]] == ["a_files/", "other/b_files/"]
    expected = tileframe.compare(tileframe.open_pyramid(target), tileframe.open_pyramid(other))
    assert told["comparison"]["strength"] == "layout"
    assert [level["psnr"] for level in told["comparison"]["levels"]] == [level.psnr for level in expected.levels]
    worst = told["comparison"]["levels"][-1]["worst"]
    assert f"{worst['level']}/{worst['col']}_{worst['row']}" == expected.levels[-1].worst


def test_of_an_archive_the_page_is_beside_it_and_a_server_is_named(tmp_path, opened, capsys):
    archive = made(tmp_path / "a.szi", quality=90)
    assert run_command(["view", str(archive)]) == 0
    said = capsys.readouterr()
    assert said.out == f"{tmp_path / 'a.html'}\n"
    assert said.err == "tileframe: a browser reads a.szi only from a server; --serve is one\n"
    assert opened == [], "a browser would show nothing"
    (told,) = record(tmp_path / "a.html")["pyramids"]
    assert told["archive"] == {"url": "a.szi", "name": "a.szi", "folder": "a/a_files/"}
    assert told["tilesUrl"] is None


@pytest.mark.parametrize("layout", ["google", "iiif3", "zoomify"])
def test_a_folder_without_a_descriptor_beside_it_is_viewed_by_its_name(tmp_path, layout):
    tileframe.run(png(tmp_path / "a.png", photo(600, 400)), tmp_path / "a", layout=layout)
    assert run_command(["view", str(tmp_path / "a"), "--no-open"]) == 0
    (told,) = record(tmp_path / "a.html")["pyramids"]
    assert (told["layout"], told["tilesUrl"], told["format"]) == (layout, "a/", "jpg")
    assert told["minLevel"] > 0


def test_two_layouts_make_one_page(tmp_path, target):
    other = tmp_path / "b"
    tileframe.run(tmp_path / "a.png", other, layout="zoomify", tile_size=254)
    assert run_command(["view", str(target), str(other), "--no-open"]) == 0
    told = record(tmp_path / "a-and-b.html")
    assert [one["layout"] for one in told["pyramids"]] == ["dzi", "zoomify"]
    assert any("zoomify" in sentence for sentence in told["comparison"]["sentences"])


def test_no_figures_compares_nothing(tmp_path, target):
    other = made(tmp_path / "b.dzi", quality=20)
    assert run_command(["view", str(target), str(other), "--no-open", "--no-figures"]) == 0
    assert record(tmp_path / "a-and-b.html")["comparison"] is None


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["no.dzi"], 3, "no.dzi: no such file"),
        (["a.png"], 3, "a.png: no pyramid, for the descriptor is not"),
        (["a.dzi", "no.dzi"], 3, "no.dzi: no such file"),
        (["a.dzi", "--port", "80"], 2, "--port goes with --serve"),
        (["a.dzi", "--serve", "--port", "70000"], 2, "from 0 to 65535, not 70000"),
        (["a.dzi", "--workers", "0"], 2, "the number of workers must be 1 or more, not 0"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_is_wrong_is_one_line(tmp_path, target, monkeypatch, capsys, arguments, code, message):
    monkeypatch.chdir(tmp_path)
    assert run_command(["view", *arguments]) == code
    error = capsys.readouterr().err
    assert message in error
    assert len(error.splitlines()) == 1


WITHOUT_THE_EXTRA = "import sys; sys.modules.update(httptools=None, uvloop=None); import tileframe_start as t; t.main()"
"""As `pip install tileframe` installs it, without what only makes the server faster."""


@pytest.mark.parametrize("viewer", [pytest.param("page", marks=pytest.mark.thorough), "breaking"])
def test_serve_serves_any_viewers_page_until_it_is_interrupted_whatever_is_under_way_and_needs_no_extra(
    viewer, tmp_path, target
):
    stranger = Path(__file__).parent / "plugins" / "breaking"
    started = subprocess.Popen(
        [sys.executable, "-c", WITHOUT_THE_EXTRA, "view", str(target), "--serve", "--no-open", "--viewer", viewer],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": f"{stranger}"},
    )
    with started:
        assert started.stdout is not None
        url = started.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/a\.html", url)
        with urllib.request.urlopen(url) as answer:
            assert answer.read() == target.with_suffix(".html").read_bytes()
        (tmp_path / "large.szi").write_bytes(bytes(30_000_000))
        under_way = urllib.request.urlopen(url.replace("a.html", "large.szi"))
        started.send_signal(signal.SIGINT)
        assert started.wait(20) == 0
        under_way.close()
        assert started.stderr is not None
        assert "Traceback" not in started.stderr.read()


@pytest.mark.skipif(sys.platform == "win32", reason="no file has such a name there")
def test_a_name_that_is_not_served_is_told_before_the_server_begins(tmp_path, capsys):
    target = made(tmp_path / "a\\b.dzi", quality=90)
    assert run_command(["view", str(target), "--serve", "--no-open"]) == 2
    assert "has a backslash or a control character in its name" in capsys.readouterr().err


def test_a_taken_port_is_told(target, capsys):
    with running.listen("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        assert run_command(["view", str(target), "--serve", "--port", str(port)]) == 4
    assert f"port {port} of 127.0.0.1 cannot be had" in capsys.readouterr().err
