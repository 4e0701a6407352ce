"""The executor `dask`: real workers of a living cluster, that are killed, that differ, and that outlive their runs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.pictures import damage_tile, photo, svs
from tests.pyramids import assembled
from tileframe import ExecutorPlugin, InputError, open_pyramid, run
from tileframe.testing import ExecutorContract
from tileframe_start.command import run_command

distributed = pytest.importorskip("distributed", reason="the executor dask needs dask.distributed")
cluster = pytest.importorskip("tileframe_dask.cluster")
posix = pytest.mark.skipif(sys.platform == "win32", reason="processes are killed by signals of POSIX")
MAIN = [sys.executable, "-m", "tileframe"]


HOW: dict[str, Any] = {"tile_size": 128, "overlap": 2, "workers": 2}  # 2x2 blocks
# As of a cluster that tileframe starts: else each process here looks at itself a hundred times a second.
CALM = {f"DASK_{name.upper().replace('.', '__').replace('-', '_')}": str(value) for name, value in cluster.IDLE.items()}


@dataclass
class Living:
    """A scheduler and its workers, each a process."""

    folder: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, command: str, *options: str, **environment: str) -> subprocess.Popen[bytes]:
        words = [f"distributed.cli.{command}", "--scheduler-file", str(self.folder / "scheduler.json"), *options]
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *words], env={**os.environ, **CALM, **environment}, stdout=log, stderr=log
            )
        self.processes.append(process)
        return process

    def worker(self, *options: str, **environment: str) -> subprocess.Popen[bytes]:
        return self.start("dask_worker", "--nthreads", "1", "--no-dashboard", *options, **environment)

    def client(self) -> Any:
        file = str(self.folder / "scheduler.json")
        return distributed.Client(scheduler_file=file, set_as_default=False, timeout=60)

    def until_there_are(self, count: int) -> str:
        """Wait for so many workers; return the scheduler's address."""
        deadline = time.monotonic() + 60
        with self.client() as client:
            while len(client.nthreads()) != count:
                assert time.monotonic() < deadline, (self.folder / "log").read_text()
                time.sleep(0.05)
            return str(client.scheduler.address)


