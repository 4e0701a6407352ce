"""Several slides, folders and patterns: each becomes a pyramid, and a broken one stops no other."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.pictures import damage_tile, jpeg, photo, png, svs
from tests.pyramids import differing
from tileframe import InputError, Location, OptionError, OutputError, Spec, open_pyramid, run
from tileframe.registry import load
from tileframe_batch import Failed, Made, Passed, Planned, Progressed, Started, run_many
from tileframe_start.command import run_command
from tileframe_viewer.page import PageViewer

LIKE = Spec(Path(), Location("file", "", ""))
# One after the other, in the order of the list: `test_batch_side_by_side.py` has the other way.
IN_TURN = ["--workers", "1"]


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """The current folder, with a folder of slides."""
    monkeypatch.chdir(tmp_path)
    scans = tmp_path / "scans"
    (scans / "old").mkdir(parents=True)
    svs(scans / "a.svs", photo(500, 400), levels=(1,))
    jpeg(scans / "b.jpg", photo(300, 200))
    png(scans / "old" / "c.png", photo(260, 250))
    (scans / "notes.txt").write_text("of no slide")
    return tmp_path


def tree(folder: str | Path) -> list[str]:
    """The pyramids below a folder."""
    return sorted(path.relative_to(folder).as_posix() for path in Path(folder).rglob("*.dzi"))


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_folder_a_file_and_a_pattern_become_pyramids_like_those_of_single_runs(here, capsys):
    png(here / "d.png", photo(280, 270))
    png(here / "e1.png", photo(280, 260))
    assert run_command(["run", "scans", "d.png", "e*.png", "-o", "out/"]) == 0
    assert tree("out") == ["a.dzi", "b.dzi", "d.dzi", "e1.dzi", "old/c.dzi"]
    assert capsys.readouterr().out.splitlines()[-1] == "5 slides: 5 made, 0 up to date, 0 failed"
    for slide, name in (("scans/a.svs", "a"), ("scans/old/c.png", "old/c")):
        run(slide, f"single/{name}")
        assert differing(Path(f"single/{name}.dzi"), Path(f"out/{name}.dzi")) == []


def test_archives_are_made_where_the_output_says_so(here):
    assert run_command(["run", "scans/", "-o", "out/.szi", "-q"]) == 0
    assert sorted(path.name for path in Path("out").rglob("*.szi")) == ["a.szi", "b.szi", "c.szi"]
    with open_pyramid("out/old/c.szi") as pyramid:
        assert (pyramid.pyramid.base.width, pyramid.files.name) == (260, "c")


def test_a_broken_slide_is_told_twice_and_stops_no_other(here, capsys):
    damage_tile(here / "scans" / "a.svs", 1)
    assert run_command(["run", "scans", "-o", "out/"]) == 3
    assert tree("out") == ["b.dzi", "old/c.dzi"]
    said = capsys.readouterr()
    assert said.err.splitlines()[0].startswith("tileframe: scans/a.svs: tile 1, 0 of the base cannot be read")
    assert said.err.splitlines()[1:] == ["tileframe: 1 of 3 slides failed: scans/a.svs"]
    assert said.out.splitlines()[-1] == "3 slides: 2 made, 0 up to date, 1 failed"


@pytest.mark.parametrize(
    "how", [["--isolate"], pytest.param(["--executor", "processes"], marks=pytest.mark.thorough)], ids=" ".join
)
def test_what_fails_in_another_process_is_one_line_too(how, here, capsys):
    damage_tile(here / "scans" / "a.svs", 1)
    assert run_command(["run", "scans/a.svs", "scans/old/c.png", "-o", "out/", "-q", *how]) == 3
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 2
    assert said[0].startswith("tileframe: scans/a.svs: tile 1, 0 of the base cannot be read")
    assert "Traceback" not in said[0]


def test_what_is_up_to_date_is_passed_over_and_what_is_not_is_made(here, capsys):
    run_command(["run", "scans", "-o", "out/", "-q"])
    before = os.stat("out/b.dzi").st_mtime_ns, os.stat("out/a.dzi").st_mtime_ns
    jpeg(here / "scans" / "b.jpg", photo(310, 200))
    assert run_command(["run", "scans", "-o", "out/", "--overwrite"]) == 0
    *others, last = capsys.readouterr().out.splitlines()
    assert sorted(line.partition(": ")[0] for line in others) == ["out/a.dzi", "out/b.dzi", "out/old/c.dzi"]
    assert last == "3 slides: 1 made, 2 up to date, 0 failed"
    assert os.stat("out/b.dzi").st_mtime_ns > before[0]
    assert os.stat("out/a.dzi").st_mtime_ns == before[1]
    assert run_command(["run", "scans", "-o", "out/", "--overwrite", "--quality", "50"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "3 slides: 3 made, 0 up to date, 0 failed"
    assert run_command(["run", "scans", "-o", "out/", "--overwrite", "--quality", "50", "--force"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "3 slides: 3 made, 0 up to date, 0 failed"


def test_another_pyramid_of_that_name_is_not_replaced_unasked(here, capsys):
    run("scans/b.jpg", "out/a", quality=60)
    said = "out/a: exists, and was made otherwise (source, reader, reader options, pyramid, format options"
    assert run_command(["run", "scans", "-o", "out/", "--dry-run"]) == 4
    assert said in capsys.readouterr().err
    assert run_command(["run", "scans", "-o", "out/", "-q"]) == 4
    assert said in capsys.readouterr().err
    with open_pyramid("out/a.dzi") as pyramid:
        assert pyramid.pyramid.base.width == 300
    assert tree("out") == ["a.dzi", "b.dzi", "old/c.dzi"]


@pytest.mark.timeout(60)
def test_neither_is_another_archive(here, capsys):
    run("scans/b.jpg", "out/a.szi")
    assert run_command(["run", "scans", "-o", "out/.szi", "-q"]) == 4
    said = capsys.readouterr().err.splitlines()[0]
    assert said.startswith("tileframe: scans/a.svs: out/a.szi: exists, and was made otherwise (")
    assert Path("out/b.szi").is_file()


def test_a_page_of_the_users_own_stops_its_slide_alone(here, capsys):
    Path("out").mkdir()
    Path("out/a.html").write_text("<p>About it")
    assert run_command(["run", "scans", "-o", "out/", "--viewer", *IN_TURN]) == 4
    said = capsys.readouterr()
    assert said.err.splitlines()[0].startswith("tileframe: scans/a.svs: out/a.html: exists already and is no page")
    assert said.out.splitlines()[-1] == "3 slides: 2 made, 0 up to date, 1 failed"
    assert Path("out/a.html").read_text() == "<p>About it"


def test_the_gallery_and_the_page_of_a_slide_called_index_do_not_replace_each_other(here, capsys):
    png(here / "index.png", photo(260, 250))
    assert run_command(["run", "scans", "-o", "out/", "--viewer", "-q"]) == 0
    gallery = Path("out/index.html").read_bytes()
    assert run_command(["run", "index.png", "-o", "out/", "--viewer"]) == 4
    assert "out/index.html: exists already and is no page of a pyramid" in capsys.readouterr().err
    assert run_command(["run", "index.png", "-o", "out/", "-q"]) == 0
    assert run_command(["view", "out/index.dzi", "--no-open"]) == 4
    assert run_command(["run", "index.png", "-o", "out/", "--overwrite", "-q"]) == 0
    assert Path("out/index.html").read_bytes() == gallery
    assert run_command(["run", "index.png", "-o", "other/", "--viewer", "-q"]) == 0
    page = Path("other/index.html").read_bytes()
    assert run_command(["run", "scans", "-o", "other/", "--viewer", "-q"]) == 4
    assert "other/index.html: exists already, and is no index of tileframe's" in capsys.readouterr().err
    assert Path("other/index.html").read_bytes() == page


def test_a_page_that_cannot_be_written_leaves_the_pyramid_and_is_told(here, monkeypatch, capsys):
    def write(self: PageViewer, pyramids: Any, *, comparison: object = None, overwrite: bool = False) -> Path:
        raise OutputError("out/x.html: cannot be written (no space left)")

    monkeypatch.setattr(PageViewer, "write", write)
    assert run_command(["run", "scans/b.jpg", "scans/a.svs", "-o", "out/", "--viewer", "-q", *IN_TURN]) == 4
    said = "tileframe: scans/b.jpg: out/x.html: cannot be written (no space left); the pyramid out/b is complete"
    assert capsys.readouterr().err.splitlines()[0] == said
    assert tree("out") == ["a.dzi", "b.dzi"]


def test_a_filled_pyramid_is_not_up_to_date_and_the_exit_code_is_5(here, capsys):
    damage_tile(here / "scans" / "a.svs", 1)
    command = ["run", "scans", "-o", "out/", "--on-error", "fill", "--overwrite", *IN_TURN]
    assert run_command(command) == 5
    said = capsys.readouterr().out.splitlines()[0]
    assert said.startswith("out/a.dzi: 500x400, 13 tiles, of which 11 show background where it could not be read, ")
    assert run_command(command) == 5
    assert capsys.readouterr().out.splitlines()[-1] == "3 slides: 1 made, 2 up to date, 0 failed"


def test_figures_are_lines_of_json(here, capsys):
    damage_tile(here / "scans" / "a.svs", 1)
    run("scans/b.jpg", "out/b")
    assert run_command(["run", "scans", "-o", "out/", "--json", "--report", "report.jsonl", *IN_TURN]) == 3
    found = lines(capsys.readouterr().out)
    assert found == lines(Path("report.jsonl").read_text())
    assert [(one["slide"], one["target"], one["status"]) for one in found] == [
        ("scans/a.svs", "out/a", "failed"),
        ("scans/b.jpg", "out/b", "up to date"),
        ("scans/old/c.png", "out/old/c", "made"),
    ]
    assert found[0]["exit_code"] == 3
    assert found[2]["report"]["tiles"] == 11


def test_a_dry_run_says_what_would_become_of_each(here, capsys):
    run("scans/b.jpg", "out/b")
    (here / "scans" / "a.svs").write_bytes(b"II*\0nothing")
    before = sorted(here.rglob("*"))
    assert run_command(["run", "scans", "-o", "out/", "--dry-run"]) == 3
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        "scans/b.jpg -> out/b (up to date): 300x200, reader vips, vips",
        "scans/old/c.png -> out/old/c (not written): 260x250, reader vips, vips",
        "3 slides: 1 to be made, 1 up to date, 1 that cannot be",
    ]
    assert said.err.startswith("tileframe: scans/a.svs: ")
    assert sorted(here.rglob("*")) == before


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["scans"], 2, "several slides need -o FOLDER/, where their pyramids go"),
        (
            ["scans", "-o", "out"],
            2,
            "out: names one pyramid, and there are several slides; give FOLDER/ or FOLDER/.szi",
        ),
        (["scans", "-o", "out/x.dzi"], 2, "out/x.dzi: names one pyramid, and there are several slides; give FOLDER/"),
        (["scans", "-o", "ftp://host/"], 2, "ftp://host/: no store serves 'ftp://' (have: az, file, gs, memory, s3)"),
        (
            ["scans", "-o", "memory://x/", "--viewer"],
            2,
            "memory://x/a: a page is written only beside pyramids in folders",
        ),
        (
            ["scans/a.svs", "-o", "memory://x/a", "--viewer"],
            2,
            "memory://x/a: a page is written only beside pyramids in",
        ),
        (["x*.svs", "-o", "out/"], 3, "x*.svs: no slide is there"),
        (["scans", "-o", "scans/"], 2, "scans: is the folder of the output, too; give another one"),
        (["scans/a.svs", "--force", "-o", "out/"], 2, "--force is for several slides"),
        (["scans", "-o", "out/", "--report", "scans/a.svs"], 4, "scans/a.svs: is one of the slides; give another file"),
    ],
)
def test_what_is_wrong_with_all_is_said_before_any_work(arguments, code, said, here, capsys):
    before = sorted(here.rglob("*"))
    assert run_command(["run", *arguments]) == code
    assert capsys.readouterr().err.startswith(f"tileframe: {said}")
    assert sorted(here.rglob("*")) == before


@pytest.mark.parametrize(
    ("report", "said"),
    [
        ("out/index.json", "will be the index of the pyramids"),
        ("out/index.html", "will be the index of the pyramids"),
        ("out/a.dzi", "is in the place of the pyramid out/a"),
        ("out/b.tileframe.json", "is in the place of the pyramid out/b"),
        ("out/b.html", "is in the place of the pyramid out/b"),
    ],
)
def test_a_report_in_the_place_of_what_is_made_is_refused(report, said, here, capsys):
    Path("out").mkdir()
    assert run_command(["run", "scans", "-o", "out/", "--viewer", "--report", report]) == 4
    message = f"tileframe: {report}: {said}; give another file for the report\n"
    assert capsys.readouterr().err.replace("\\", "/") == message
    assert os.listdir("out") == []


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no disk here that is always full")
def test_a_report_that_cannot_be_written_ends_it_in_one_line(here, capsys):
    assert run_command(["run", "scans", "-o", "out/", "-q", "--report", "/dev/full"]) == 4
    said = "tileframe: /dev/full: cannot be written (No space left on device); 1 of 3 slides are done; the same command"
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(said)


def test_a_file_that_is_not_there_is_one_that_failed(here, capsys):
    assert run_command(["run", "scans/a.svs", "none.svs", "-o", "out/", "-q"]) == 3
    assert capsys.readouterr().err.splitlines() == [
        "tileframe: none.svs: no such file",
        "tileframe: 1 of 2 slides failed: none.svs",
    ]
    assert tree("out") == ["a.dzi"]


def test_without_a_plugin_for_it_several_slides_are_refused(here, monkeypatch, capsys):
    monkeypatch.setenv("TILEFRAME_PLUGINS", "stores,layouts,writers,stream,vips")
    assert run_command(["run", "scans", "-o", "out/"]) == 6
    assert "no plugin is installed that runs several slides" in capsys.readouterr().err


def test_programs_are_told_what_happens(here):
    events: list[Any] = []
    damage_tile(here / "scans" / "a.svs", 1)
    ended = run_many(["scans"], "out/", like=replace(LIKE, format="png"), on_event=events.append)  # by one worker
    assert [type(one) for one in ended] == [Failed, Made, Made]
    assert [event.number for event in events if isinstance(event, Started)] == [1, 2, 3]
    of_b = [type(event) for event in events if event.slide.name == "b.jpg"]
    assert of_b[:3] == [Started, Planned, Progressed]
    assert of_b[-1] is Made
    assert next(event for event in events if isinstance(event, Planned)).plan.format == "png"
    assert [type(one) for one in run_many([Path("scans/b.jpg")], "out/", like=replace(LIKE, format="png"))] == [Passed]


def test_what_the_caller_raises_ends_it(here):
    def raising(event: object) -> None:
        raise KeyError("of the caller")

    with pytest.raises(KeyError, match="of the caller"):
        run_many(["scans"], "out/", on_event=raising)


def test_an_error_of_no_kind_stops_no_other(here, monkeypatch):
    from tileframe_tiff.tiles import TiledSource

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(TiledSource, "read", broken)
    ended = run_many(["scans"], "out/", like=LIKE)
    assert [type(one) for one in ended] == [Failed, Made, Made]
    assert isinstance(ended[0], Failed)
    assert "ZeroDivisionError('a bug'); a bug, of tileframe or a plugin" in str(ended[0].error)


def test_after_a_full_disk_none_is_begun(here, monkeypatch, capsys):
    from tileframe_stores.directory import DirectoryStore

    def full(self: DirectoryStore, key: str, data: bytes) -> None:
        error = OSError(errno.ENOSPC, "No space left on device")
        raise OutputError(f"{key}: cannot be written") from error

    monkeypatch.setattr(DirectoryStore, "put", full)
    assert run_command(["run", "scans", "-o", "out/", "-q", *IN_TURN]) == 4
    assert capsys.readouterr().err.splitlines()[-1] == (
        "tileframe: 1 of 3 slides failed: scans/a.svs; 2 were not begun, for none would fit on the disk"
    )


def test_a_full_disk_counts_more_than_a_broken_slide(here, monkeypatch, capsys):
    from tileframe_stores.directory import DirectoryStore

    def full(self: DirectoryStore, key: str, data: bytes) -> None:
        raise OutputError(f"{key}: cannot be written") from OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(DirectoryStore, "put", full)
    Path("broken.svs").write_bytes(b"")
    assert run_command(["run", "broken.svs", "scans", "-o", "out/", "-q", *IN_TURN]) == 4
    assert "2 of 4 slides failed: broken.svs, scans/a.svs; 2 were not begun" in capsys.readouterr().err


def test_ctrl_c_says_how_far_it_came(here, monkeypatch, capsys):
    from tileframe_start.command import _interrupt
    from tileframe_vips.reader import VipsReader

    monkeypatch.setattr(VipsReader, "open", lambda *_, **__: _interrupt(2, None))
    assert run_command(["run", "scans", "-o", "out/", "-q", *IN_TURN]) == 130
    said = capsys.readouterr().err
    assert "interrupted; 1 of 3 slides are done; the same command goes on with the rest" in said
    assert [one["name"] for one in json.loads(Path("out/index.json").read_text())["pyramids"]] == ["a"]


def test_a_plugin_may_run_them_in_its_own_way(here):
    class Own:
        @staticmethod
        def tileframe_run_many(slides, output, spec, registry):
            return 0

    from tileframe import hookimpl

    Own.tileframe_run_many = staticmethod(hookimpl(tryfirst=True)(Own.tileframe_run_many))  # type: ignore[method-assign]
    registry = load([Own()])
    assert registry.manager.hook.tileframe_run_many(slides=["a", "b"], output=None, spec=LIKE, registry=registry) == 0


def test_errors_are_of_the_documented_kinds(here):
    with pytest.raises(OptionError):
        run_many(["scans"], "out")
    with pytest.raises(InputError):
        run_many(["none/*"], "out/")


def test_the_bar_is_on_the_terminal_and_figures_go_where_they_are_sent(here):
    import subprocess
    import sys

    pty = pytest.importorskip("pty", reason="Windows has no such terminals")
    primary, terminal = pty.openpty()
    command = [sys.executable, "-m", "tileframe", "run", "scans", "-o", "out/", "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=terminal, text=True, timeout=60)
    os.close(terminal)
    seen = b""
    with contextlib.suppress(OSError):  # the end, on Linux
        while part := os.read(primary, 4096):
            seen += part
    os.close(primary)
    assert [one["status"] for one in lines(done.stdout)] == ["made"] * 3
    assert b"3/3" in seen
    assert b"status" not in seen
