"""Files that the user names: refused before the work, or written whole."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pictures import gradient, png
from tileframe import OutputError
from tileframe.files import refuse_unwritable, write_whole
from tileframe_start.command import run_command

POSIX_ONLY = pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")
MAIN = [sys.executable, "-m", "tileframe"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    png(tmp_path / "a.png", gradient(300, 200))
    return tmp_path


def test_a_former_file_is_kept_if_the_new_one_cannot_be_written(tmp_path, monkeypatch):
    report = tmp_path / "r.json"
    report.write_text("former")

    def full(path: Path, data: bytes) -> None:
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match=r"r\.json: cannot be written \(No space left on device\)"):
        write_whole(report, b"new")
    assert report.read_text() == "former"
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]


def test_nothing_but_the_file_is_left(tmp_path):
    write_whole(tmp_path / "r.json", b"former")
    write_whole(tmp_path / "r.json", b"new")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"r.json": b"new"}


@POSIX_ONLY
def test_a_link_stays_a_link(here):
    Path("link.json").symlink_to("r.json")
    assert run_command(["run", "a.png", "--report", "link.json", "-q"]) == 0
    assert Path("link.json").is_symlink()
    assert json.loads(Path("r.json").read_text())["tiles"] > 0


@POSIX_ONLY
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_report_into_the_file_where_the_output_goes_is_refused(stream, here):
    with open("all", "w") as file:
        ended = subprocess.run([*MAIN, "run", "a.png", "--report", "all"], **{stream: file}, check=False)  # type: ignore[call-overload]
    assert ended.returncode == 4
    assert not Path("a.dzi").exists()


@POSIX_ONLY
def test_standard_output_that_is_closed_is_none(here):
    Path("r.json").touch()
    closed = ["sh", "-c", 'exec "$@" >&-', "sh", *MAIN, "run", "a.png", "-q", "--report", "r.json"]
    assert subprocess.run(closed, check=False).returncode == 0
    assert json.loads(Path("r.json").read_text())["tiles"] > 0


@POSIX_ONLY
def test_a_pipe_is_written_to(here):
    ended = subprocess.run([*MAIN, "run", "a.png", "-q", "--report", "/dev/stdout"], capture_output=True, check=True)
    assert json.loads(ended.stdout)["tiles"] > 0


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="nothing is closed to root or on Windows")
def test_a_former_report_that_may_not_be_read_is_refused(here, capfd):
    (here / "r.json").touch()
    (here / "r.json").chmod(0o200)
    assert run_command(["run", "a.png", "--report", "r.json"]) == 4
    said = "tileframe: r.json: is there, and cannot be read (Permission denied); give another file\n"
    assert capfd.readouterr().err == said
    assert sorted(os.listdir(here)) == ["a.png", "r.json"]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="nothing is closed to root or on Windows")
def test_a_file_that_is_closed_to_writing_is_refused(tmp_path):
    (tmp_path / "r.json").write_text("former")
    (tmp_path / "r.json").chmod(0o400)
    with pytest.raises(OutputError, match="cannot be written there"):
        refuse_unwritable(tmp_path / "r.json")
