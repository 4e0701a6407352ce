"""What this process may take of the machine: by the system, by its cgroup, and by the user."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.pictures import photo
from tileframe import OptionError, machine
from tileframe_start.command import run_command


@pytest.fixture
def cgroup(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(machine, "CGROUP", tmp_path)
    monkeypatch.delenv(machine.MEMORY, raising=False)
    return tmp_path


def test_without_a_cgroup_it_is_what_the_system_has_free(cgroup):
    assert machine.available_memory() > 0


def test_a_cgroup_with_a_limit_has_what_it_has_not_used(cgroup):
    (cgroup / "memory.stat").write_text("anon 3000000\nfile 900000000\nshmem 1000000\n")
    (cgroup / "memory.max").write_text("10000000\n")
    assert machine.available_memory() == 6_000_000
    (cgroup / "memory.max").write_text("2000000\n")
    assert machine.available_memory() == 0
    (cgroup / "memory.max").write_text("max\n")
    assert machine.available_memory() > 10_000_000


def test_a_cgroup_with_a_quota_has_that_many_cores(cgroup):
    (cgroup / "cpu.max").write_text("50000 100000\n")
    assert machine.available_cores() == 1
    (cgroup / "cpu.max").write_text("max 100000\n")
    assert machine.available_cores() >= 1


def test_the_user_may_say_how_much_is_to_be_taken(cgroup, monkeypatch):
    monkeypatch.setenv(machine.MEMORY, "1.5")
    assert machine.available_memory() == 1_500_000_000
    monkeypatch.setenv(machine.MEMORY, "much")
    with pytest.raises(OptionError, match=r"TILEFRAME_MEMORY is a number of gigabytes, not 'much'"):
        machine.available_memory()


@pytest.mark.parametrize("command", [["info"], ["run", "--dry-run", "-o", "o"], ["run", "-o", "o"]])
def test_a_picture_that_needs_more_is_refused_before_the_work_and_the_variable_allows_it(
    command, tmp_path, monkeypatch, capfd
):
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    Image.fromarray(photo(700, 500)).save("a.bmp")
    monkeypatch.setenv(machine.MEMORY, "0.001")
    assert run_command([command[0], "a.bmp", *command[1:]]) == 3
    said = "a.bmp: 700x500 pixels take 0.0014 GB of memory, and 0.001 GB are free (TILEFRAME_MEMORY=GB allows more)"
    assert capfd.readouterr().err == f"tileframe: {said}\n"
    assert os.listdir(tmp_path) == ["a.bmp"]
    monkeypatch.setenv(machine.MEMORY, "1")
    assert run_command([command[0], "a.bmp", *command[1:]]) == 0


@pytest.mark.parametrize("more", [["--dry-run"], []])
def test_a_dry_run_knows_what_no_disk_can_hold(more, tmp_path, monkeypatch, capfd):
    from PIL import Image

    monkeypatch.chdir(tmp_path)
    Image.fromarray(photo(700, 500)).save("a.png")
    monkeypatch.setattr(machine, "free_inodes", lambda folder: 5)
    assert run_command(["run", "a.png", "-o", "o", *more]) == 4
    assert capfd.readouterr().err == "tileframe: o: has 17 tiles, and there is room for 5 at most; free some\n"
    assert os.listdir(tmp_path) == ["a.png"]


def test_the_processes_that_were_started_are_found_with_those_that_they_started():
    waits = "import sys; sys.stdin.read()"
    starts = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {waits!r}])"
    with subprocess.Popen([sys.executable, "-c", starts], stdin=subprocess.PIPE) as started:
        assert started.stdin is not None
        child = psutil.Process(started.pid)
        deadline = time.monotonic() + 60
        while not child.children():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert {child.pid, *(one.pid for one in child.children())} <= set(machine._descendants(os.getpid()))
        assert list(machine._descendants(child.pid)) == [one.pid for one in child.children(recursive=True)] != []
        started.stdin.close()
