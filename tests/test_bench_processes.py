"""The cost of a command as it is seen from outside, the processes that end with it, and the disk of its outputs."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from itertools import pairwise

import psutil
import pytest

from tileframe import OutputError, machine
from tileframe_bench.environment import give_back, refuse_too_little_room, scratch_folder
from tileframe_bench.processes import CommandError, cost

HOLDS = "held = bytearray(120_000_000); held[::4096] = bytes([1]) * len(held[::4096]); import time; time.sleep(0.4)"
SPINS = "import time; end = time.process_time() + 0.4\nwhile time.process_time() < end: pass"
WRITES = "import time; open('written', 'wb').write(bytes(30_000_000)); open('written', 'rb').read(); time.sleep(0.3)"
STARTS = (
    "import subprocess, sys; [one.wait() for one in [subprocess.Popen([sys.executable, '-c', {!r}]) for _ in '12']]"
)
IN_THREAD = (
    "import subprocess, sys, threading\n"
    f"run = lambda: subprocess.run([sys.executable, '-c', {HOLDS!r}])\n"
    "thread = threading.Thread(target=run); thread.start(); thread.join()"
)
LEAVES = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {!r}, {!r}]); time.sleep(0.5)"
INTERRUPTS = """
import os, signal, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", sys.argv[1]])
os.kill(os.getppid(), signal.SIGINT)
time.sleep(60)
"""
HELPS = """
import os, time
from tileframe_bench.processes import Helper
if __name__ == "__main__":
    helper = Helper()
    print(helper.do(os.getpid), flush=True)
    time.sleep(60)
"""


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def running_with(word: str) -> list[psutil.Process]:
    return [one for one in psutil.process_iter(["cmdline"]) if word in (one.info["cmdline"] or ())]


@pytest.mark.parametrize(
    ("code", "least"),
    [(HOLDS, 120e6), (STARTS.format(HOLDS), 240e6), (IN_THREAD, 120e6)],
    ids=["itself", "two children", "a child of a thread"],
)
def test_memory_of_the_command_and_its_children_is_sampled(code, least):
    took = cost(python(code)).run
    assert took.peak_resident > least
    assert max(sample.resident for sample in took.samples) > least


def test_processor_time_of_the_command_and_its_children_is_sampled_as_it_passes():
    took = cost(python(STARTS.format(SPINS))).run
    passed = pairwise([0.0, *(one.seconds for one in took.samples)])
    sampled = sum(one.cores_busy * (end - start) for one, (start, end) in zip(took.samples, passed, strict=True))
    assert took.cpu_seconds > 0.8
    assert 0.4 < sampled <= took.cpu_seconds + 0.1
    for one in took.samples:
        assert len(one.core_loads) == psutil.cpu_count()
        assert all(0 <= load <= 1 for load in one.core_loads)


@pytest.mark.skipif(not hasattr(psutil.Process, "io_counters"), reason="this system does not tell")
def test_bytes_read_and_written_are_counted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    took = cost(python(WRITES)).run
    assert 30_000_000 <= (took.written or 0) < 31_000_000
    assert (took.read or 0) >= 30_000_000


def test_of_a_long_run_some_samples_are_kept_evenly_and_to_its_end(monkeypatch):
    monkeypatch.setattr("tileframe_bench.sampling.MAX_SAMPLES", 8)
    took = cost(python("import time; time.sleep(1)")).run
    assert 4 <= len(took.samples) <= 8
    assert took.samples[-1].seconds > took.seconds / 2


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import sys; sys.exit('reading\\ntileframe: no such slide')", r"^no such slide$"),
        ("import sys; sys.exit('ValueError: broken\\ntileframe: this is a bug in tileframe')", r"^ValueError: broken$"),
        ("import sys; sys.exit(3)", r"^exit code 3 without a message$"),
        (
            "import os, signal; os.kill(os.getpid(), getattr(signal, 'SIGKILL', signal.SIGTERM))",
            "signal 9, perhaps for want of memory|exit code",
        ),
        (LEAVES.format("import time; time.sleep(60)", "{folder}"), "left 1 of its processes running"),
    ],
    ids=["message", "bug", "silent", "killed", "left running"],
)
def test_a_command_that_fails_is_an_error_with_the_reason_and_nothing_of_it_runs_on(code, message, tmp_path):
    with pytest.raises(CommandError, match=message):
        cost(python(code.replace("{folder}", str(tmp_path))))
    assert not running_with(str(tmp_path))


def test_an_exit_code_that_is_expected_is_no_failure_and_any_other_is():
    assert cost(python("import sys; print(1); sys.exit(3)"), codes=(3,)).output.strip() == "1"
    with pytest.raises(CommandError, match="exit code 0"):
        cost(python(""), codes=(3,))


def test_a_full_pipe_holds_no_command_up():
    took = cost(python("import sys; sys.stdout.buffer.write(b'\\xff' * 300_000); sys.stderr.write('x' * 300_000)"))
    assert len(took.output) == 300_000


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_an_interrupt_ends_the_command_and_a_process_that_it_has_only_just_started(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        cost([*python(INTERRUPTS), str(tmp_path)])
    assert not running_with(str(tmp_path))


def test_the_helper_ends_when_its_parent_is_killed():
    with subprocess.Popen(python(HELPS), stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        helper = psutil.Process(int(started.stdout.readline()))
        started.kill()
    helper.wait(timeout=20)


def test_outputs_take_no_more_room_and_the_files_they_are_linked_to_are_kept(tmp_path):
    slide, picture = tmp_path / "slide", tmp_path / "picture"
    for path in (slide, picture):
        path.write_bytes(b"precious")
    with scratch_folder(tmp_path) as folder:
        out = folder / "out" / "pyramid_files" / "0"
        out.mkdir(parents=True)
        (out / "0_0.jpeg").write_bytes(b"a tile")
        (out / "1_0.jpeg").hardlink_to(slide)
        if sys.platform != "win32":
            (out / "2_0.jpeg").symlink_to(picture)
            (out / "all").symlink_to(tmp_path)
        give_back(folder / "out")
        assert (out / "0_0.jpeg").stat().st_size == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["picture", "slide"]
    assert slide.read_bytes() == picture.read_bytes() == b"precious"


def test_more_files_than_the_disk_can_hold_are_refused(tmp_path, monkeypatch):
    (tmp_path / "0_0.jpeg").write_bytes(bytes(5000))
    monkeypatch.setattr(machine, "free_inodes", lambda folder: 2)
    refuse_too_little_room(tmp_path, 2)
    with pytest.raises(OutputError, match=r"up to 27.3 kB in 3 files are to come, and there is room for 2 files; give"):
        refuse_too_little_room(tmp_path, 3)


def test_a_full_disk_is_an_error_of_one_line_with_the_place(tmp_path):
    message = r"no room there: cannot be written \(.*\); give --scratch a folder with room"
    with pytest.raises(OutputError, match=message), scratch_folder(tmp_path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "no room there")
    assert not list(tmp_path.iterdir())
