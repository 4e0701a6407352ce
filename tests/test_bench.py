"""`tileframe bench`: who takes part, what is refused, and what their pyramids are compared with."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
import simplejpeg

from tests.pictures import gradient, jpeg, photo, svs
from tests.pyramids import tiles
from tileframe import Equality, Size, compare, machine, open_pyramid, run
from tileframe.cli import run_command
from tileframe_bench.entrants import entrants
from tileframe_bench.judging import judge
from tileframe_bench.looking import Input
from tileframe_bench.reference import make_reference
from tileframe_bench.watching import is_alive
from tileframe_bench.workloads import WORKLOADS, scaled

QUICK = ["--rounds", "1", "--only", "stream", "--only", "bare dzsave"]


@pytest.fixture
def slide(tmp_path):
    return svs(tmp_path / "slide.svs", photo(700, 500))


@pytest.fixture
def reference(slide, tmp_path):
    (tmp_path / "right").mkdir()
    make_reference(slide, tmp_path / "right" / "pyramid.dzi", 256, 2)
    return tmp_path / "right" / "pyramid.dzi"


@pytest.fixture
def made(slide, tmp_path):
    return run(slide, tmp_path / "made" / "pyramid", tile_size=256, overlap=0).target


def test_a_table_for_people_and_a_report_for_machines(slide, tmp_path, capsys):
    assert run_command(["bench", str(slide), *QUICK, "--report", str(tmp_path / "r.json")]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("slide.svs: 700x500, 0.3 MP")
    assert {line.split("  ")[2].strip() for line in out.splitlines()[3:5]} == {"stream", "bare dzsave"}
    assert "round 1: bare dzsave" in err
    report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert report["trials"][0]["entries"][0]["verdict"]["strength"] == "pixels"
    assert report["versions"]["tileframe"]
    assert report["options"]["workers"].startswith(f"{machine.available_cores()};")


def test_json_is_all_that_is_printed(slide, capsys):
    assert run_command(["bench", str(slide), *QUICK, "--json", "--quiet"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["rounds"] == 1
    assert err == ""


def test_each_tile_size_has_a_table_and_all_backends_and_baselines_take_part(slide, capsys):
    assert (
        run_command(["bench", str(slide), "--rounds", "1", "--tile-size", "256", "--tile-size", "64", "--quiet"]) == 0
    )
    out = capsys.readouterr().out
    assert re.findall(r"tiles of (\d+)", out) == ["256", "64"]
    for name in ("stream", "vips", "openslide", "bare dzsave", "generator loop", "generator pool"):
        assert len(re.findall(rf"^ +[\d-]+  {name} ", out, re.MULTILINE)) == 2


def test_the_plain_loops_undersized_tiles_are_marked_and_not_ranked(slide, capsys):
    only = ["--only", "generator loop", "--only", "stream"]
    assert run_command(["bench", str(slide), "--rounds", "1", *only, "--quiet"]) == 0
    (line, *_) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  generator loop: ")]
    assert re.search(r"not ranked: \d of 17 tiles are missing, damaged or of another size, for one", line)
    assert str(slide.parent) not in line


def test_the_commands_can_be_repeated(slide, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run_command(["bench", "slide.svs", *QUICK, "--json", "--quiet"]) == 0
    entries = json.loads(capsys.readouterr().out)["trials"][0]["entries"]
    (tmp_path / "OUT").mkdir()
    words = next(one["command"] for one in entries if one["name"] == "stream").split()
    assert words[0] == "tileframe"
    assert run_command(words[1:]) == 0
    assert json.loads((tmp_path / "OUT" / "report.json").read_text(encoding="utf-8"))["backend"] == "stream"


def test_who_fails_is_shown_with_the_reason_and_stops_nobody(tmp_path, capsys):
    workload = scaled(WORKLOADS["jp2k"], 0.02)
    command = ["bench", "--workload", "jp2k", "--scale", "0.02", *QUICK, "--only", "vips"]
    assert run_command(command) == 0
    out, err = capsys.readouterr()
    assert f"jp2k: {workload.size}" in out
    assert "times as fast as vips" in out
    assert "bare dzsave did not run: tiff2vips: " in out
    assert "bare dzsave failed: tiff2vips: " in err


def test_a_picture_that_does_not_fit_in_memory_is_not_tried(monkeypatch):
    picture = Input("babel", Path("babel.jpg"), "babel.jpg", Size(30000, 21952), is_slide=False)
    (loop,) = entrants([], ["generator loop"], [])
    (pool,) = entrants([], ["generator pool"], [])
    monkeypatch.setattr(machine, "available_memory", lambda: 16_000_000_000)
    assert loop.trouble(picture, workers=2) == ""
    assert pool.trouble(picture, workers=2).startswith("would need about 21.1 GB of memory")


@pytest.mark.parametrize("shape", [(500, 700), (1, 1), (257, 513), (1021, 769)], ids=str)
@pytest.mark.parametrize("tile_size", [256, 255, 64])
@pytest.mark.parametrize("kind", ["svs", "jpg"])
def test_the_reference_is_what_stream_and_vips_make(kind, shape, tile_size, tmp_path):
    pixels = gradient(shape[1], shape[0])
    slide = svs(tmp_path / "a.svs", pixels) if kind == "svs" else jpeg(tmp_path / "a.jpg", pixels)
    (tmp_path / "right").mkdir()
    pyramid = make_reference(slide, tmp_path / "right" / "a.dzi", tile_size, 2)
    right = open_pyramid(tmp_path / "right" / "a.dzi")
    assert right.pyramid == pyramid
    for backend in ("stream", "vips"):
        done = run(slide, tmp_path / backend, backend=backend, tile_size=tile_size, overlap=0)
        assert compare(right, open_pyramid(done.target)).strength is Equality.PIXELS


def test_a_right_pyramid_has_no_marks(reference, made):
    verdict = judge(reference, made, Equality.PIXELS)
    assert (verdict.strength, verdict.is_ranked, verdict.marks) == (Equality.PIXELS, True, ())
    assert verdict.identical == verdict.tiles == len(tiles(made))


def test_a_missing_descriptor_is_no_pyramid(reference, made):
    made.unlink()
    verdict = judge(reference, made, None)
    assert not verdict.is_ranked
    assert verdict.marks == ("pyramid.dzi: no such file",)


def test_another_grid_is_another_layout(reference, slide, tmp_path):
    verdict = judge(reference, run(slide, tmp_path / "other", tile_size=254, overlap=1).target, None)
    assert (verdict.strength, verdict.is_ranked) == (None, False)
    assert verdict.marks == ("the tile size is 256 and 254", "the overlap is 0 and 1")


@pytest.mark.parametrize("change", ["missing", "cut", "too many", "smaller"])
def test_a_wrong_tile_is_found_and_named(reference, made, change):
    tile = tiles(made)["10/1_1.jpeg"]
    if change == "missing":
        tile.unlink()
    elif change == "cut":
        tile.write_bytes(tile.read_bytes()[:-40])
    elif change == "too many":
        tile.with_name("9_9.jpeg").write_bytes(tile.read_bytes())
    else:
        tile.write_bytes(simplejpeg.encode_jpeg(np.zeros((9, 9, 3), np.uint8)))
    verdict = judge(reference, made, None)
    assert (verdict.strength, verdict.is_ranked) == (None, False)
    name = "9_9.jpeg" if change == "too many" else "10/1_1.jpeg"
    assert any(name in mark for mark in verdict.marks)


@pytest.mark.parametrize(("name", "least", "most"), [("babel", 0.25, 0.4), ("skagen", 0.25, 0.4), ("jp2k", 0.12, 0.24)])
def test_inputs_are_as_dense_as_the_pictures_they_stand_for(name, least, most):
    assert least < float(scaled(WORKLOADS[name], 0.075).facts()["bytes_per_pixel"]) < most


def test_inputs_have_the_sizes_of_the_pictures_they_stand_for():
    sizes = {name: f"{workload.size}" for name, workload in WORKLOADS.items()}
    assert sizes | {"svs": ""} == {"babel": "30000x21952", "skagen": "16403x11698", "svs": "", "jp2k": "32671x47076"}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--only", "vip"], 2, "nobody is named 'vip' (have: stream, vips, openslide, bare dzsave, generator loop,"),
        (["--only", "vips", "--without", "vips"], 2, "nobody is left to run"),
        (["--workload", "babe"], 2, "no workload named 'babe' (have: babel, skagen, svs, jp2k)"),
        (["--rounds", "0"], 2, "the number of rounds must be 1 or more, not 0"),
        (["--workers", "0"], 2, "the number of workers must be 1 or more, not 0"),
        (["--scale", "5"], 2, "the scale must be from 0.01 to 2, not 5"),
        (["--tile-size", "0"], 2, "the tile size must be"),
        (["absent.svs"], 3, "absent.svs: no such file"),
        (["."], 3, ".: is not a file"),
        (["text.txt"], 3, "text.txt: no reader can open it"),
        (["text.txt", "--scale", "0.5"], 2, "--scale 0.5 goes with built-in inputs"),
        (["--scratch", "absent"], 4, "absent: is no folder"),
        (["--report", "absent/r.json"], 4, "cannot be written there"),
        (["--html", "."], 4, "cannot be written there"),
        (["text.txt", "--report", "text.txt"], 4, "would be written over the slide"),
        (["text.txt", "./text.txt"], 2, "text.txt: is given twice"),
        (["text.txt", "--report", "x", "--html", "./x"], 4, "x: cannot be both the report and the page"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_done_is_said_before_anything_is_drawn(
    arguments, code, message, tmp_path, monkeypatch, capsys, registry
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TILEFRAME_WORKLOADS", str(tmp_path / "drawn"))
    Path("text.txt").write_text("no picture\n" * 100)
    assert run_command(["bench", "--quiet", *arguments]) == code
    assert message in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"text.txt"}


@pytest.mark.parametrize(("library", "options"), [("cattrs", []), ("matplotlib", ["--html", "page.html"])])
def test_a_missing_library_is_said_with_how_to_have_it(library, options, slide, monkeypatch, capsys):
    monkeypatch.chdir(slide.parent)
    monkeypatch.setitem(sys.modules, library, None)
    assert run_command(["bench", str(slide), *QUICK, *options]) == 6
    assert f"needs {library}" in (said := capsys.readouterr().err)
    assert "pip install 'tileframe[bench]'" in said


def test_nothing_is_left_in_the_scratch_folder(slide, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    assert run_command(["bench", str(slide), *QUICK, "--quiet", "--scratch", str(scratch)]) == 0
    assert list(scratch.iterdir()) == []


def test_those_who_run_on_begin_a_round_in_turn(slide, capsys):
    only = [word for name in ("stream", "bare dzsave", "vips") for word in ("--only", name)]
    assert run_command(["bench", str(slide), "--rounds", "3", *only]) == 0
    said = re.findall(r"(round \d|to warm up): (bare dzsave|\w+) ", capsys.readouterr().err)
    rounds = {number: [name for one, name in said if one == number] for number, _ in said}
    able = rounds["round 3"]
    assert rounds["to warm up"] == ["stream", "vips", "bare dzsave"]
    for number, before in ((2, 1), (3, 2)):
        assert rounds[f"round {number}"] == [*rounds[f"round {before}"][1:], rounds[f"round {before}"][0]]
    assert len(able) >= 1


def test_slides_of_one_name_are_told_apart(slide, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other").mkdir()
    svs(tmp_path / "other" / "slide.svs", photo(300, 200))
    assert run_command(["bench", "slide.svs", "other/slide.svs", *QUICK, "--quiet"]) == 0
    headings = [line for line in capsys.readouterr().out.splitlines() if ": " in line and " MP, " in line]
    other = Path("other", "slide.svs")
    assert [line.split(", ")[0] for line in headings] == ["slide.svs: 700x500", f"{other}: 300x200"]


def test_all_slides_are_opened_before_anyone_runs(slide, tmp_path, capsys):
    (tmp_path / "text.txt").write_text("no picture\n" * 100)
    assert run_command(["bench", str(slide), str(tmp_path / "text.txt"), *QUICK]) == 3
    out, err = capsys.readouterr()
    assert "no reader can open it" in err
    assert "to warm up" not in err
    assert out == ""


def test_the_page_is_written_at_the_end_and_nothing_heavy_is_loaded_before(slide, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("tileframe_bench.page.page", lambda bench: f"<p>{len(bench.trials)} trials")
    page = tmp_path / "page.html"
    assert (
        run_command(["bench", str(slide), *QUICK, "--tile-size", "256", "--tile-size", "64", "--html", str(page)]) == 0
    )
    assert page.read_text() == "<p>2 trials"


def test_a_report_of_before_is_lost_for_nothing_less_than_a_whole_one(slide, tmp_path, monkeypatch):
    report = tmp_path / "r.json"
    report.write_text("of before")
    (tmp_path / ".r.json.partial").mkdir()  # nothing can be written there
    assert run_command(["bench", str(slide), *QUICK, "--quiet", "--report", str(report)]) == 4
    assert report.read_text() == "of before"


def test_where_inputs_cannot_be_kept_the_place_is_named(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("TILEFRAME_WORKLOADS", str(tmp_path / "file"))
    assert run_command(["bench", "--workload", "babel", "--scale", "0.01", *QUICK, "--quiet"]) == 4
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"tileframe: {tmp_path / 'file'}: cannot be written (")
    assert said.endswith("; give TILEFRAME_WORKLOADS a folder with room")


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes with names, and links for some alone")
def test_what_is_no_plain_file_stays_what_it_is(slide, tmp_path):
    pipe, link = tmp_path / "pipe", tmp_path / "link.json"
    os.mkfifo(pipe)
    (tmp_path / "r.json").write_text("of before")
    link.symlink_to("r.json")
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    sizes = ["--tile-size", "256", "--tile-size", "64"]
    assert run_command(["bench", str(slide), *QUICK, *sizes, "--quiet", "--report", str(pipe)]) == 0
    reader.join()
    assert run_command(["bench", str(slide), *QUICK, "--quiet", "--report", str(link)]) == 0
    assert len(json.loads(read[0])["trials"]) == 2
    assert len(json.loads((tmp_path / "r.json").read_text())["trials"]) == 1
    assert pipe.is_fifo()
    assert link.is_symlink()


@pytest.mark.skipif(sys.platform == "win32", reason="it has no error of its own for a closed pipe")
def test_whoever_reads_the_first_table_alone_is_told_nothing(slide, tmp_path):
    sizes = ["--tile-size", "256", "--tile-size", "64"]
    command = [sys.executable, "-m", "tileframe", "bench", str(slide), *QUICK, *sizes, "--quiet"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "TMPDIR": str(tmp_path)}
    ) as started:
        assert started.stdout is not None
        assert started.stderr is not None
        started.stdout.readline()
        started.stdout.close()
        said = started.stderr.read()
    assert (started.returncode, said) == (141, b"")
    assert not list(tmp_path.glob("tileframe-bench-*"))


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals to send")
@pytest.mark.parametrize("group", [True, False], ids=["Ctrl-C", "SIGTERM"])
def test_an_interrupt_ends_everyone_and_keeps_what_was_found(group, tmp_path):
    svs(tmp_path / "slide.svs", photo(1500, 1000))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    command = [sys.executable, "-m", "tileframe", "bench", "slide.svs", "--only", "generator pool", "--only", "stream"]
    command += ["--rounds", "2", "--tile-size", "1024", "--tile-size", "64", "--json", "--scratch", "scratch"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as started:
        assert started.stderr is not None
        next(line for line in started.stderr if "tiles of 64: round" in line)
        # A terminal tells everyone, a service the one that it has started.
        os.killpg(started.pid, signal.SIGINT) if group else started.terminate()
        out, err = started.communicate(timeout=60)
    assert started.returncode == 130
    assert err.splitlines()[-1] == "tileframe: interrupted; nothing half-made was left"
    assert "Traceback" not in err
    assert len(json.loads(out)["trials"]) == 1
    assert list(scratch.iterdir()) == []
    wait_until_gone(started.pid)


def wait_until_gone(group: int) -> None:
    """Wait for all processes of ``group``, for some seconds: when the last words are read, one may be about to end."""
    until = time.monotonic() + 10
    while there := [one for one in psutil.process_iter() if group_of(one) == group and is_alive(one)]:
        assert time.monotonic() < until, f"left: {there}"
        time.sleep(0.05)


def group_of(process: psutil.Process) -> int | None:
    try:
        return os.getpgid(process.pid)
    except ProcessLookupError:
        return None
