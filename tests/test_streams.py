"""What is printed cannot be, or holds what would command the terminal; and places that are gone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pictures import gradient, png
from tileframe import verify
from tileframe_start.command import run_command

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the shell, devices and names of POSIX")
MAIN = f"{sys.executable} -m tileframe"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a picture."""
    made = tmp_path_factory.mktemp("here")
    png(made / "a.png", gradient(300, 200))
    return made


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["/bin/sh", "-c", command], cwd=folder, capture_output=True, text=True, timeout=60)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
@pytest.mark.parametrize("command", ["info a.png", "run a.png -o full", "plugins"])
def test_a_full_standard_output_is_one_line_and_exit_code_4(command, folder):
    done = shell(f"{MAIN} {command} > /dev/full", folder)
    assert done.returncode == 4
    complete = "; the pyramid full.dzi is complete" if command.startswith("run") else ""
    assert done.stderr == f"tileframe: what is printed cannot be written (No space left on device){complete}\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")
def test_a_full_standard_error_leaves_the_exit_code(folder):
    assert shell(f"{MAIN} info nothing.png 2> /dev/full", folder).returncode == 3


# The next file that is opened gets the number of what is closed, and an archive is open longest.
@pytest.mark.parametrize(
    ("closed", "container"),
    [pytest.param("<&-", ".szi", marks=pytest.mark.thorough), (">&-", ".szi"), ("2>&-", ".szi"), ("<&- >&- 2>&-", "")],
)
def test_closed_streams_change_no_pyramid(closed, container, folder, tmp_path):
    done = shell(f"{MAIN} run a.png -o {tmp_path}/o{container} {closed}", folder)
    assert done.returncode == 0, done.stderr
    assert verify(tmp_path / (f"o{container}" if container else "o.dzi")) == []
    assert shell(f"{MAIN} run nothing.png -o {tmp_path}/p {closed}", folder).returncode == 3


def test_a_current_folder_that_is_gone_is_named(folder, tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    slide = folder / "a.png"
    done = shell(
        f"rmdir {gone}; {MAIN} run {slide} -o o; echo $?; {MAIN} run {slide} -q -o {tmp_path}/o; echo $?", gone
    )
    assert done.stdout.split() == ["4", "0"]
    assert done.stderr.splitlines()[0].endswith("is in the current folder, which is gone; give the whole path")


@pytest.mark.parametrize("odd", ["\033[31mred", "a\x9bK", "left\u202eright"])
def test_names_do_not_command_the_terminal(odd, folder, tmp_path, capsys):
    slide = tmp_path / f"{odd}.png"
    slide.write_bytes((folder / "a.png").read_bytes())
    for command in (["run", str(slide), "-o", f"{tmp_path}/{odd}"], ["info", str(slide)], ["info", f"{slide}x"]):
        run_command(command)
        captured = capsys.readouterr()
        assert not set("\033\x9b\u202e") & set(captured.out + captured.err)
        assert "png" in captured.out + captured.err or "dzi" in captured.out


def test_a_slide_is_never_written_over_by_its_page(folder, tmp_path, capsys):
    slide = tmp_path / "w.html"
    slide.write_bytes((folder / "a.png").read_bytes())
    assert run_command(["run", str(slide), "-o", str(tmp_path / "w"), "--viewer", "--overwrite"]) == 4
    assert "w.html: exists already and is no page of a pyramid" in capsys.readouterr().err
    assert slide.read_bytes() == (folder / "a.png").read_bytes()
    assert os.listdir(tmp_path) == ["w.html"]
