"""Servers that fail: one line, the exit code of the input, nothing half-made; or the same pyramid after all."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path

import pytest

from tests.pictures import photo, png, svs
from tests.served import Served, serving
from tileframe import Equality, InputError, compare, open_pyramid, run
from tileframe_start.command import run_command

pytest.importorskip("obstore")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> Path:
    """The folder of copies, and the current folder, are the test's own; nobody waits long."""
    from tileframe_remote import access

    monkeypatch.setenv("TILEFRAME_CACHE", f"{tmp_path / 'cache'}")
    monkeypatch.chdir(tmp_path)
    backoff = {"init_backoff": timedelta(milliseconds=1), "max_backoff": timedelta(milliseconds=2), "base": 2}
    monkeypatch.setitem(access.RETRY, "backoff", backoff)
    return tmp_path


@pytest.fixture(scope="module")
def slide(tmp_path_factory) -> Path:
    return svs(tmp_path_factory.mktemp("slides") / "a.svs", photo(700, 600))


@pytest.fixture
def served(slide):
    with serving({"/a.svs": slide.read_bytes()}) as found:
        yield found


def failed(served: Served, capsys, *options: str, path: str = "/a.svs") -> str:
    """What is said of a slide that cannot be read: in one line, with exit code 3, and nothing left."""
    assert run_command(["run", f"{served.url}{path}?sig=SECRET", "-o", "out/a", *options]) == 3
    *told, line = capsys.readouterr().err.splitlines()
    assert all("downloading all" in other for other in told)
    assert not [path for path in Path().rglob("*") if path.is_file() and path.parts[0] != "cache"]
    assert not [path for path in Path("cache").rglob("*") if path.suffix not in (".lock", ".svs") and path.is_file()]
    about = f"tileframe: {served.url}{path}: "
    assert line.startswith(about)
    assert "SECRET" not in line
    return line.removeprefix(about)


def same(served: Served, slide: Path, *options: str) -> bool:
    """Whether the slide's pyramid is that of the file, after all."""
    assert run_command(["run", f"{served.url}/a.svs", "-o", "out/a", *options]) == 0
    run(slide, "out/b")
    with open_pyramid("out/a.dzi") as remote, open_pyramid("out/b.dzi") as local:
        assert remote.manifest is not None
        assert local.manifest is not None
        assert remote.manifest.plan.source.fingerprint == local.manifest.plan.source.fingerprint
        return compare(remote, local).strength is Equality.PIXELS


STATUSES = {
    401: "may not be read without credentials (401)",
    403: "may not be read (403): the signature has expired, or the credentials do not suffice",
    404: "no such file (404)",
    410: "the server answers 410 Gone",
    500: "the server answers 500 Internal Server Error",
    503: "the server answers 503 Service Unavailable",
}


@pytest.mark.parametrize("status", STATUSES)
def test_an_answer_that_is_none_is_named(status, served, capsys):
    served.status = status
    assert failed(served, capsys) == STATUSES[status]
    # What may pass is tried again; what will not is not.
    assert len(served.requests) == (5 if status >= 500 else 1)


def test_a_server_that_says_of_everything_that_it_is_no_part_is_named(served, capsys):
    served.status = 416
    assert failed(served, capsys) == "the server gives neither parts of it nor all of it"


def test_what_passes_is_no_fault(served, slide):
    served.failing, served.dropping, served.cutting = 2, 2, 2
    assert same(served, slide)


def test_a_redirection_is_followed(served, slide, capsys):
    served.moved = {"/b.svs": f"{served.url}/a.svs"}
    run(f"{served.url}/b.svs", "out/b")
    served.moved = {"/a.svs": "/a.svs"}
    assert run_command(["run", f"{served.url}/a.svs", "-o", "out/c"]) == 3
    assert capsys.readouterr().err == f"tileframe: {served.url}/a.svs: the server redirects in a circle\n"


def test_a_server_without_ranges_gives_a_copy(served, slide, capsys):
    served.ranges = False
    assert same(served, slide)
    said = capsys.readouterr().err
    assert said.startswith(f"tileframe: {served.url}/a.svs: downloading all ")
    assert "for its server gives no parts of it, to " in said


