"""Pyramids in object stores, from the command line and from Python: the same files as in a folder."""

from __future__ import annotations

import io
import socket
import subprocess
import sys
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.buckets import BUCKET, client, environment, everything, in_memory, place, uploads, without_vendors
from tests.pictures import gradient, photo, png, svs
from tests.running import served
from tileframe import Location, OptionError, OutputError, compare, open_pyramid, run, verify
from tileframe_serve import running
from tileframe_start.command import run_command

OPTIONS: dict[str, Any] = {"tile_size": 64, "overlap": 0}


@pytest.fixture(scope="module")
def server(moto: str) -> str:
    return moto


@pytest.fixture
def s3(server, monkeypatch) -> str:
    without_vendors(monkeypatch)
    for name, value in environment(server).items():
        monkeypatch.setenv(name, value)
    return str(server)


@pytest.fixture
def slide(tmp_path):
    return svs(tmp_path / "slide.svs", photo(500, 400))


def objects(folder: str) -> dict[str, bytes]:
    """What is in memory below a folder."""
    import obstore

    store, start = in_memory(Location("memory", folder, "")), folder.partition("/")[2]
    paths = [one["path"] for some in obstore.list(store, start) for one in some]
    return {path[len(start) + 1 :]: bytes(obstore.get(store, path).bytes()) for path in paths}


def plant(folder: str, key: str) -> None:
    import obstore

    obstore.put(in_memory(Location("memory", folder, "")), f"{folder.partition('/')[2]}/{key}", b"a stranger's")


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "layout", ["dzi", *(pytest.param(name, marks=pytest.mark.thorough) for name in ("zoomify", "google")), "iiif3"]
)
def test_every_layout_is_the_same_in_a_bucket_as_in_a_folder(layout, slide, tmp_path):
    options = {**OPTIONS, "layout": layout}
    run(slide, tmp_path / "local" / "slide", **options)
    run(slide, f"memory://{place(tmp_path)}/slide", **options)
    found, wanted = objects(place(tmp_path)), files(tmp_path / "local")
    assert found.keys() == wanted.keys()
    assert [key for key in found if found[key] != wanted[key]] == ["slide.tileframe.json"]
    assert verify(f"memory://{place(tmp_path)}/slide") == []


@pytest.mark.parametrize("backend", ["vips", pytest.param("openslide", marks=pytest.mark.thorough)])
def test_every_backend_puts_the_same_objects(backend, slide, tmp_path):
    for name in ("stream", backend):
        run(slide, f"memory://{place(tmp_path)}/{name}", backend=name, **OPTIONS)
    with (
        open_pyramid(f"memory://{place(tmp_path)}/stream") as one,
        open_pyramid(f"memory://{place(tmp_path)}/{backend}") as other,
    ):
        assert compare(one, other).layout == ()


@pytest.mark.parametrize("container", ["szi", "zip"])
def test_an_archive_has_the_members_and_bytes_of_one_on_a_disk(container, slide, tmp_path):
    output = f"memory://{place(tmp_path)}/slide.{container}"
    run(slide, tmp_path / f"slide.{container}", workers=1, **OPTIONS)
    run(slide, output, workers=1, **OPTIONS)
    ours = zipfile.ZipFile(io.BytesIO(objects(place(tmp_path))[f"slide.{container}"]))
    theirs = zipfile.ZipFile(tmp_path / f"slide.{container}")
    assert ours.namelist() == theirs.namelist()
    assert [name for name in ours.namelist() if ours.read(name) != theirs.read(name)] == ["slide/slide.tileframe.json"]
    assert verify(output) == []


def test_workers_in_other_processes_put_into_the_bucket_themselves(s3, slide, tmp_path):
    output, options = f"s3://{place(tmp_path)}/slide", {**OPTIONS, "tile_size": 100}
    run(slide, output, executor="processes", workers=2, **options)
    run(slide, tmp_path / "local" / "slide", **options)
    found, wanted = everything(s3, f"{place(tmp_path).partition('/')[2]}/"), files(tmp_path / "local")
    assert [key for key in wanted if found[key] != wanted[key]] == ["slide.tileframe.json"]
    assert found.keys() == wanted.keys()
    # Over another one the workers' tiles go through the run, which knows what is new.
    run(slide, output, executor="processes", workers=2, overwrite=True, region=(0, 0, 300, 200), **options)
    assert verify(f"{output}.dzi") == []
    assert uploads(s3) == []


