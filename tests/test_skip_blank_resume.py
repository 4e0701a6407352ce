"""A run that leaves out blank tiles, and ended too early, is gone on with: the same tiles are absent."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.pictures import damage_tile, photo, png, svs
from tests.pyramids import manifest
from tests.sparse import files
from tileframe import OutputError, journal, run, verify
from tileframe_stores.owning import NOTES, TREE, scratch_of

HOW: dict[str, dict[str, Any]] = {
    "threads": {},
    "szi": {"container": ".szi"},
    "processes": {"executor": "processes", "workers": 2},
    "openslide": {"backend": "openslide"},
    "rows": {"slide": "rows.png"},
    "iiif3": {"layout": "iiif3", "tile_size": 256},
}


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Note every unit as soon as it is finished, and take it for worth keeping: these runs are over in a second."""
    monkeypatch.setattr(journal, "EVERY", 0.0)
    monkeypatch.setattr(journal, "WORTH", 0.0)


def interrupted(slide: Path, target: Path, **how: Any) -> None:
    """Run until 100 tiles are made, and then as a Ctrl-C does."""

    def progress(tiles: int, pixels: int) -> None:
        if tiles >= 100:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(slide, target, progress=progress, **how)


@pytest.fixture(scope="module")
def slides(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("slides")
    pixels = np.full((2600, 2600, 3), 255, np.uint8)
    pixels[300:900, 200:1200] = photo(1000, 600)
    pixels[2300:2500, 2200:2500] = photo(300, 200)
    svs(folder / "squares.svs", pixels, levels=(1,))
    png(folder / "rows.png", pixels[:2000])
    return folder


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.thorough) if name in ("szi", "processes", "iiif3") else name for name in HOW],
)
def test_going_on_gives_the_same_files(name, slides, tmp_path):
    how = {"slide": "squares.svs", "container": "", "skip_blank": 0, **HOW[name]}
    slide, container = slides / how.pop("slide"), how.pop("container")
    (tmp_path / "whole").mkdir()
    whole, target = tmp_path / "whole" / f"o{container}", tmp_path / "resumed" / f"o{container}"
    done = run(slide, whole, **how)
    interrupted(slide, target, **how)
    report = run(slide, target, resume=True, **how)
    assert report.resumed > 0
    assert report.absent == done.absent > 20
    assert files(target) == files(whole)
    assert verify(report.target) == []


def test_a_run_without_it_is_another_run(slides, tmp_path):
    interrupted(slides / "squares.svs", tmp_path / "o", skip_blank=0)
    with pytest.raises(OutputError, match=r"plan\.skip_blank is another"):
        run(slides / "squares.svs", tmp_path / "o", resume=True)
    with pytest.raises(OutputError, match=r"plan\.skip_blank\.tolerance was 0, and is 1"):
        run(slides / "squares.svs", tmp_path / "o", resume=True, skip_blank=1)
    assert run(slides / "squares.svs", tmp_path / "o", resume=True, skip_blank=0).resumed


@pytest.mark.parametrize(
    "how",
    [
        {},
        *(pytest.param(how, marks=pytest.mark.thorough) for how in ({"executor": "processes"}, {"container": ".zip"})),
    ],
    ids=str,
)
def test_what_could_not_be_read_before_the_stop_is_not_absent_after_it(how, tmp_path):
    slide = svs(tmp_path / "a.svs", np.full((2600, 2600, 3), 255, np.uint8), levels=(1,))
    damage_tile(slide, 0)
    container = how.pop("container", "")
    how = {**how, "on_error": "fill", "skip_blank": 0}
    (tmp_path / "whole").mkdir()
    whole, target = tmp_path / "whole" / f"o{container}", tmp_path / "resumed" / f"o{container}"
    done = run(slide, whole, **how)
    interrupted(slide, target, **how)
    report = run(slide, target, resume=True, **how)
    assert report.resumed > 0
    assert (report.filled, report.absent) == (done.filled, done.absent)
    assert files(target) == files(whole)


def test_a_stray_file_of_an_absent_tile_is_not_taken_over(slides, tmp_path):
    interrupted(slides / "squares.svs", tmp_path / "o", skip_blank=0)
    scratch = scratch_of(tmp_path / "o")
    assert (scratch / NOTES).is_file()
    stray = scratch / TREE / "o_files" / "12" / "0_0.jpeg"
    assert not stray.exists()
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"not a tile")
    run(slides / "squares.svs", tmp_path / "o", resume=True, skip_blank=0)
    assert verify(tmp_path / "o.dzi") == []


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_killed_run_is_gone_on_with(slides, tmp_path):
    at_once = "from tileframe import journal; journal.EVERY = 0.0; from tileframe_start.command import main; main()"
    where = [f"{slides / 'squares.svs'}", "-o", f"{tmp_path / 'killed' / 'o'}"]
    command = [sys.executable, "-c", at_once, "run", *where, "--skip-blank", "--workers", "1", "-q"]
    # Of many tiles, so that it is killed in their midst.
    command += ["--format", "png", "--tile-size", "64", "--region", "0,0,1800,1800"]
    running = subprocess.Popen(command)
    notes = scratch_of(tmp_path / "killed" / "o") / NOTES
    end = time.monotonic() + 60
    while not (notes.is_file() and notes.stat().st_size > 30_000) and running.poll() is None:
        assert time.monotonic() < end
        time.sleep(0.01)
    running.kill()
    assert running.wait() == -signal.SIGKILL
    assert subprocess.run([*command, "--resume"], check=False).returncode == 0
    (tmp_path / "whole").mkdir()
    run(
        slides / "squares.svs",
        tmp_path / "whole" / "o",
        skip_blank=0,
        format="png",
        tile_size=64,
        region=(0, 0, 1800, 1800),
    )
    assert files(tmp_path / "killed" / "o") == files(tmp_path / "whole" / "o")
    assert manifest(tmp_path / "killed" / "o.dzi")["tiles"] == manifest(tmp_path / "whole" / "o.dzi")["tiles"]
