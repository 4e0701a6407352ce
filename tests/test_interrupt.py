"""Ctrl-C and SIGTERM, whenever they come."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.pictures import jpeg, photo, svs
from tileframe import OutputError, open_pyramid, verify
from tileframe_start.command import _interrupt, run_command
from tileframe_stores.directory import DirectoryStore
from tileframe_stores.scratch import Scratch
from tileframe_viewer.page import PageViewer

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGINT is sent the POSIX way")
MAIN = [sys.executable, "-c", "from tileframe_start.command import main; main()"]

OLD = '<Image xmlns="http://schemas.microsoft.com/deepzoom/2008" Format="png"/>'


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> Path:
    """A folder with pictures that take seconds as PNG tiles."""
    folder = tmp_path_factory.mktemp("large")
    pixels = np.tile(photo(1500, 1500), (3, 4, 1))
    jpeg(folder / "a.jpg", pixels)
    svs(folder / "a.svs", pixels, levels=(1,))
    return folder


@pytest.mark.parametrize(
    ("name", "backend"),
    [
        ("a.jpg", "stream"),
        pytest.param("a.jpg", "vips", marks=pytest.mark.thorough),
        pytest.param("a.jpg", "openslide", marks=pytest.mark.thorough),
        pytest.param("a.svs", "stream", marks=pytest.mark.thorough),  # so the next test
        ("a.svs", "vips"),
        pytest.param("a.svs", "openslide", marks=pytest.mark.thorough),
    ],
)
def test_ctrl_c_stops_within_two_seconds_and_leaves_nothing(name, backend, large, tmp_path):
    stops_at(signal.SIGINT, name, backend, large, tmp_path)


def test_so_does_what_services_and_containers_send_to_end_a_program(large, tmp_path):
    stops_at(signal.SIGTERM, "a.svs", "stream", large, tmp_path)


@pytest.mark.parametrize("module", ["tileframe", "click", "tileframe_start.command", "tileframe.registry"])
def test_ctrl_c_while_the_command_is_loaded_ends_it_without_a_word(module):
    code = f"""
import os, signal, sys
import tileframe_start

class Interrupts:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupts())
sys.argv = ["tileframe", "--version"]
tileframe_start.main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


@pytest.mark.parametrize("whom", ["terminal", pytest.param("parent", marks=pytest.mark.thorough)])
def test_worker_processes_end_with_a_run_that_is_stopped(whom, large, tmp_path):
    process, workers = with_workers(large, tmp_path, 2 if whom == "terminal" else 1)
    if whom == "terminal":  # which sends Ctrl-C to all of them
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGTERM)
    ends_at_once(process, tmp_path)
    assert not any(worker.is_running() for worker in workers)


def test_worker_processes_end_with_a_run_that_is_killed(large, tmp_path):
    process, workers = with_workers(large, tmp_path)
    process.kill()
    process.communicate()
    _, left = psutil.wait_procs(workers, timeout=5)
    assert left == []


def test_a_worker_process_that_is_killed_ends_the_run_with_one_line(large, tmp_path):
    process, workers = with_workers(large, tmp_path)
    workers[0].kill()
    _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    (line,) = err.splitlines()
    assert line.startswith("tileframe: a worker process of the executor 'processes' was killed (SIGKILL), perhaps")
    assert os.listdir(tmp_path) == []


def with_workers(large: Path, tmp_path: Path, count: int = 1) -> tuple[subprocess.Popen[str], list[psutil.Process]]:
    """A run in the middle of its work, in a group of processes of its own, and its workers."""
    how = ["--executor", "processes", "--workers", f"{count}", "--format", "png"]
    command = [*MAIN, "run", str(large / "a.svs"), *how, "-o", str(tmp_path / "o" / "a")]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    until_it_works(process, tmp_path)
    children = psutil.Process(process.pid).children()
    workers = [child for child in children if "spawn_main" in " ".join(child.cmdline())]
    assert len(workers) == count
    return process, workers


def until_it_works(process: subprocess.Popen[str], tmp_path: Path) -> None:
    scratch, deadline = tmp_path / "o" / ".a.partial", time.monotonic() + 60
    while not any(scratch.rglob("*.png")):
        assert process.poll() is None, "ended before it could be interrupted"
        assert time.monotonic() < deadline
        time.sleep(0.01)


def ends_at_once(process: subprocess.Popen[str], tmp_path: Path) -> None:
    then = time.monotonic()
    _, err = process.communicate(timeout=30)
    assert time.monotonic() - then < 2
    assert process.returncode == 130
    assert err == "tileframe: interrupted; nothing half-made was left\n"
    assert os.listdir(tmp_path) == []


def stops_at(sent: signal.Signals, name: str, backend: str, large: Path, tmp_path: Path) -> None:
    command = [
        *MAIN,
        "run",
        str(large / name),
        "--backend",
        backend,
        "--format",
        "png",
        "-o",
        str(tmp_path / "o" / "a"),
    ]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    until_it_works(process, tmp_path)
    process.send_signal(sent)
    ends_at_once(process, tmp_path)