def test_headers_are_as_the_options_say(s3, slide, tmp_path):
    options = {"cache_control": "public, max-age=31536000", "descriptor_cache_control": "no-cache"}
    run(slide, f"s3://{place(tmp_path)}/slide", store_options=options, tile_size=256)
    folder = place(tmp_path).partition("/")[2]

    def head(key: str) -> tuple[str, str]:
        found = client(s3).head_object(Bucket=BUCKET, Key=f"{folder}/{key}")
        return found["ContentType"], found["CacheControl"]

    assert head("slide_files/0/0_0.jpeg") == ("image/jpeg", "public, max-age=31536000")
    assert head("slide.dzi") == ("application/xml", "no-cache")
    assert head("slide.tileframe.json") == ("application/json", "no-cache")


def test_what_is_there_is_refused_or_replaced_and_strangers_stay(slide, tmp_path):
    folder = place(tmp_path)
    output = f"memory://{folder}/slide"
    run(slide, output, **OPTIONS)
    before = objects(folder)
    with pytest.raises(OutputError, match=r"slide\.dzi: exists; give --overwrite to replace the pyramid"):
        run(slide, output, **OPTIONS)
    plant(folder, "slide_files/mine.txt")
    with pytest.raises(OutputError, match=r"slide_files: holds 'mine\.txt', and is not overwritten; move that away"):
        run(slide, output, overwrite=True, **OPTIONS)
    assert objects(folder) == {**before, "slide_files/mine.txt": b"a stranger's"}
    import obstore

    obstore.delete(in_memory(Location("memory", folder, "")), f"{folder.partition('/')[2]}/slide_files/mine.txt")
    plant(folder, "slide2_files/mine.txt")
    run(slide, output, overwrite=True, region=(0, 0, 100, 100), **OPTIONS)
    assert verify(f"{output}.dzi") == []
    assert objects(folder)["slide2_files/mine.txt"] == b"a stranger's"
    assert len(objects(folder)) < len(before)


@pytest.mark.parametrize("resume", [None, False, True])
@pytest.mark.parametrize("name", ["slide", "slide.szi"])
def test_a_strangers_object_where_a_run_keeps_its_notes_stays(name, resume, slide, tmp_path):
    folder = place(tmp_path)
    plant(folder, f".{name}.partial/mine.txt")
    with pytest.raises(OutputError, match=r"\.partial: is no folder of a run, it holds 'mine\.txt'; move it away"):
        run(slide, f"memory://{folder}/{name}", resume=resume, **OPTIONS)
    assert objects(folder) == {f".{name}.partial/mine.txt": b"a stranger's"}


@pytest.mark.parametrize(
    "address",
    ["localhost:9000", "nonsense", "http://", "http://host:99999", "http://h ost", "http://[::1", "http://é:9"],
)
def test_an_endpoint_that_is_no_address_is_one_line(address, slide, monkeypatch, capfd):
    without_vendors(monkeypatch)
    for name, value in environment(address).items():
        monkeypatch.setenv(name, value)
    for command in (["run", f"{slide}", "-o", "s3://bucket/x"], ["verify", "s3://bucket/x.dzi"]):
        assert run_command(command) == 2
        right = "give http://HOST:PORT or https://HOST"
        assert capfd.readouterr().err == f"tileframe: AWS_ENDPOINT_URL: is no address of a server; {right}\n"


def test_a_slide_that_cannot_be_read_costs_no_old_pyramid(slide, tmp_path):
    output = f"memory://{place(tmp_path)}/slide"
    run(slide, output, **OPTIONS)
    before = objects(place(tmp_path))
    broken = tmp_path / "broken.png"
    broken.write_bytes(png(tmp_path / "whole.png", gradient(900, 700)).read_bytes()[:3000])
    assert run_command(["run", f"{broken}", "-o", output, "--overwrite", "-q"]) == 3
    assert objects(place(tmp_path)) == before


