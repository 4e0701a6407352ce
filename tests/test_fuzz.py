"""The script that mutates files: a few of them; the whole of it is ``benchmarks/fuzz.py``."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest


@pytest.mark.skipif(sys.platform == "win32", reason="processes are forked and limited the POSIX way")
@pytest.mark.parametrize("count", [14, pytest.param(30, marks=pytest.mark.thorough)])
def test_mutated_files_are_refused_in_one_line_or_read(count):
    # In a process of its own: this one has threads, and is not to be forked.
    seed = random.randrange(1000)
    command = [sys.executable, "-m", "benchmarks.fuzz", "--count", f"{count}", "--seed", str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, f"seed {seed}: {done.stdout}{done.stderr}"
    assert "exit 3" in done.stdout
