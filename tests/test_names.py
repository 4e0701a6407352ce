"""Names of slides and outputs that are long or odd: they work, or are refused before the work."""

from __future__ import annotations

import os
import sys

import pytest

from tests.pictures import photo, png
from tileframe_start.command import run_command

BACKENDS = ("stream", "vips", "openslide")


@pytest.mark.parametrize("more", [["--layout", "zoomify"], [], "szi"], ids=str)
@pytest.mark.parametrize("length", [250, 243])
def test_a_name_too_long_for_what_stands_beside_it_is_refused_before_the_work(
    length, more, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    slide = png(tmp_path / "a.png", photo(300, 200)).rename(tmp_path / f"{'n' * length}.png")
    more = ["-o", f"{'n' * (length - 4)}.szi"] if more == "szi" else more
    assert run_command(["run", slide.name, *more]) == 4
    assert "a name like 'nnnnnnnnnnnnnnnnnnnn...' of" in capsys.readouterr().err
    assert os.listdir(tmp_path) == [slide.name]
    assert run_command(["run", slide.name, "-o", "short"]) == 0


ODD_NAMES = {
    "a\nb": "szi",
    "a\tb": "zoomify",
    "a b ": "iiif3",
    "a#b?c%d": "dzi",
    "\u00e9\u4e2d\U0001f600": "szi",
    ".a": "dzi",
}


@pytest.mark.parametrize("name", ODD_NAMES)
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
def test_odd_names_of_slides_and_outputs_work(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    slide, kind = f"./{name}.png", ODD_NAMES[name]
    png(tmp_path / "a.png", photo(300, 200)).rename(tmp_path / slide)
    how = ["-o", f"./{name}.szi"] if kind == "szi" else ["--layout", kind]
    backend = BACKENDS[len(name) % len(BACKENDS)]
    assert run_command(["run", slide, "--backend", backend, "--viewer", *how]) == 0
    ending = {"szi": ".szi", "dzi": ".dzi"}.get(kind, "")
    assert run_command(["verify", f"./{name}{ending}", "--against", slide]) == 0


@pytest.mark.parametrize("command", [["info"], ["verify"], ["view"], ["compare", "b"], ["run", "-o", "o"]])
def test_a_name_that_no_disk_takes_is_one_line(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run_command([command[0], "x" * 300, *command[1:]]) == 3
    said = capsys.readouterr().err
    assert said.startswith("tileframe: " + "x" * 300)
    assert len(said.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_long_name_of_no_pyramid_is_none(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run_command(["verify", "x" * 252]) == 3
    assert "no pyramid is there" in capsys.readouterr().err


def test_a_report_may_have_as_long_a_name_as_its_disk_takes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    png(tmp_path / "a.png", photo(20, 10))
    assert run_command(["run", "a.png", "-o", "o", "-q", "--report", "r" * 255]) == 0
    assert (tmp_path / ("r" * 255)).stat().st_size
