"""Slides at URLs: the same pyramid as of the file itself, by ranges or from a copy, and nothing secret anywhere."""

from __future__ import annotations

import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.pictures import jpeg, photo, png, svs
from tests.served import Served, serving
from tileframe import Box, Pixels, RemoteSlide, open_slide, run
from tileframe.registry import Registry
from tileframe_start.command import run_command

pytest.importorskip("obstore")
SECRET = "SECRET"
SIGNED = f"?X-Amz-Signature={SECRET}&X-Amz-Expires=60"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    """The folder of copies, and the current folder, are the test's own."""
    monkeypatch.setenv("TILEFRAME_CACHE", f"{tmp_path / 'cache'}")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def slides(tmp_path_factory) -> dict[str, Path]:
    """A slide for each way of reading."""
    folder = tmp_path_factory.mktemp("slides")
    pixels = photo(900, 700)
    striped = folder / "striped.tif"
    tifffile.imwrite(striped, pixels, rowsperstrip=64, compression="deflate")
    return {
        "tiled.svs": svs(folder / "tiled.svs", pixels),
        "striped.tif": striped,
        "rows.png": png(folder / "rows.png", pixels),
        "held.bmp": bmp(folder / "held.bmp", pixels),
        "rows.jpg": jpeg(folder / "rows.jpg", pixels),
    }


@pytest.fixture
def served(slides):
    with serving({f"/{name}": path.read_bytes() for name, path in slides.items()}) as found:
        yield found