@pytest.mark.parametrize(
    "output",
    ["s3://AKIAKEY:secret@bucket/x.dzi", "s3://bucket/x.dzi?X-Amz-Signature=secret", "az://c/x?sv=1&sig=secret"],
)
def test_an_address_with_a_secret_is_refused_without_a_word_of_it(output, slide, capsys):
    slides = (["info", output], ["run", output, "-o", "out/"])
    for command in (["run", f"{slide}", "-o", output], ["verify", output], ["view", output], *slides):
        assert run_command(command) == 2
        said = capsys.readouterr().err
        assert "has a user, a password or a signature in it" in said
        assert "secret" not in said
        assert "AKIA" not in said


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ("s3://x", "s3://x: names a bucket or a pyramid, and not both; give s3://BUCKET/FOLDER/NAME"),
        ("s3://bucket/../x.dzi", "a folder in a bucket has no empty, '.' or '..' part"),
        ("s3://bucket//x.dzi", "a folder in a bucket has no empty, '.' or '..' part"),
    ],
)
def test_a_place_that_cannot_be_is_refused(output, said, slide, capsys):
    assert run_command(["run", f"{slide}", "-o", output]) == 2
    assert said in capsys.readouterr().err


def test_a_profile_of_the_vendors_own_tools_is_read(s3, slide, tmp_path, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    credentials = tmp_path / "credentials"
    credentials.write_text("[archive]\naws_access_key_id = AKIAOFTHEFILE\naws_secret_access_key = ofthefile\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", f"{credentials}")
    monkeypatch.setenv("AWS_PROFILE", "archive")
    run(slide, f"s3://{place(tmp_path)}/slide.szi", **OPTIONS)
    record = everything(s3, place(tmp_path).partition("/")[2])["/slide.szi"]
    assert b"AKIA" not in record
    monkeypatch.setenv("AWS_PROFILE", "none")
    with pytest.raises(OptionError, match="AWS_PROFILE: names a profile without credentials that can be used"):
        run(slide, f"s3://{place(tmp_path)}/other", **OPTIONS)


def test_without_the_extra_it_is_said_what_to_install(slide):
    commands = (["run", f"{slide}", "-o", "s3://bucket/x.dzi"], ["info", "gs://bucket/x.dzi"])
    code = "import sys; sys.modules['obstore'] = None; from tileframe_start import command; "
    code += f"print([command.run_command(words) for words in {commands}])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[6, 6]\n"
    lines = done.stderr.splitlines()
    assert len(lines) == 2
    for line in lines:
        assert line.endswith("needs obstore, which is not installed: pip install 'tileframe[objects]'")


def test_view_serves_a_pyramid_that_is_in_a_bucket(slide, tmp_path, capsys, monkeypatch):
    loose, archive = f"memory://{place(tmp_path)}/slide.dzi", f"memory://{place(tmp_path)}/slide.szi"
    for output in (loose, archive):
        run(slide, output, **OPTIONS)
    assert run_command(["view", loose]) == 2
    assert "a browser does not read it there; --serve is a way" in capsys.readouterr().err
    seen: dict[str, bytes] = {}

    def serve(application: Any, listening: socket.socket, *, grace: int) -> None:
        with served(application, listening) as origin:
            for number in (0, 1):
                for key in ("slide.dzi", "slide_files/0/0_0.jpeg", "slide_files/9/none.jpeg"):
                    with suppress(HTTPError), urlopen(f"{origin}/{number}/{key}", timeout=20) as answer:
                        seen[f"{number}/{key}"] = answer.read()

    monkeypatch.setattr(running, "serve", serve)
    assert run_command(["view", loose, archive, "--serve", "--no-open", "--no-figures"]) == 0
    wanted = objects(place(tmp_path))
    assert seen == {
        f"{number}/{key}": wanted[key] for number in (0, 1) for key in ("slide.dzi", "slide_files/0/0_0.jpeg")
    }