@pytest.fixture(scope="module")
def living(tmp_path_factory) -> Iterator[Living]:
    made = Living(tmp_path_factory.mktemp("cluster"))
    made.start("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    made.worker("--nworkers", "2")
    yield made
    cluster._close_unused()
    for process in made.processes:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
def by(living) -> dict[str, Any]:
    """What a run is to be given to be made there."""
    return {"executor": "dask", "executor_options": {"scheduler": living.until_there_are(2)}}


@pytest.fixture(scope="module")
def here(tmp_path_factory, registry) -> Path:
    """A slide of several blocks, and its pyramid as threads make it."""
    folder = tmp_path_factory.mktemp("here")
    run(svs(folder / "a.svs", photo(3000, 2100)), folder / "o.dzi", **HOW, registry=registry)
    return folder


@pytest.fixture(scope="module")
def large(here) -> Path:
    """A slide that takes a while."""
    return svs(here / "large.svs", np.tile(photo(3000, 2100), (2, 2, 1)), levels=(1,))


def digests(target: str | Path) -> str:
    with open_pyramid(target) as pyramid:
        assert pyramid.manifest is not None
        return pyramid.manifest.tiles.digests_sha256


@pytest.mark.parametrize("name", ["o.dzi", "o.szi"])
def test_every_store_gets_the_tiles_that_threads_make_and_so_does_the_next_run(name, here, by, tmp_path, registry):
    for folder in ("one", "two"):
        run(here / "a.svs", tmp_path / folder / name, **HOW, **by, registry=registry)
        assert digests(tmp_path / folder / name) == digests(here / "o.dzi")


def test_two_runs_at_once_share_the_cluster(here, by, tmp_path, registry):
    def make(name: str) -> None:
        run(here / "a.svs", tmp_path / name / "o.dzi", **HOW, **by, registry=registry)

    runs = [threading.Thread(target=make, args=(name,)) for name in ("one", "two")]
    for one in runs:
        one.start()
    for one in runs:
        one.join(timeout=60)
    assert [digests(tmp_path / name / "o.dzi") for name in ("one", "two")] == [digests(here / "o.dzi")] * 2


def test_a_slide_that_was_replaced_is_read_anew(by, tmp_path, registry):
    for pixels in (photo(600, 421, seed=1), photo(600, 421, seed=2)):
        slide = svs(tmp_path / "a.svs", pixels, levels=(1,), lossless=True)
        report = run(slide, tmp_path / "o", format="png", overwrite=True, **by, registry=registry)
        assert np.array_equal(assembled(report.target, report.levels - 1), pixels)


def test_a_slide_that_is_replaced_meanwhile_ends_the_run(here, by, tmp_path, registry):
    slide = tmp_path / "a.svs"
    slide.write_bytes((here / "a.svs").read_bytes())
    other = svs(tmp_path / "b.svs", photo(3000, 2100, seed=2))

    def replace(tiles: int, pixels: int) -> None:
        if other.exists():
            os.replace(other, slide)

    with pytest.raises(InputError, match=r"a\.svs: was changed (since the run was planned|while it was read)"):
        run(slide, tmp_path / "out" / "o", **HOW, **by, progress=replace, registry=registry)
    assert not (tmp_path / "out").exists()


def test_damage_is_said_as_threads_say_it_after_it_was_tried_again(by, tmp_path, registry):
    slide = damage_tile(svs(tmp_path / "a.svs", photo(600, 421)), 1)
    said = []
    threads: dict[str, Any] = {}
    for how in (threads, by):
        with pytest.raises(InputError, match=r"tile 1, 0 of the base .* \(in the tiles a_files/") as caught:
            run(slide, tmp_path / "out" / "a", **how, registry=registry)
        said.append(str(caught.value))
    assert said[0] == said[1]


def test_tasks_are_called_after_their_slide_and_block(here, living, by, tmp_path, registry):
    def keys(dask_scheduler: Any) -> set[Any]:
        return {entry[0] for entry in dask_scheduler.transition_log}

    with living.client() as client:
        before = client.run_on_scheduler(keys)
        run(here / "a.svs", tmp_path / "o", **HOW, **by, registry=registry)
        found = client.run_on_scheduler(keys) - before
    (group,) = {key[0] for key in found}
    assert group.startswith("tileframe-block-a.svs-")
    assert sorted(key[1:4] for key in found) == [(12, col, row) for col in range(2) for row in range(2)]


class TestDask(ExecutorContract):
    @pytest.fixture(autouse=True)
    def connect(self, by: dict[str, Any], registry: Any) -> None:
        offer = registry.executor("dask")
        options = offer.resolved(by["executor_options"], "executor")
        type(self).plugin = ExecutorPlugin(
            "cluster", "in tests", lambda workers: offer.create(workers, options=options)
        )


def wrong(capsys: pytest.CaptureFixture[str], here: Path, tmp_path: Path, *options: str) -> tuple[int, str]:
    """Return the exit code and the one line of a run that fails."""
    given = [word for option in options for word in ("--executor-option", option)]
    command = ["run", str(here / "a.svs"), "-o", str(tmp_path / "out" / "o"), "--executor", "dask", *given]
    code = run_command(command)
    (line,) = capsys.readouterr().err.splitlines()
    assert not (tmp_path / "out").exists()
    return code, line


@pytest.mark.parametrize("who", ["nobody", "another server"])
def test_a_scheduler_that_does_not_answer_is_said_in_one_line(who, here, tmp_path, capsys):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = "tcp://127.0.0.1:1" if who == "nobody" else f"tcp://127.0.0.1:{silent.getsockname()[1]}"
        code, line = wrong(capsys, here, tmp_path, f"scheduler={address}", "timeout=0.5")
    assert code == 1
    assert line.startswith(f"tileframe: no scheduler of Dask answers at {address} within 0.5 s; give another")


@pytest.mark.parametrize("address", ["nowhere", "ftp://127.0.0.1:1", "tcp://127.0.0.1", ""])
def test_what_is_no_address_is_refused(address, here, tmp_path, capsys):
    code, line = wrong(capsys, here, tmp_path, f"scheduler={address}", "timeout=0.5")
    assert code == 2
    assert f"the scheduler '{address}' is no address" in line


def test_a_dashboard_that_cannot_be_shown_is_refused(here, tmp_path, capsys, monkeypatch):
    code, line = wrong(capsys, here, tmp_path, "scheduler=tcp://127.0.0.1:1", "dashboard=8787")
    assert (code, "that cluster's own" in line) == (2, True)
    monkeypatch.setattr(cluster, "find_spec", lambda name: None)
    code, line = wrong(capsys, here, tmp_path, "dashboard=8787")
    assert (code, line) == (6, "tileframe: Dask's dashboard needs bokeh: pip install bokeh")
    monkeypatch.setattr(cluster, "find_spec", lambda name: name)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, line = wrong(capsys, here, tmp_path, f"dashboard={port}")
    assert (code, line.partition(" (")[0]) == (2, f"tileframe: the port {port} is not free for the dashboard")


def test_a_cluster_without_workers_is_not_waited_for_without_end(here, tmp_path, capsys):
    with distributed.LocalCluster(n_workers=0, dashboard_address=":0", host="127.0.0.1", silence_logs=50) as empty:
        code, line = wrong(capsys, here, tmp_path, f"scheduler={empty.scheduler_address}", "patience=0.5")
    assert code == 1
    assert line.endswith("has had no worker for 0.5 s")


def test_a_worker_of_another_version_is_refused_with_what_differs(here, living, by, tmp_path, capsys):
    other = tmp_path / "other" / "tileframe-9.9.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: tileframe\nVersion: 9.9\n")
    worker = living.worker("--no-nanny", PYTHONPATH=str(other.parent))
    try:
        address = living.until_there_are(3)
        for when in ("timeout=9.5", "timeout=10"):  # a connection that is new, and one that was there before the worker
            code, line = wrong(capsys, here, tmp_path, f"scheduler={address}", when)
            assert code == 6
            assert line.startswith("tileframe: the worker tcp://127.0.0.1:")
            assert "has tileframe 9.9, and 0.1.0 is here (and " in line
    finally:
        worker.kill()
        living.until_there_are(2)


