"""Which executor is taken where the user leaves that open: by costs that were measured, and as far as it can work."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.pictures import jpeg, photo, svs
from tests.pyramids import tiles
from tests.served import serving
from tests.streamed import Slide
from tileframe import Access, Choice, ExecutorPlugin, InputError, Size, Spec, WorkerError, machine, plan, run
from tileframe.registry import load
from tileframe.testing import gradient
from tileframe_executors import choice
from tileframe_executors.choice import PASSED, SLIDE
from tileframe_start.command import run_command

# In tiles of 8, it has as many as a slide of 6 GP has in tiles of 256.
MANY_TILES = ["--tile-size", "8", "--overlap", "0"]


@pytest.fixture(scope="module")
def slide(tmp_path_factory) -> Path:
    return svs(tmp_path_factory.mktemp("choice") / "a.svs", photo(3000, 2100))


@pytest.fixture
def cores(monkeypatch, tmp_path):
    """A machine with so many cores, and memory enough, as far as this process can tell."""
    monkeypatch.setenv("TILEFRAME_MEMORY", "64")

    def has(count: int) -> None:
        monkeypatch.setattr(machine, "CGROUP", tmp_path)
        # Linux is asked by the one, other systems by the other.
        monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(count)), raising=False)
        monkeypatch.setattr(psutil.Process, "cpu_affinity", lambda self: list(range(count)), raising=False)

    return has


@pytest.fixture
def starts_at_once(monkeypatch):
    """Processes that take no time to start, by what the rule is told, and so pay for the smallest slide."""
    monkeypatch.setattr(choice, "START", 0)
    monkeypatch.setattr(choice, "STARTED", 0)
    monkeypatch.setenv("TILEFRAME_MEMORY", "64")


def planned(slide: Path, capsys, *options: str) -> dict[str, Any]:
    """How the work would run, as a dry run says for machines."""
    assert run_command(["run", str(slide), "-o", str(slide.parent / "o"), "--dry-run", "--json", *options]) == 0
    execution: dict[str, Any] = json.loads(capsys.readouterr().out)["plan"]["execution"]
    return execution


def test_threads_that_would_saturate_are_processes(slide, cores, capsys):
    cores(64)
    found = planned(slide, capsys, *MANY_TILES)
    assert (found["executor"], found["because"]) == ("processes", "64 workers: threads would saturate at 1")
    assert run_command(["run", str(slide), "-o", str(slide.parent / "o"), "--dry-run", *MANY_TILES]) == 0
    assert "\n  executor  processes (64 workers: threads would saturate at 1)\n" in capsys.readouterr().out


def test_a_small_slide_stays_in_threads_and_the_plan_says_why(slide, cores, capsys):
    cores(64)
    found = planned(slide, capsys, "--tile-size", "256", "--overlap", "0")
    said = f"64 workers: threads would saturate at {SLIDE.saturation}; with so few tiles, processes would save"
    assert found["executor"] == "threads"
    assert found["because"].startswith(said)


@pytest.mark.parametrize("options", [["--executor", "threads"], ["--format", "png", "--tile-size", "1024"]], ids=str)
def test_nothing_is_said_where_threads_are_asked_for_or_do_not_saturate(options, slide, cores, capsys):
    cores(64)
    found = planned(slide, capsys, *options)
    assert (found["executor"], found["because"]) == ("threads", "")


def test_a_machine_of_few_cores_has_threads(slide, cores, capsys):
    cores(4)
    assert planned(slide, capsys, *MANY_TILES)["executor"] == "threads"


def test_what_is_read_row_by_row_has_threads(tmp_path, cores, capsys):
    cores(64)
    assert planned(jpeg(tmp_path / "a.jpg", photo(600, 400)), capsys, *MANY_TILES)["executor"] == "threads"


@pytest.mark.parametrize("costs", [SLIDE, PASSED], ids=["encoded", "passed through"])
def test_the_rule_takes_what_its_costs_say_is_sooner(costs):
    few, many = 1000, 1_000_000
    assert costs.by_threads(few, 64) < costs.by_processes(few, 64)
    assert costs.by_threads(many, 64) > 1.4 * costs.by_processes(many, 64)
    assert costs.by_threads(many, costs.saturation) < costs.by_processes(many, costs.saturation)
    assert costs.by_threads(many, 64) == costs.by_threads(many, 2 * costs.saturation + 2)


def test_an_executor_of_a_script_is_threads_unless_it_leaves_that_open(slide, registry, cores):
    cores(64)
    spec = Spec(slide, registry.location(str(slide.parent / "o")), tile_size=8, overlap=0, workers=64)
    assert plan(spec, registry).live.made_by == "threads"
    assert plan(replace(spec, executor="auto"), registry).live.executor == "processes"


def test_processes_that_were_chosen_make_the_bytes_of_threads(tmp_path, registry, starts_at_once):
    slide = svs(tmp_path / "a.svs", photo(2300, 300))  # of two blocks
    how: dict[str, Any] = {"workers": 64, "tile_size": 128, "registry": registry}
    theirs = run(slide, tmp_path / "theirs", executor="auto", **how)
    ours = run(slide, tmp_path / "ours", **how)
    assert (theirs.executor, ours.executor) == ("processes (64 workers: threads would saturate at 3)", "threads")
    files = [[(key, path.read_bytes()) for key, path in tiles(one.target).items()] for one in (ours, theirs)]
    assert sorted(files[0]) == sorted(files[1])


def test_processes_that_were_chosen_end_with_a_run_that_is_interrupted(tmp_path, registry, starts_at_once):
    def interrupt(tiles: int, pixels: int) -> None:
        begun.extend(set(multiprocessing.active_children()) - before)
        raise KeyboardInterrupt

    begun: list[Any] = []
    before = set(multiprocessing.active_children())
    slide = svs(tmp_path / "a.svs", photo(1500, 300))
    how: dict[str, Any] = {"workers": 64, "registry": registry, "tile_size": 16, "overlap": 0, "keep": False}
    with pytest.raises(KeyboardInterrupt):
        run(slide, tmp_path / "out" / "a", executor="auto", progress=interrupt, **how)
    assert begun
    assert set(multiprocessing.active_children()) <= before
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="processes are killed by signals of POSIX")
@pytest.mark.thorough  # as one that was asked for, in test_worker_processes
def test_a_process_that_was_chosen_and_is_killed_ends_the_run_with_one_error(
    tmp_path, registry, starts_at_once, monkeypatch
):
    def kill(tiles: int, pixels: int) -> None:
        for process in set(multiprocessing.active_children()) - before:
            process.kill()

    monkeypatch.setattr(choice, "LEAST", 1)
    before = set(multiprocessing.active_children())
    slide = svs(tmp_path / "a.svs", photo(20_000, 64))  # of ten blocks, most of which begin when the first is done
    how: dict[str, Any] = {"workers": 2, "registry": registry, "tile_size": 16, "overlap": 0, "keep": False}
    with pytest.raises(WorkerError, match=r"^a worker process of the executor 'processes' was killed \(SIGKILL\)"):
        run(slide, tmp_path / "out" / "a", executor="auto", progress=kill, **how)
    assert set(multiprocessing.active_children()) <= before
    assert not (tmp_path / "out").exists()


def test_a_reader_that_other_processes_would_not_find_has_threads(tmp_path, starts_at_once):
    report = Slide(tmp_path, gradient(Size(300, 200)), Access.REGIONS).run("out", executor="auto", workers=64)
    assert report.executor.startswith("threads (64 workers: threads would saturate at ")
    assert "; no processes, for they would not find the reader " in report.executor


def test_a_slide_that_is_read_in_processes_already_has_threads(slide, cores, capsys):
    cores(64)
    found = planned(slide, capsys, *MANY_TILES, "--isolate")
    assert found["executor"] == "threads"
    assert found["because"].endswith("; no processes, for the slide is read in processes already")


def test_a_slide_on_a_server_has_threads(slide, cores, capsys, tmp_path, monkeypatch):
    pytest.importorskip("obstore")
    monkeypatch.setenv("TILEFRAME_CACHE", str(tmp_path / "cache"))
    cores(64)
    with serving({"/a.svs": slide.read_bytes()}) as served:
        assert run_command(["run", f"{served.url}/a.svs", "-o", str(tmp_path / "o"), "--dry-run", *MANY_TILES]) == 0
    said = "  executor  threads (64 workers: threads would saturate at 1; no processes, for each would fetch the slide"
    assert said in capsys.readouterr().out


def test_a_machine_of_little_memory_has_threads(slide, cores, capsys, monkeypatch):
    cores(64)
    monkeypatch.setenv("TILEFRAME_MEMORY", "12")
    found = planned(slide, capsys, *MANY_TILES)
    assert found["executor"] == "threads"
    assert found["because"].endswith("; no processes, for they take up to 12.8 GB of memory, and 12 are free")


def test_an_executor_of_a_plugin_may_have_a_rule_of_its_own(slide, capsys):
    from tests.plugins.objects import Offers

    def never(workers: int) -> Any:
        raise InputError("made")

    offer = ExecutorPlugin("a-first", "in tests", never, suits=lambda job, registry: Choice(True, "it is Sunday"))
    registry = load([Offers(executors=[offer])])
    spec = Spec(slide, registry.location(str(slide.parent / "o")), executor="auto")
    assert plan(spec, registry).live.made_by == "a-first (it is Sunday)"
    with pytest.raises(InputError, match="made"):
        run(slide, slide.parent / "o", executor="auto", registry=registry)
