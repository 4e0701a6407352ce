"""What a command took, as it was seen from outside."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from itertools import pairwise

import psutil
import pytest

from tileframe_bench.processes import CommandError, cost, in_own_process
from tileframe_bench.watching import MOST_LOOKS, Look, thinned

HOLDS = "held = bytearray(120_000_000); held[::4096] = bytes([1]) * len(held[::4096]); import time; time.sleep(0.5)"
SPINS = "import time; end = time.process_time() + 0.6\nwhile time.process_time() < end: pass"
WRITES = "import time; open('written', 'wb').write(bytes(30_000_000)); open('written', 'rb').read(); time.sleep(0.3)"
STARTS = (
    "import subprocess, sys; [one.wait() for one in [subprocess.Popen([sys.executable, '-c', {!r}]) for _ in '12']]"
)


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_memory_is_seen_while_it_is_held():
    took = cost(python(HOLDS))
    assert took.peak > 120_000_000
    assert max(sample.resident for sample in took.samples) > 120_000_000


def test_processor_time_is_seen_as_it_passes():
    took = cost(python(SPINS))
    assert took.busy > 0.6
    seen = sum(
        sample.busy * (sample.seconds - before)
        for before, sample in zip([0.0, *(one.seconds for one in took.samples)], took.samples, strict=False)
    )
    assert 0.4 < seen <= took.busy + 0.1
    assert all(len(sample.cores) == psutil.cpu_count() for sample in took.samples)


@pytest.mark.skipif(not hasattr(psutil.Process, "io_counters"), reason="this system does not tell")
def test_bytes_read_and_written_are_counted(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    took = cost(python(WRITES))
    assert took.written is not None
    assert took.read is not None
    assert 30_000_000 <= took.written < 31_000_000
    assert took.read >= 30_000_000


def test_children_are_counted_with_their_parent():
    took = cost(python(STARTS.format(HOLDS)))
    assert took.peak > 240_000_000
    assert cost(python(STARTS.format(SPINS))).busy > 1.2


def test_of_a_long_run_fewer_looks_are_kept(monkeypatch):
    monkeypatch.setattr("tileframe_bench.watching.MOST_LOOKS", 8)
    took = cost(python("import time; time.sleep(2)"))
    assert 1 <= len(took.samples) <= 8
    assert took.samples[-1].seconds > took.seconds / 2


def test_the_looks_that_are_kept_lie_evenly_in_time():
    # Those of before, which were thinned out already, and those since.
    times = [*range(0, 100, 2), *range(100, 100 + MOST_LOOKS)]
    looks = thinned([Look(time / 20, 0, (), 0, None, None, None) for time in times])
    assert MOST_LOOKS / 3 < len(looks) <= MOST_LOOKS / 2
    assert (looks[0].seconds, looks[-1].seconds) == (0, times[-1] / 20)
    gaps = [later.seconds - earlier.seconds for earlier, later in pairwise(looks[:-1])]
    assert max(gaps) < 1.5 * min(gaps)


def test_a_command_that_fails_says_its_last_line():
    with pytest.raises(CommandError, match=r"^no such slide$"):
        cost(python("import sys; sys.exit('reading\\ntileframe: no such slide')"))


def test_a_bug_is_named_by_what_was_raised():
    with pytest.raises(CommandError, match=r"^ValueError: broken$"):
        cost(
            python("import sys; sys.exit('ValueError: broken\\ntileframe: this is a bug in tileframe: please report')")
        )


def test_much_output_that_is_no_text_holds_nobody_up():
    took = cost(python("import sys; sys.stdout.buffer.write(b'\\xff' * 300_000); sys.stderr.write('x' * 300_000)"))
    assert len(took.output) == 300_000


def test_what_is_left_running_is_an_error_and_is_ended():
    code = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {!r}]); time.sleep(0.5)"
    before = time.perf_counter()
    with pytest.raises(CommandError, match="left 1 of its processes running"):
        cost(python(code.format("import time; time.sleep(61)")))
    assert time.perf_counter() - before < 20
    assert not [
        one for one in psutil.process_iter(["cmdline"]) if "time.sleep(61)" in (one.info["cmdline"] or [""])[-1]
    ]


def test_children_of_any_thread_are_counted():
    code = (
        "import subprocess, sys, threading\n"
        f"run = lambda: subprocess.run([sys.executable, '-c', {HOLDS!r}])\n"
        "thread = threading.Thread(target=run); thread.start(); thread.join()"
    )
    assert max(sample.resident for sample in cost(python(code)).samples) > 120_000_000


def test_a_command_that_is_killed_says_so():
    with pytest.raises(CommandError, match=r"signal 9, perhaps for want of memory|exit code"):
        cost(python("import os, signal; os.kill(os.getpid(), getattr(signal, 'SIGKILL', signal.SIGTERM))"))


@pytest.mark.skipif(sys.platform == "win32", reason="a thread cannot interrupt another there")
def test_an_interrupt_ends_the_command():
    threading.Timer(0.5, signal.pthread_kill, [threading.main_thread().ident, signal.SIGINT]).start()
    before = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        cost(python("import time; time.sleep(60)"))
    assert time.perf_counter() - before < 20
    assert not [one for one in psutil.Process().children() if "time.sleep(60)" in " ".join(one.cmdline())]


INTERRUPTS = """
import os, signal, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", sys.argv[1]])
os.kill(os.getppid(), signal.SIGINT)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such signal to send")
def test_an_interrupt_ends_whom_the_command_has_only_just_started(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        cost([*python(INTERRUPTS), str(tmp_path)])
    assert not [one for one in psutil.process_iter(["cmdline"]) if str(tmp_path) in (one.info["cmdline"] or ())]


def test_what_is_raised_in_another_process_is_raised_here():
    with pytest.raises(ZeroDivisionError):
        in_own_process(divmod, 1, 0)


def test_the_other_process_ends_when_this_one_is_killed():
    code = (
        "import os, time\nfrom tileframe_bench.processes import Side\n"
        "if __name__ == '__main__':\n    side = Side()\n    print(side.do(os.getpid), flush=True)\n    time.sleep(60)"
    )
    with subprocess.Popen(python(code), stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        other = psutil.Process(int(started.stdout.readline()))
        started.kill()
    other.wait(timeout=20)