@posix
def test_a_worker_that_is_killed_costs_its_blocks_alone(large, tmp_path, registry):
    how: dict[str, Any] = {**HOW, "region": (0, 0, 4200, 4200), "registry": registry}  # 3x3 blocks
    killed: list[str] = []

    def kill(tiles: int, pixels: int) -> None:
        (mine,) = [one for one in cluster._OPEN.values() if one.address == "the local cluster"]
        for worker in [worker for worker, keys in mine.client.processing().items() if keys][: not killed]:
            killed.append(worker)
            os.kill(mine.client.run(os.getpid)[worker], signal.SIGKILL)

    run(large, tmp_path / "theirs" / "o.dzi", **how, executor="dask", progress=kill)
    assert len(killed) == 1
    run(large, tmp_path / "ours" / "o.dzi", **how)
    assert digests(tmp_path / "theirs" / "o.dzi") == digests(tmp_path / "ours" / "o.dzi")


@posix
@pytest.mark.parametrize("where", ["there", pytest.param("here", marks=pytest.mark.thorough)])
def test_ctrl_c_ends_the_calls_and_leaves_nothing_half_made(where, large, by, tmp_path):
    command = [*MAIN, "run", str(large), "-o", str(tmp_path / "o" / "a"), "--format", "png", "--executor", "dask"]
    if where == "there":
        command += ["--executor-option", f"scheduler={by['executor_options']['scheduler']}"]
    process = subprocess.Popen([*command, "--workers", "2"], stderr=subprocess.PIPE, text=True, start_new_session=True)
    while not any((tmp_path / "o" / ".a.partial").rglob("*.png")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err.strip() == "tileframe: interrupted; nothing half-made was left"
    assert os.listdir(tmp_path) == []
    time.sleep(0.3)
    assert os.listdir(tmp_path) == [], "a worker went on"