def contents(folder: str) -> dict[str, bytes]:
    """All files of a folder."""
    files = (path for path in Path(folder).rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def bmp(path: Path, pixels: Pixels) -> Path:
    Image.fromarray(pixels).save(path)
    return path


WAYS = {
    "by ranges": ("tiled.svs", []),
    "strips": ("striped.tif", []),
    "a copy for libvips": ("rows.png", []),
    "a copy for Pillow": ("held.bmp", []),
    "a copy for OpenSlide": ("tiled.svs", ["--reader", "openslide"]),
    "libvips itself": ("rows.jpg", ["--backend", "vips"]),
    "processes": ("tiled.svs", ["--executor", "processes"]),
    "isolated": ("tiled.svs", ["--isolate"]),
    "tiles as they are": ("tiled.svs", ["--passthrough"]),
}


@pytest.mark.parametrize(
    "way", [pytest.param(way, marks=pytest.mark.thorough) if way == "isolated" else way for way in WAYS]
)
def test_the_pyramid_is_that_of_the_file(way, slides, served, capsys):
    name, options = WAYS[way]
    assert run_command(["run", f"{served.url}/{name}{SIGNED}", "-o", "remote/a", *options, "--workers", "2"]) == 0
    here = [] if way in ("processes", "isolated") else options  # which others compare, and are slow to start
    assert run_command(["run", f"{slides[name]}", "-o", "local/a", *here, "--workers", "2", "-q"]) == 0
    remote, local = contents("remote"), contents("local")
    manifests = [json.loads(files.pop("a.tileframe.json")) for files in (remote, local)]
    assert remote == local
    assert manifests[0]["plan"] == manifests[1]["plan"], "its fingerprint, too"
    # What is read by ranges is never copied.
    assert Path("cache").exists() == (way.startswith(("a copy", "libvips")))
    assert ("downloading all" in capsys.readouterr().err) == Path("cache").exists()


@pytest.mark.parametrize("options", [["--executor", "processes"], ["--isolate"]], ids=" ".join)
def test_workers_use_one_copy(options, slides, served):
    length = slides["tiled.svs"].stat().st_size
    command = ["run", f"{served.url}/tiled.svs", "--reader", "openslide", "-o", "a", "--workers", "2", "-q", *options]
    assert run_command(command) == 0
    # The copy, and fingerprints, which of a small file are all of it: before, at the end, and by each worker.
    assert served.sent <= (5 if "processes" in options else 3) * (length + (1 << 14))
    assert len(list(Path("cache").glob("*/*.svs"))) == 1


def test_a_pyramid_is_checked_against_a_url(served, capsys):
    run(f"{served.url}/tiled.svs", "a")
    assert run_command(["verify", "a.dzi", "--against", f"{served.url}/tiled.svs{SIGNED}"]) == 0
    assert run_command(["verify", "a.dzi", "--against", f"{served.url}/striped.tif"]) == 5
    assert run_command(["verify", "a.dzi", "--against", f"{served.url}/none.svs"]) == 3
    assert "/none.svs: no such file (404)" in capsys.readouterr().err


def test_info_reads_little_of_a_large_file(tmp_path, capsys):
    path = tmp_path / "large.tif"
    tifffile.imwrite(path, np.zeros((4096, 4096, 3), np.uint8), tile=(256, 256))
    with serving({"/large.tif": path.read_bytes()}) as served:
        assert run_command(["info", f"{served.url}/large.tif"]) == 0
        assert "4096x4096" in capsys.readouterr().out
        assert served.sent < path.stat().st_size / 100
        assert len(served.requests) <= 3


def test_open_slide_takes_a_url_and_says_what_was_asked_for(slides, served, registry: Registry):
    slide = registry.slide(f"{served.url}/tiled.svs")
    assert isinstance(slide, RemoteSlide)
    box = Box(300, 200, 500, 400)
    with open_slide(slide) as remote, open_slide(slides["tiled.svs"]) as local:
        with ThreadPoolExecutor(4) as pool:  # of one small file, whatever threads ask for
            for pixels in pool.map(remote.read, [box] * 8):
                assert np.array_equal(pixels, local.read(box))
        assert np.array_equal(remote.associated("thumbnail"), local.associated("thumbnail"))
    assert slide.requests == len(served.requests) < 6  # type: ignore[attr-defined]
    assert slide.received == served.sent  # type: ignore[attr-defined]


def test_the_pyramid_is_called_as_the_slide(served):
    assert run_command(["run", f"{served.url}/tiled.svs{SIGNED}", "-q"]) == 0
    assert Path("tiled.dzi").is_file()
    assert json.loads(Path("tiled.tileframe.json").read_text())["plan"]["source"]["name"] == "tiled.svs"


def test_a_name_in_a_url_may_be_escaped(slides, registry):
    with serving({"/a b/ü+(1)%.svs": slides["tiled.svs"].read_bytes()}) as served:
        run(f"{served.url}/a%20b/%C3%BC+(1)%25.svs", "o/", registry=registry)
    assert Path("o/ü+(1)%.dzi").is_file()


@pytest.mark.parametrize("name", ["tiled.svs", "rows.png"])
def test_nothing_secret_is_shown_or_written(name, served, capsys, monkeypatch):
    url = f"{served.url.replace('//', f'//user:{SECRET}@')}/{name}{SIGNED}#{SECRET}"
    monkeypatch.setenv("TILEFRAME_TRACEBACK", "1")
    assert run_command(["run", url, "-o", "a", "--report", "report.json", "--viewer", "-v"]) == 0
    assert run_command(["run", url, "-o", "a"]) == 4
    assert run_command(["run", url, "-o", "b", "--dry-run", "--json"]) == 0
    assert run_command(["info", url]) == 0
    assert run_command(["run", url, url.replace(name, "none.svs"), "-o", "many/", "--json"]) == 3
    served.status = 403
    assert run_command(["run", url, "-o", "c"]) == 3
    shown = capsys.readouterr()
    assert f"{served.url}/{name}: may not be read (403)" in shown.err
    assert SECRET not in shown.out + shown.err
    written = [path for path in Path().rglob("*") if path.is_file()]
    assert len(written) > 10
    assert not [path for path in written if SECRET.encode() in path.read_bytes() or SECRET in path.name]


def test_several_slides_may_be_urls(slides, served, capsys):
    urls = [f"{served.url}/tiled.svs{SIGNED}", f"{served.url}/none.svs", f"{served.url}/rows.png?a=*"]
    assert run_command(["run", *urls, f"{slides['rows.jpg']}", "-o", "out/"]) == 3
    shown = capsys.readouterr()
    assert f"{served.url}/none.svs: no such file (404)" in shown.err
    assert "4 slides: 3 made, 0 up to date, 1 failed" in shown.out
    assert {path.name for path in Path("out").glob("*.dzi")} == {"tiled.dzi", "rows.png.dzi", "rows.jpg.dzi"}
    assert f"{served.url}/rows.png: downloading all" in shown.err
    assert run_command(["run", *urls, f"{slides['rows.jpg']}", "-o", "out/"]) == 3
    shown = capsys.readouterr()
    assert "0 made, 3 up to date, 1 failed" in shown.out
    assert "downloading" not in shown.err, "the copy is there"


STORES = {
    "s3": {"AWS_ENDPOINT_URL": "URL", "AWS_ALLOW_HTTP": "true", "AWS_SKIP_SIGNATURE": "true"},
    "az": {"AZURE_ENDPOINT": "URL", "AZURE_STORAGE_ACCOUNT_NAME": "me", "AZURE_SKIP_SIGNATURE": "true"},
    "gs": {"GOOGLE_BASE_URL": "URL", "GOOGLE_SKIP_SIGNATURE": "true"},
}


@pytest.mark.parametrize("scheme", STORES)
def test_an_object_store_is_read_as_a_web_server(scheme, slides, monkeypatch, registry):
    with serving({"/bucket/a b/c#1.svs": slides["tiled.svs"].read_bytes()}) as served:
        for name, value in STORES[scheme].items():
            monkeypatch.setenv(name, value.replace("URL", served.url))
        served.modified = "Sat, 28 Nov 2026 10:00:00 GMT"
        url, box = f"{scheme}://bucket/a b/c#1.svs", Box(0, 0, 900, 700)
        with open_slide(url, registry=registry) as remote, open_slide(slides["tiled.svs"]) as local:
            assert np.array_equal(remote.read(box), local.read(box))
        assert run_command(["info", f"{scheme}://bucket/a b/none.svs"]) == 3


def test_a_slide_can_be_sent_to_another_process(served: Served, registry: Registry):
    slide = registry.slide(f"{served.url}/tiled.svs{SIGNED}")
    assert isinstance(slide, RemoteSlide)
    state = slide.state()
    copy = pickle.loads(pickle.dumps(slide))
    assert (f"{copy}", copy.name, copy.state()) == (f"{slide}", slide.name, state)
    assert SECRET not in repr(copy)