def test_an_interrupted_overwrite_keeps_the_old_pyramid(large, tmp_path):
    (tmp_path / "a_files").mkdir()
    (tmp_path / "a.dzi").write_text(OLD)
    command = [*MAIN, "run", str(large / "a.jpg"), "--format", "png", "-o", str(tmp_path / "a"), "--overwrite"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    while not any((tmp_path / ".a.partial").rglob("*.png")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)
    assert sorted(os.listdir(tmp_path)) == ["a.dzi", "a_files"]
    assert (tmp_path / "a.dzi").read_text() == OLD


def test_what_ends_a_run_after_its_commit_says_that_the_pyramid_is_complete(tmp_path, monkeypatch, capsys):
    jpeg(tmp_path / "a.jpg", photo(600, 400))

    def write(self: PageViewer, pyramids: object, *, comparison: object = None, overwrite: bool = False) -> Path:
        raise OutputError("a.html: cannot be written (no space left)")

    monkeypatch.setattr(PageViewer, "write", write)
    assert run_command(["run", str(tmp_path / "a.jpg"), "-o", str(tmp_path / "a"), "--viewer"]) == 4
    said = f"tileframe: a.html: cannot be written (no space left); the pyramid {tmp_path / 'a.dzi'} is complete\n"
    assert capsys.readouterr().err == said
    assert verify(tmp_path / "a.dzi") == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_while_python_ends_changes_nothing(number):
    code = f"""
import atexit, os, sys
from tileframe_start.command import main
atexit.register(os.kill, os.getpid(), {int(number)})
sys.argv = ["tileframe", "--version"]
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_while_python_waits_for_a_thread_at_its_end_ends_that(number):
    code = f"""
import os, signal, sys, threading, time
from tileframe_start.command import _interrupt, main

def stop():
    while signal.getsignal({int(number)}) in (before, _interrupt):
        time.sleep(0.01)
    while True:  # Python sees none that comes just before it begins to wait
        time.sleep(0.1)
        os.kill(os.getpid(), {int(number)})

before = signal.getsignal({int(number)})
threading.Thread(target=time.sleep, args=(60,)).start()
threading.Thread(target=stop).start()
sys.argv = ["tileframe", "--version"]
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("tileframe ")


def test_below_the_ctrl_c_of_a_terminal_the_message_has_a_line_of_its_own(tmp_path, monkeypatch):
    import pty

    monkeypatch.chdir(tmp_path)
    ours, theirs = pty.openpty()
    code = (
        "import tileframe_start.command as c; c.build_cli = lambda registry: c._interrupt(2, None); "
        "raise SystemExit(c.run_command(['x']))"
    )
    assert subprocess.run([sys.executable, "-c", code], stderr=theirs).returncode == 130
    said = os.read(ours, 1000).decode()
    os.close(ours)
    os.close(theirs)
    assert said.splitlines() == ["", "tileframe: interrupted; nothing half-made was left"]


@pytest.mark.parametrize("output", ["o", "o.szi"])
def test_ctrl_c_after_the_commit_says_that_the_pyramid_is_complete(output, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    jpeg(tmp_path / "a.jpg", photo(300, 200))
    assert run_command(["run", "a.jpg", "-o", output, "-q"]) == 0
    close = Scratch.close

    def interrupted(self: Scratch, *, committed: bool = False) -> None:
        close(self, committed=committed)
        _interrupt(signal.SIGINT, None)

    monkeypatch.setattr(Scratch, "close", interrupted)
    assert run_command(["run", "a.jpg", "-o", output, "-q", "--quality", "40", "--overwrite"]) == 130
    shown = {"o": "o.dzi", "o.szi": "o.szi"}[output]
    assert capsys.readouterr().err == f"tileframe: interrupted; the pyramid {shown} is complete\n"
    with open_pyramid(output) as pyramid:
        assert pyramid.manifest is not None
        assert pyramid.manifest.plan.encoding.quality == 40


def test_ctrl_c_before_the_commit_does_not_say_so_of_the_old_pyramid(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    jpeg(tmp_path / "a.jpg", photo(300, 200))
    assert run_command(["run", "a.jpg", "-o", "o", "-q"]) == 0
    monkeypatch.setattr(DirectoryStore, "commit", lambda self, files: _interrupt(signal.SIGINT, None))
    # Of another quality: two runs that take as long in the same second have the same manifest.
    assert run_command(["run", "a.jpg", "-o", "o", "-q", "--quality", "40", "--overwrite"]) == 130
    assert capsys.readouterr().err == "tileframe: interrupted; nothing half-made was left\n"


@pytest.mark.parametrize("becomes", [ImportError, SystemError, OutputError, SystemExit])
def test_what_an_interrupted_import_turns_into_is_still_an_interrupt(becomes, tmp_path, monkeypatch, capsys):
    def interrupted(self: DirectoryStore) -> None:
        try:
            _interrupt(signal.SIGINT, None)
        except KeyboardInterrupt:
            raise becomes("numpy.core failed to import") from None

    monkeypatch.chdir(tmp_path)
    jpeg(tmp_path / "a.jpg", photo(300, 200))
    monkeypatch.setattr(DirectoryStore, "prepare", interrupted)
    assert run_command(["run", "a.jpg", "-o", "o"]) == 130
    assert capsys.readouterr().err == "tileframe: interrupted; nothing half-made was left\n"
    assert run_command(["run", "b.jpg", "-o", "o"]) == 3  # the next command is another one


def test_a_terminals_ctrl_c_reaches_no_process_that_is_just_starting(tmp_path):
    code = """
import os, signal, threading, time
from tileframe_executors.processes import Processes

if __name__ == "__main__":
    os.setpgrp()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pool = Processes(2)
    calls = [pool.submit(time.sleep, 0) for _ in range(2)]
    for _ in range(200):
        os.killpg(0, signal.SIGINT)
        time.sleep(0.005)
    print([call.result() for call in calls])
    pool.shutdown()
"""
    script = tmp_path / "started.py"
    script.write_text(code)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("[None, None]\n", "")