def test_an_answer_without_a_length_that_breaks_off_is_begun_anew(served, slide):
    served.ranges, served.cutting, served.etag = False, 3, None
    assert same(served, slide)


@pytest.mark.parametrize("ranges", [True, False])
def test_answers_that_always_break_off_are_an_error(ranges, served, capsys):
    served.ranges, served.cutting, served.etag = ranges, 1000, None
    assert failed(served, capsys) == "the answer of the server broke off"


@pytest.mark.parametrize("options", [[], ["--reader", "openslide"]], ids=" ".join)
def test_a_length_that_is_not_true_is_an_error(options, served, capsys):
    served.longer = 100_000
    assert "the server gives " in failed(served, capsys, *options)


def test_parts_that_begin_elsewhere_are_an_error(served, capsys):
    served.shift = 1
    assert "not " in failed(served, capsys)


def test_a_length_that_is_not_said_is_an_error(served, capsys):
    served.ranges, served.mute = False, True
    assert failed(served, capsys) == "the server does not say how long it is; download it by other means"


def test_more_than_was_asked_for_is_an_error(served, capsys):
    served.padding = 20_000_000
    assert failed(served, capsys) == "the server gives more than it was asked for"


@pytest.mark.parametrize("options", [[], ["--reader", "openslide"]], ids=" ".join)
@pytest.mark.parametrize("after", [1, *(pytest.param(after, marks=pytest.mark.thorough) for after in (2, 3)), 4])
def test_a_slide_that_is_replaced_meanwhile_is_seen(after, options, served, capsys):
    served.changes_after = after
    assert failed(served, capsys, *options).startswith("was changed while it was read; run again")


def test_a_slide_that_is_replaced_without_a_version_is_seen(served, slide, capsys):
    served.etag = None
    content = served.files["/a.svs"]

    def replace(tiles: int, pixels: int) -> None:
        served.files["/a.svs"] = content[:-1] + bytes([content[-1] ^ 1])

    with pytest.raises(InputError, match="was changed while it was read; run again"):
        run(f"{served.url}/a.svs", "out/a", progress=replace)
    assert not list(Path("out").rglob("*.dzi"))


def test_a_run_does_not_go_on_with_another_version(served, capsys, monkeypatch):
    monkeypatch.setattr("tileframe.journal.WORTH", 0.0)

    def stop(tiles: int, pixels: int) -> None:
        if tiles > 10:
            raise InputError("enough")

    with pytest.raises(InputError, match="enough") as stopped:
        run(f"{served.url}/a.svs", "out/a", progress=stop, tile_size=64, workers=1)
    assert "give --resume to go on" in "".join(stopped.value.__notes__)
    served.etag = '"two"'
    again = ["run", f"{served.url}/a.svs", "-o", "out/a", "--tile-size", "64", "--resume"]
    assert run_command(again) == 4
    assert "version of the slide was" in capsys.readouterr().err
    served.etag = '"one"'
    assert run_command(again) == 0


def test_a_server_that_does_not_answer_is_not_waited_for_for_ever(served, capsys, monkeypatch):
    from tileframe_remote import access

    monkeypatch.setitem(access.CLIENT, "read_timeout", "0.05s")
    served.delay = 0.3
    assert failed(served, capsys) == "the server does not answer in time"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:1/a.svs", "the server is not reached (Connection refused)"),
        ("https://127.0.0.1:PORT/a.svs", "the server speaks no TLS that can be used"),
        ("http://127.0.0.1:99999/a.svs", "is no URL (Port out of range 0-65535)"),
        ("http:///a.svs", "names no server; give http://HOST/PATH"),
        ("http://127.0.0.1/", "names no file; folders of slides are not read from URLs: give each slide"),
        ("http://127.0.0.1", "names no file; folders of slides are not read from URLs: give each slide"),
        ("s3://bucket/folder/", "names no file; folders of slides are not read from URLs: give each slide"),
        ("s3:///a.svs", "names no bucket; give s3://BUCKET/KEY"),
        ("http://127.0.0.1/folder/..", "names no file; folders of slides are not read from URLs: give each slide"),
        ("http://127.0.0.1/a.mrxs", "is a slide of several files; copy all of them here, and give the path"),
        ("http://127.0.0.1/a.VMS", "is a slide of several files; copy all of them here, and give the path"),
    ],
)
def test_what_is_no_url_of_a_slide_is_named(url, said, served, capsys):
    url = url.replace("PORT", served.url.rpartition(":")[2])
    assert run_command(["run", url]) == 3
    line = capsys.readouterr().err
    assert line.endswith(f": {said}\n")
    assert len(line.splitlines()) == 1


