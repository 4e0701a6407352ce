"""`tileframe bench` as a user runs it: its output, its refusals, its files, and an interrupt."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from tests import benched
from tests.pictures import photo, svs
from tileframe import Size, machine
from tileframe_bench.entrants import entrants
from tileframe_bench.sampling import is_alive
from tileframe_bench.session import Plan, benchmark
from tileframe_bench.workloads import WORKLOADS, Input, scaled
from tileframe_start.command import run_command

BENCH = [sys.executable, "-m", "tileframe", "bench"]
ENTRANTS = ("stream", "vips", "openslide", "bare dzsave", "generator loop", "generator pool")
QUICK = ["--rounds", "1", "--only", "bare dzsave"]
POSIX_ONLY = pytest.mark.skipif(sys.platform == "win32", reason="named pipes, links and signals of POSIX")


@pytest.fixture
def slide(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    svs(tmp_path / "slide.svs", photo(700, 500))
    return "slide.svs"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="module")
def ran(folder):
    """All entrants on a small slide."""
    svs(folder / "slide.svs", photo(700, 500))
    (folder / "scratch").mkdir()
    options = ["--rounds", "1", "--scratch", "scratch", "--report", "r.json", "--html", "page.html"]
    return subprocess.run([*BENCH, "slide.svs", *options], cwd=folder, capture_output=True, text=True, check=True)


@pytest.fixture
def found(ran, folder):
    return benched.read((folder / "r.json").read_bytes())


def test_the_table_has_all_backends_and_baselines(ran):
    assert ran.stdout.startswith("slide.svs: 700x500, 0.3 MP")
    for name in ENTRANTS:
        assert len(re.findall(rf"^ +[\d=-]+  {name} ", ran.stdout, re.MULTILINE)) == 1
        assert f"tileframe: slide.svs, tiles of 256: to warm up: {name}" in ran.stderr


def test_page_and_report_have_the_trial_and_nothing_is_left_in_the_scratch_folder(found, folder):
    assert len(re.findall("<h4 id=", (folder / "page.html").read_text(encoding="utf-8"))) == 1
    assert [trial.tile_size for trial in found.trials] == [256]
    assert found.options["workers"].startswith(f"{machine.available_cores()};")
    assert list((folder / "scratch").iterdir()) == []


def test_a_former_page_and_a_former_report_may_be_replaced(ran, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    assert run_command(["bench", "absent.svs", "--html", "page.html", "--report", "r.json"]) == 3
    assert capsys.readouterr().err == "tileframe: absent.svs: no such file\n"


def test_undersized_tiles_of_the_plain_loop_are_marked_and_not_ranked(ran, folder):
    line = next(line for line in ran.stdout.splitlines() if line.startswith("  generator loop: "))
    assert re.search(r"not ranked: \d of 17 tiles are missing, damaged or of another size, for one", line)
    assert str(folder) not in line


def test_the_commands_can_be_repeated(found, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    (folder / "OUT").mkdir(exist_ok=True)
    words = found.trials[0].entry("stream").command.split()
    assert words[0] == "tileframe"
    assert run_command(words[1:]) == 0
    assert json.loads(capsys.readouterr().out)["backend"] == "stream"


def test_json_is_all_that_is_printed_and_each_round_begins_with_another_entrant(slide, tmp_path, capsys):
    report = tmp_path / "r.json"
    if sys.platform != "win32":
        report.symlink_to("real.json")
    # Nobody is stopped for being slow where nobody is right.
    only = [word for name in ("generator loop", "generator pool") for word in ("--only", name)]
    assert run_command(["bench", slide, "--rounds", "1", *only, "--json", "--report", str(report)]) == 0
    out, err = capsys.readouterr()
    assert out == report.read_text(encoding="utf-8")
    assert report.is_symlink() == (sys.platform != "win32")
    order = re.findall(r"(round 1|to warm up): generator (\w+) ", err)
    assert order == [("to warm up", "loop"), ("to warm up", "pool"), ("round 1", "pool"), ("round 1", "loop")]


@POSIX_ONLY
def test_slides_and_tile_sizes_have_a_table_each_and_a_pipe_gets_the_last_report_alone(slide, capsys):
    other = Path("other", "slide.svs")
    other.parent.mkdir()
    svs(other, photo(300, 200))
    os.mkfifo("pipe")
    reports: list[bytes] = []
    reader = threading.Thread(target=lambda: reports.append(Path("pipe").read_bytes()), daemon=True)
    reader.start()
    sizes = ["--tile-size", "256", "--tile-size", "64"]
    assert run_command(["bench", slide, str(other), *QUICK, *sizes, "--quiet", "--report", "pipe"]) == 0
    reader.join()
    out, err = capsys.readouterr()
    assert err == ""
    # Of one name, they are told apart.
    expected = [(name, size) for name in (slide, str(other)) for size in ("256", "64")]
    assert re.findall(r"^(\S+): \d+x\d+, .* tiles of (\d+):", out, re.MULTILINE) == expected
    assert [(trial.input, f"{trial.tile_size}") for trial in benched.read(reports[0]).trials] == expected
    assert Path("pipe").is_fifo()


def test_an_entrant_that_fails_is_shown_with_the_reason_and_stops_no_other(capsys):
    # libvips reads no JPEG 2000.
    assert run_command(["bench", "--workload", "jp2k", "--scale", "0.02", *QUICK, "--only", "vips"]) == 0
    out, err = capsys.readouterr()
    assert f"jp2k: {scaled(WORKLOADS['jp2k'], 0.02).size}" in out
    assert "times as fast as vips" in out
    assert "bare dzsave did not run: tiff2vips: " in out
    assert "bare dzsave failed: tiff2vips: " in err


def test_a_picture_that_does_not_fit_in_memory_is_not_tried(monkeypatch):
    picture = Input("babel", Path("babel.jpg"), "babel.jpg", Size(30000, 21952), is_slide=False)
    monkeypatch.setattr(machine, "available_memory", lambda: 16_000_000_000)
    loop, pool = entrants([], ["generator loop", "generator pool"], [])
    assert loop.failure(picture, workers=2) == ""
    assert pool.failure(picture, workers=2).startswith("would need about 21.1 GB of memory")


@pytest.mark.parametrize("scale", [0.04, pytest.param(0.075, marks=pytest.mark.thorough)])
@pytest.mark.parametrize(("name", "least", "most"), [("babel", 0.25, 0.4), ("skagen", 0.25, 0.4), ("jp2k", 0.12, 0.24)])
def test_inputs_are_as_dense_as_the_pictures_they_stand_for(name, least, most, scale):
    drawn = scaled(WORKLOADS[name], scale)
    assert least < drawn.make().stat().st_size / drawn.size.area < most


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--only", "vip"], 2, "nobody is named 'vip' (have: stream, vips, openslide, bare dzsave, generator loop,"),
        (["--only", "vips", "--without", "vips"], 2, "nobody is left to run"),
        (["--workload", "babe"], 2, "'babe' is not one of 'babel', 'skagen', 'svs', 'jp2k'"),
        (["--rounds", "0"], 2, "'--rounds': 0 is not in the range x>=1"),
        (["--scale", "nan"], 2, "the scale must be from 0.01 to 2, not nan"),
        (["--tile-size", "0"], 2, "the tile size must be"),
        (["absent.svs"], 3, "absent.svs: no such file"),
        (["."], 3, ".: is a folder"),
        (["text.txt", "--scale", "0.5"], 2, "--scale 0.5 goes with built-in inputs"),
        (["text.txt", "--scratch", "absent"], 4, "give --scratch a folder with room"),
        (["--report", "absent/r.json"], 4, "cannot be written there"),
        (["--html", "."], 4, "cannot be written there"),
        (["text.txt", "--report", "text.txt"], 4, "would be written over the slide"),
        (["--html", "text.txt"], 4, "text.txt: is there, and is no page of a benchmark; give another file"),
        (["--report", "text.txt"], 4, "text.txt: is there, and is no report; give another file for the report"),
        (["text.txt", "--report", "x", "--html", "./x"], 4, "x: cannot be both the report and the page"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_argument_is_refused_before_anything_is_drawn(arguments, code, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TILEFRAME_WORKLOADS", str(tmp_path / "drawn"))
    Path("text.txt").write_text("no picture\n" * 100)
    assert run_command(["bench", "--quiet", *arguments]) == code
    assert message in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"text.txt"}


@pytest.mark.parametrize("library", ["jinja2", "matplotlib"])
def test_a_missing_library_is_named_with_how_to_install_it(library, slide, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, library, None)
    assert run_command(["bench", slide, "--html", "page.html"]) == 6
    assert f"needs {library}, which is not installed: pip install 'tileframe[bench]'" in capsys.readouterr().err


def test_all_slides_are_opened_before_the_first_run(slide, capsys):
    Path("text.txt").write_text("no picture\n" * 100)
    assert run_command(["bench", slide, "text.txt", *QUICK]) == 3
    out, err = capsys.readouterr()
    assert "text.txt: is a text file" in err
    assert (out, "to warm up" in err) == ("", False)


def test_nothing_is_removed_before_the_last_run_has_ended(slide, tmp_path, registry):
    kept: list[set[Path]] = []
    plan = Plan([Path(slide)], entrants([], ["bare dzsave"], []), [256, 64], workers=1, rounds=1, command="")
    assert len(list(benchmark(plan, registry, tmp_path, lambda what: kept.append({*tmp_path.rglob("*")})))) == 2
    assert all(before < after for before, after in pairwise(kept))


def test_too_little_room_for_all_runs_is_refused_in_one_line(slide, monkeypatch, capsys):
    monkeypatch.setattr(machine, "free_disk", lambda folder: 1000)
    assert run_command(["bench", slide, *QUICK, "--quiet"]) == 4
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(r"MB in 60 files are to come, .* room for 1.00 kB; give --scratch a folder with more$", line)


def test_a_folder_that_cannot_keep_inputs_is_named(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("TILEFRAME_WORKLOADS", str(tmp_path / "file"))
    assert run_command(["bench", "--workload", "babel", "--scale", "0.01", *QUICK, "--quiet"]) == 4
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"tileframe: {tmp_path / 'file'}: cannot be written (")
    assert line.endswith("; give TILEFRAME_WORKLOADS a folder with room")


@POSIX_ONLY
@pytest.mark.thorough
def test_a_closed_pipe_ends_it_without_a_message(slide, tmp_path):
    (tmp_path / "scratch").mkdir()
    reading, writing = os.pipe()
    os.close(reading)
    command = [*BENCH, slide, *QUICK, "--quiet", "--scratch", "scratch"]
    ended = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (141, b"")
    assert list((tmp_path / "scratch").iterdir()) == []


@POSIX_ONLY
@pytest.mark.parametrize("group", [True, pytest.param(False, marks=pytest.mark.thorough)], ids=["Ctrl-C", "SIGTERM"])
def test_an_interrupt_ends_all_processes_and_keeps_what_was_found(group, slide, tmp_path):
    (tmp_path / "scratch").mkdir()
    command = [*BENCH, slide, *QUICK, "--only", "generator pool", "--json", "--scratch", "scratch"]
    command += ["--tile-size", "1024", "--tile-size", "64"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as started:
        # Each trial has a folder of its own: in the second, the first has been found.
        while len({at.parents[2] for at in (tmp_path / "scratch").glob("*/*/generator pool/*/pyramid_files")}) < 2:
            time.sleep(0.01)
        running = psutil.Process(started.pid).children(recursive=True)
        # A terminal signals the whole group, a service the process that it has started.
        os.killpg(started.pid, signal.SIGINT) if group else started.terminate()
        out, err = started.communicate(timeout=60)
    assert started.returncode == 130
    assert err.splitlines()[-1] == "tileframe: interrupted; nothing half-made was left"
    assert "Traceback" not in err
    assert len(json.loads(out)["trials"]) == 1
    assert list((tmp_path / "scratch").iterdir()) == []
    _, left = psutil.wait_procs(running, timeout=10)
    assert len(running) >= 2
    assert [one for one in left if is_alive(one)] == []
