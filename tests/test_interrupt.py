"""Ctrl-C and SIGTERM, whenever they come."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tests.pictures import jpeg, photo, svs

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGINT is sent the POSIX way")
MAIN = [sys.executable, "-c", "from tileframe.cli import main; main()"]

OLD = '<Image xmlns="http://schemas.microsoft.com/deepzoom/2008" Format="png"/>'


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> Path:
    """A folder with pictures that take seconds as PNG tiles."""
    folder = tmp_path_factory.mktemp("large")
    pixels = np.tile(photo(1500, 1500), (4, 5, 1))
    jpeg(folder / "a.jpg", pixels)
    svs(folder / "a.svs", pixels, levels=(1,))
    return folder


@pytest.mark.parametrize("backend", ["stream", "vips", "openslide"])
@pytest.mark.parametrize("name", ["a.jpg", "a.svs"])
def test_ctrl_c_stops_within_two_seconds_and_leaves_nothing(name, backend, large, tmp_path):
    stops_at(signal.SIGINT, name, backend, large, tmp_path)


def test_so_does_what_services_and_containers_send_to_end_a_program(large, tmp_path):
    stops_at(signal.SIGTERM, "a.svs", "stream", large, tmp_path)


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
    scratch = tmp_path / "o" / ".a.partial"
    deadline = time.monotonic() + 60
    while not any(scratch.rglob("*.png")):  # until it is in the middle of the work
        assert process.poll() is None, "ended before it could be interrupted"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(sent)
    then = time.monotonic()
    _, err = process.communicate(timeout=30)
    assert time.monotonic() - then < 2
    assert process.returncode == 130
    assert err.strip() == "tileframe: interrupted; nothing half-made was left"
    assert os.listdir(tmp_path) == []


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
