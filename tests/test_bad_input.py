"""Whatever goes wrong: one line, the documented exit code, nothing left behind."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.pictures import damage_tile, gradient, jpeg, photo, png, svs
from tileframe import OutputError, machine, run
from tileframe_start.command import run_command

BACKENDS = ["stream", "vips", "openslide"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def half(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def make(name: str) -> None:
    """Make the bad input called ``name`` in the current folder."""
    path = Path(name)
    if name.startswith("half"):
        {".jpg": jpeg, ".png": png, ".svs": svs}[path.suffix](path, photo(900, 700))
        half(path)
    elif name == "damaged.svs":
        damage_tile(svs(path, photo(900, 700)), 3)
    elif name == "empty.svs":
        path.touch()
    elif name.startswith("text"):
        path.write_text("this is no slide\n" * 40)
    elif name == "zeros.tif":
        path.write_bytes(b"II*\0" + bytes(500))


INPUTS = [
    ("missing.svs", "no such file"), ("empty.svs", "is empty"),
    ("text.txt", "is a text file"), ("text.svs", "is a text file"), ("text.jpg", "is a text file"),
    ("half.jpg", "the JPEG is damaged"), ("half.png", "cut short"), ("half.svs", ""), ("zeros.tif", ""),
    ("damaged.svs", "tile 3, 0 of the base cannot be read"),
]  # fmt: skip


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("name", "words"), INPUTS, ids=[name for name, _ in INPUTS])
def test_bad_slides_exit_with_3(name, words, backend, here, capfd):
    make(name)
    before = sorted(os.listdir(here))
    assert run_command(["run", name, "--backend", backend, "-o", "new/out"]) == 3
    out, err = capfd.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert err.startswith(f"tileframe: {name}: ")
    if backend != "openslide":
        assert words in err
    assert sorted(os.listdir(here)) == before


OPTIONS = [
    (["--tile-size", "0"], "the tile size must be from 1 to 8192, not 0"),
    (["--tile-size", "8193"], "not 8193"),
    (["--tile-size", "x"], "'x' is no number of pixels, nor 'native'"),
    (["--overlap", "254"], "the overlap must be from 0 to 253, not 254"),
    (["--overlap", "-1"], "not -1"),
    (["--quality", "0"], "quality of the format jpeg must be from 1 to 100, not 0"),
    (["--quality", "101"], "from 1 to 100, not 101"),
    (["--format", "png", "--quality", "80"], "the format png has no option 'quality' (have: none)"),
    (["--format", "gif"], "no format named 'gif' (have: avif, jpeg, jpg, jxl, png, webp)"),
    (["--backend", "vip"], "no backend named 'vip' (have: openslide, stream, vips)"),
    (["--reader", "foo"], "no reader named 'foo' (have: imageslide, openslide, tiff, vips)"),
    (["--executor", "moon"], "no executor named 'moon' (have: dask, processes, threads)"),
    (["--background", "white"], "#rrggbb, as in #ffffff, not 'white'"),
    (["--workers", "0"], "must be 1 or more, not 0"),
    (["--no-such"], "No such option '--no-such'"),
    (["-o", ""], "'' is no name of an output; give FOLDER/NAME"),
    (["-o", "new/out.7z"], "no store serves .7z archives (have: .szi, .zip)"),
    (["-o", "moon://a"], "no store serves 'moon://' (have: az, file, gs, memory, s3)"),
    (["--layout", "tms"], "no layout named 'tms' (have: dzi, google, iiif3, zoomify)"),
    (["--layout", "zoomify", "--overlap", "1"], "do not overlap; give --overlap 0, not 1"),
    (["--layout", "zoomify", "-o", "new/out.szi"], "the store szi holds dzi alone, not zoomify"),
    (["--format-option", "quality"], "--format-option takes NAME=VALUE, not 'quality'"),
    (["--format-option", "speed=3"], "the format jpeg has no option 'speed' (have: quality)"),
    (["--format-option", "quality=high"], "must be from 1 to 100, not 'high'"),
    (["--format-option", "quality=80", "--quality", "80"], "the quality is given twice: 80 and 80"),
    (["--region", "0,0,300"], "'0,0,300' is no region; write X,Y,WIDTH,HEIGHT"),
    (["--region", "0,0,301,200"], "the region 0,0,301,200 leaves the slide, which is 300x200"),
    (["--region", "-1,0,30,20"], "from 0,0 on and at least 1x1, not -1,0,30,20"),
    (["--region", "0,0,0,20"], "at least 1x1, not 0,0,0,20"),
    (["--mpp", "0"], "mpp is the micrometres per pixel, above 0, not 0.0"),
    (["--mpp", "inf"], "above 0, not inf"),
    (["--page", "1"], "page is from 0 to 0 in this file, not 1"),
]


@pytest.mark.parametrize(("options", "words"), OPTIONS, ids=[" ".join(options) for options, _ in OPTIONS])
def test_a_wrong_command_line_exits_with_2(options, words, here, capfd):
    png(here / "a.png", gradient(300, 200))
    assert run_command(["run", "a.png", "-o", "new/out", *options]) == 2
    out, err = capfd.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert words in err
    assert os.listdir(here) == ["a.png"]


def test_an_unknown_command_exits_with_2(capfd):
    assert run_command(["tile", "a.png"]) == 2
    assert capfd.readouterr().err.startswith("tileframe: No such command 'tile'")


def test_info_on_a_bad_slide_exits_with_3(here, capfd):
    assert run_command(["info", "missing.svs"]) == 3
    assert capfd.readouterr().err == "tileframe: missing.svs: no such file\n"


@pytest.mark.parametrize("backend", BACKENDS)
def test_an_existing_output_exits_with_4_and_stays(backend, here, capfd):
    png(here / "a.png", gradient(300, 200))
    (here / "out.dzi").write_text("mine")
    assert run_command(["run", "a.png", "-o", "out", "--backend", backend]) == 4
    assert (
        capfd.readouterr().err
        == "tileframe: out.dzi: exists; give --overwrite to replace the pyramid, or another output\n"
    )
    assert (here / "out.dzi").read_text() == "mine"
    assert sorted(os.listdir(here)) == ["a.png", "out.dzi"]


@pytest.mark.parametrize("where", ["a.dzi", "x_files/a.png"])
def test_the_slide_itself_is_never_overwritten(where, here, capfd):
    (here / where).parent.mkdir(exist_ok=True)
    Image.fromarray(gradient(30, 20)).save(here / where, "PNG")
    before = (here / where).read_bytes()
    assert run_command(["run", where, "-o", "a" if where == "a.dzi" else "x", "--overwrite"]) == 4
    assert "over the slide itself" in capfd.readouterr().err
    assert run_command(["run", where, "-o", "new", "--report", where]) == 4
    assert (here / where).read_bytes() == before


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_a_pipe_exits_with_3(here, capfd):
    os.mkfifo(here / "pipe.svs")
    assert run_command(["run", "pipe.svs"]) == 3
    assert capfd.readouterr().err == "tileframe: pipe.svs: is not a file\n"


@pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")
@pytest.mark.parametrize("report", [[], ["--report", "r.json"]], ids=["run", "with a report"])
def test_a_circle_of_links_exits_with_3(report, here, capfd):
    (here / "loop.svs").symlink_to("loop.svs")
    assert run_command(["run", "loop.svs", "-o", "new/out", *report]) == 3
    assert len(capfd.readouterr().err.splitlines()) == 1
    assert os.listdir(here) == ["loop.svs"]


def test_a_name_that_is_too_long_exits_with_4(here, capfd):
    png(here / "a.png", gradient(30, 20))
    assert run_command(["run", "a.png", "-o", "n" * 300]) == 4
    assert len(capfd.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("where", ["a.png/out", "a.png/deep/out"])
def test_an_output_below_a_file_exits_with_4(where, here, capfd):
    png(here / "a.png", gradient(300, 200))
    assert run_command(["run", "a.png", "-o", where]) == 4
    assert len(capfd.readouterr().err.splitlines()) == 1
    assert os.listdir(here) == ["a.png"]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="nothing is closed to root or on Windows")
def test_a_folder_without_permission_exits_with_4(here, capfd):
    png(here / "a.png", gradient(300, 200))
    (here / "closed").mkdir(mode=0o500)
    assert run_command(["run", "a.png", "-o", "closed/out"]) == 4
    assert "Permission denied" in capfd.readouterr().err


def test_a_report_in_the_place_of_the_page_is_refused_before_the_work(here, capfd):
    png(here / "a.png", gradient(30, 20))
    assert run_command(["run", "a.png", "-o", "a", "--viewer", "--report", "./a.html"]) == 4
    assert capfd.readouterr().err == (
        "tileframe: a.html: is the report; the page would be written over it; name it otherwise\n"
    )
    assert not (here / "a.dzi").exists()


def test_a_report_in_the_place_of_the_pyramid_by_another_case_is_refused_where_that_is_one_file(
    here, monkeypatch, capfd
):
    monkeypatch.setattr("tileframe.guards.sys.platform", "darwin")
    png(here / "a.png", gradient(30, 20))
    assert run_command(["run", "a.png", "-o", "a", "--report", "A.DZI"]) == 4
    assert "would be written over the slide or the pyramid" in capfd.readouterr().err
    assert os.listdir(here) == ["a.png"]


def test_of_a_picture_that_libvips_cannot_open_its_own_words_are_told_alone(here, capfd):
    (here / "a.jpg").write_bytes(b"\xff\xd8\xff" + b"hello" * 100)
    assert run_command(["run", "a.jpg", "--reader", "vips"]) == 3
    said = capfd.readouterr().err
    assert said == "tileframe: a.jpg: libvips cannot open it (VipsJpeg: Unsupported marker type 0x68)\n"


def test_a_report_that_cannot_be_written_is_refused_before_the_work(here, capfd):
    png(here / "a.png", gradient(300, 200))
    assert run_command(["run", "a.png", "--report", "none/report.json"]) == 4
    assert capfd.readouterr().err == "tileframe: none/report.json: cannot be written there (none is not a folder)\n"
    assert os.listdir(here) == ["a.png"]


@pytest.mark.parametrize("more", [[], ["b.png", "-o", "out/"]], ids=["one", "several"])
def test_a_report_replaces_a_former_one_and_no_other_file(more, here, capfd):
    for name in "ab":
        png(here / f"{name}.png", gradient(30, 20))
    listed = '[{"schema": "tileframe-report/1"}]'
    others = {"notes.txt": "mine", "mine.json": '{"schema": "mine/1"}', "list.json": listed}
    for name, text in others.items():
        (here / name).write_text(text)
        assert run_command(["run", "a.png", *more, "--report", name]) == 4
        said = f"tileframe: {name}: is there, and is no report; give another file for the report\n"
        assert capfd.readouterr().err == said
        assert (here / name).read_text() == text
    assert not (here / "out").exists()
    for name, text in {"r.json": '{\n  "schema": "tileframe-report/0", "former": 1}', "empty.json": ""}.items():
        (here / name).write_text(text)
        assert run_command(["run", "a.png", *more, "--report", name, "--overwrite", "-q"]) == 0
        assert "former" not in (here / name).read_text()
        assert run_command(["run", "a.png", *more, "--report", name, "--overwrite", "-q"]) == 0  # its own


@pytest.mark.parametrize(
    ("what", "free", "output", "said"),
    [
        ("free_inodes", 5, "o", "o: has 17 tiles, and there is room for 5 at most"),
        ("free_disk", 1400, "o", "o: has 17 tiles, and there is room for 14 at most"),
        ("free_disk", 1400, "o.szi", r"o\.szi: has 17 tiles, and there is room for 14 at most"),
    ],
)
def test_what_no_disk_can_hold_is_refused_before_the_work(what, free, output, said, tmp_path, monkeypatch):
    monkeypatch.setattr(machine, what, lambda folder: free)
    png(tmp_path / "a.png", gradient(600, 400))
    with pytest.raises(OutputError, match=said):
        run(tmp_path / "a.png", tmp_path / output)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
