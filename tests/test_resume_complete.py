"""A run with ``--resume`` where the pyramid is complete already."""

from __future__ import annotations

import json
import shutil

import pytest

from tests.pictures import jpeg, photo
from tileframe import verify
from tileframe_start.command import run_command


@pytest.fixture
def slide(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(jpeg(tmp_path_factory.mktemp("slide") / "rows.jpg", photo(300, 200)))


def test_a_complete_pyramid_is_up_to_date_and_stays(slide, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    command = ["run", slide, "-o", "o", "--resume"]
    assert run_command([*command, "--quiet"]) == 0
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    capsys.readouterr()
    assert run_command(command) == 0
    assert capsys.readouterr() == ("o.dzi: up to date\n", "")
    assert run_command([*command, "--dry-run"]) == 0
    assert capsys.readouterr() == ("o.dzi: up to date\n", "")
    assert run_command([*command, "--quality", "90"]) == 4
    said = "tileframe: o: exists, and was made otherwise (format options); give --overwrite to replace the pyramid"
    assert capsys.readouterr().err.startswith(said)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_a_pyramid_whose_tiles_were_removed_is_not_up_to_date(slide, tmp_path, capsys):
    command = ["run", slide, "-o", str(tmp_path / "o"), "--quiet"]
    assert run_command(command) == 0
    shutil.rmtree(tmp_path / "o_files")
    assert run_command([*command, "--resume"]) == 4
    assert "o.dzi: exists; give --overwrite" in capsys.readouterr().err
    assert run_command([*command, "--resume", "--overwrite"]) == 0
    assert verify(tmp_path / "o.dzi") == []


def test_a_pyramid_by_another_backend_of_the_same_pixels_is_up_to_date_where_that_is_left_open(slide, tmp_path, capsys):
    command = ["run", slide, "-o", str(tmp_path / "o"), "--quiet"]
    assert run_command([*command, "--backend", "vips"]) == 0
    assert run_command([*command, "--resume"]) == 0
    assert run_command([*command, "--resume", "--backend", "stream"]) == 4
    assert "was made otherwise (backend" in capsys.readouterr().err


def test_of_a_complete_pyramid_the_page_and_the_report_are_written_where_they_are_asked_for(slide, tmp_path, capsys):
    command = ["run", slide, "-o", str(tmp_path / "o.szi"), "--resume"]
    assert run_command([*command, "--quiet"]) == 0
    report = tmp_path / "r.json"
    assert run_command([*command, "--viewer", "--json", "--report", str(report)]) == 0
    assert json.loads(report.read_text()) == json.loads(capsys.readouterr().out)
    assert json.loads(report.read_text())["status"] == "up to date"
    assert (tmp_path / "o.html").is_file()


def test_a_report_is_not_written_among_the_tiles_of_a_complete_pyramid(slide, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    command = ["run", slide, "-o", "o", "--resume"]
    assert run_command([*command, "--quiet"]) == 0
    assert run_command([*command, "--report", "o_files/r.json"]) == 4
    said = "tileframe: o_files/r.json: the report would be written over the slide or the pyramid; give another file\n"
    assert capsys.readouterr().err == said
    assert verify("o.dzi") == []
