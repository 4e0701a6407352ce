"""Disks that are full, have no room for a file more, or may not be written, and folders that vanish; real ones."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.loose import contents
from tests.pictures import jpeg, photo, svs
from tileframe import CheckError, OutputError, run
from tileframe_start.command import run_command

BACKENDS = ["stream", "vips", pytest.param("openslide", marks=pytest.mark.thorough)]  # it stores as stream does
OUTPUTS = ["o", "o.szi"]
RUN = f"\"{sys.executable}\" -c 'from tileframe_start.command import main; main()' run"
TWICE = """
import sys
from tileframe_start.command import run_command
for output in sys.argv[-2:]:
    print("exit", run_command(["run", *sys.argv[1:-2], "-q", "-o", output]))
"""
RUN_TWICE = f"\"{sys.executable}\" -c '{TWICE}'"
"""Of two outputs, after all options: a start of Python takes as long as a run."""


@pytest.fixture(scope="module")
def slides(tmp_path_factory) -> Path:
    """A folder with two slides."""
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-Urm", "true"], check=False).returncode != 0:
        pytest.skip("a small disk needs Linux' user namespaces")
    folder = tmp_path_factory.mktemp("slides")
    jpeg(folder / "a.jpg", photo(1500, 1100))
    svs(folder / "a.svs", photo(1500, 1100))
    return folder


@pytest.fixture
def here(slides, tmp_path, monkeypatch) -> Path:
    """The current folder, with two slides, and a folder to mount a disk at."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "disk").mkdir()
    for slide in slides.iterdir():
        shutil.copy(slide, tmp_path)
    return tmp_path


def said_by(script: str) -> subprocess.CompletedProcess[str]:
    """What is said in a mount of its own, at whose end the disk is gone."""
    return subprocess.run(["unshare", "-Urm", "sh", "-c", script], capture_output=True, text=True, check=False)


def test_a_full_disk_of_temporary_files_is_named_where_an_archive_is_made_of_them(here):
    done = said_by(f"""
        mount -t tmpfs -o size=400k tmpfs disk
        TMPDIR="$PWD/disk" {RUN} a.jpg --backend vips --format png -o o.szi; echo "exit $?"; ls -A disk
    """)
    assert done.stdout == "exit 4\n"
    assert done.stderr.startswith(f"tileframe: {here / 'disk'}: cannot be written (")
    assert len(done.stderr.splitlines()) == 1
    assert not (here / "o.szi").exists()


@pytest.mark.parametrize(
    ("name", "output", "backend"),
    [
        ("a.jpg", "o", "vips"),
        ("a.svs", "o.szi", "stream"),
        *(
            pytest.param(*how, marks=pytest.mark.thorough)
            for how in [
                ("a.jpg", "o", "stream"),
                ("a.svs", "o.szi", "vips"),
                ("a.jpg", "o", "openslide"),
                ("a.svs", "o.szi", "openslide"),
            ]
        ),
    ],
)
def test_a_full_disk_exits_with_4_and_leaves_nothing(name, backend, output, here):
    done = said_by(f"""
        mount -t tmpfs -o size=400k tmpfs disk
        {RUN} {name} --backend {backend} --format png -o disk/{output}; echo "exit $?"; ls -A disk
    """)
    assert done.stdout == "exit 4\n"
    assert len(done.stderr.splitlines()) == 1
    # The second: of the last tile that began to fit, a part was written.
    assert "No space left on device" in done.stderr or "(the disk is full)" in done.stderr


@pytest.mark.parametrize("output", OUTPUTS)
def test_on_a_disk_that_fills_up_the_old_pyramid_is_left_as_it_was(output, here):
    done = said_by(f"""
        mount -t tmpfs -o size=1500k tmpfs disk
        {RUN} a.jpg -q -o disk/{output}; find disk -type f -exec sha256sum {{}} + | sort > before
        {RUN} a.jpg -q --format png --overwrite -o disk/{output}; echo "exit $?"
        find disk -type f -exec sha256sum {{}} + | sort | cmp - before; wc -l < before
    """)
    assert done.stdout.split() == ["exit", "4", {"o": "55", "o.szi": "1"}[output]], done.stderr


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_disk_without_room_for_one_more_file_exits_with_4_and_leaves_nothing(backend, here):
    done = said_by(f"""
        mount -t tmpfs -o nr_inodes=56 tmpfs disk
        {RUN_TWICE} a.jpg --backend {backend} disk/o disk/o.szi; ls -A disk
    """)
    assert done.stdout == "exit 4\nexit 0\no.szi\n", done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("output", OUTPUTS)
def test_a_disk_that_may_only_be_read_exits_with_4(output, here):
    done = said_by(f"""
        mount -t tmpfs tmpfs disk; mount -o remount,ro disk
        {RUN_TWICE} a.jpg disk/{output} disk/new/{output}
    """)
    assert done.stdout == "exit 4\nexit 4\n"
    reason = "cannot be written (Read-only file system)"
    assert done.stderr.splitlines() == [f"tileframe: disk: {reason}", f"tileframe: disk/new: {reason}"]


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("what", ["out", "scratch"])
def test_a_folder_that_vanishes_during_the_run_is_an_error_and_nothing_is_left(what, backend, output, here):
    gone = Path("out") if what == "out" else Path("out", f".{output}.partial")
    ended: list[int] = []

    def vanish(tiles: int, pixels: int) -> None:
        if not ended and gone.exists():
            ended.append(tiles)
            shutil.rmtree(gone, ignore_errors=True)

    before = contents(here)
    # The second: what is put while the folder is removed may keep it from going, without some of its tiles.
    with pytest.raises((OutputError, CheckError)):
        run("a.svs", Path("out", output), backend=backend, workers=2, progress=vanish)
    assert ended
    assert contents(here) == before
    assert not [path for path in here.rglob("*") if path.name.endswith(".partial")]


@pytest.mark.skipif(os.name == "nt", reason="what is open is not removed there")
def test_a_level_that_vanishes_while_libvips_writes_its_tiles_is_an_error_of_the_output(here):
    ended = threading.Event()

    def vanish() -> None:
        while not ended.wait(0.001):
            shutil.rmtree(Path("out/.o.partial/workspace/pyramid_files/11"), ignore_errors=True)

    thread = threading.Thread(target=vanish)
    thread.start()
    try:
        with pytest.raises(OutputError, match=r"^out: cannot be written \(.*unable to open file .* for writing; "):
            run("a.svs", "out/o", backend="vips", tile_size=32)
    finally:
        ended.set()
        thread.join()
    assert not Path("out").exists()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="nothing is closed to root or on Windows")
def test_a_folder_that_is_closed_exits_with_4(here, capfd):
    Path("disk").chmod(0o500)
    assert run_command(["run", "a.jpg", "-o", "disk/o"]) == 4
    assert capfd.readouterr().err.startswith("tileframe: disk/o: ")