@pytest.mark.parametrize(
    "url",
    [
        "https://u:secret@/a.svs",
        "https://u:secret/x@h/a.svs",
        "https://u:secret\u2100@h/a.svs",
        "https://u:secret@[h/a",
    ],
)
def test_what_is_no_url_is_named_without_its_password(url, capsys):
    assert run_command(["info", url]) == 3
    said = capsys.readouterr().err
    assert "is no URL" in said or "names no server" in said
    assert "secret" not in said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (bytes(128) + b"DICM" + bytes(100), "is one file of a DICOM series; copy all of it here, and give a path"),
        (b"<!doctype html><html>Sign in</html>", "is an HTML page, and not the picture it shows; download that"),
    ],
)
@pytest.mark.parametrize("ranges", [True, False])
def test_what_is_no_slide_is_named(ranges, content, said, served, capsys):
    served.files["/b.svs"], served.ranges = content, ranges
    assert run_command(["run", f"{served.url}/b.svs"]) == 3
    assert capsys.readouterr().err.splitlines()[-1] == f"tileframe: {served.url}/b.svs: {said}"


def test_a_damaged_copy_is_named_by_its_url(tmp_path, served, capsys):
    content = png(tmp_path / "b.png", photo(200, 200)).read_bytes()
    served.files["/b.png"] = content[:-400]
    assert run_command(["info", f"{served.url}/b.png"]) == 3
    assert capsys.readouterr().err.splitlines()[-1].startswith(f"tileframe: {served.url}/b.png: ")


def test_without_obstore_it_is_said_what_to_install(monkeypatch, capsys):
    for name in [name for name in sys.modules if name.partition(".")[0] in ("obstore", "tileframe_remote")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "obstore", None)
    assert run_command(["run", "https://example.org/a.svs"]) == 6
    assert "pip install 'tileframe[objects]'" in capsys.readouterr().err


@pytest.mark.parametrize("url", ["ftp://u:secret@h/x.tiff?tok=secret", "htps://h/x.tiff?tok=secret"])
@pytest.mark.parametrize("output", ["one", "many/"])
def test_a_url_that_nobody_reads_is_no_pattern_and_is_named_without_secrets(url, output, here, capsys):
    assert run_command(["run", url, "-o", output]) == 3
    said = capsys.readouterr().err
    assert "is a URL, and nothing installed reads slides from there" in said
    assert "secret" not in said


def test_a_server_that_is_down_makes_no_slide_of_fewer_levels(tmp_path):
    from tileframe_remote.blocks import BlockFile
    from tileframe_tiff.files import SharedFile
    from tileframe_tiff.structure import contents_of

    content = svs(tmp_path / "levels.svs", photo(700, 600), levels=(1, 2, 4)).read_bytes()

    class Failing:
        reads = 0

        def open(self) -> BlockFile:
            return BlockFile(self.part, len(content))

        def part(self, offset: int, count: int) -> bytes:
            self.reads -= 1
            if not self.reads:
                raise InputError("is down")
            return content[offset : offset + count]

    slide = Failing()
    contents_of(SharedFile(slide))  # type: ignore[arg-type]
    needed, slide.reads = -slide.reads, 0
    for slide.reads in range(1, needed + 1):
        with pytest.raises(InputError, match="is down"):
            contents_of(SharedFile(slide))  # type: ignore[arg-type]
