"""`--on-error fill`: background where a slide cannot be read, one of its own tiles at a time, and named."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.pictures import damage_tile, jpeg, photo, svs
from tests.pyramids import assembled, differing, manifest
from tileframe import Box, InputError, OptionError, journal, reading, run, verify
from tileframe.pixels import Pixels
from tileframe_start.command import run_command
from tileframe_tiff.tiles import TiledSource

BAD = Box(256, 256, 256, 256)
"""What the second tile of the second row shows."""
INDEX = 6
"""Of that tile, of five across."""


@pytest.fixture(scope="module")
def slides(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a slide whose tiles are good, and the same with a tile that cannot be decoded."""
    folder = tmp_path_factory.mktemp("slides")
    svs(folder / "good.svs", photo(1100, 1000), levels=(1,))
    svs(folder / "bad.svs", photo(1100, 1000), levels=(1,))
    damage_tile(folder / "bad.svs", INDEX)
    jpeg(folder / "good.jpg", photo(900, 1000))
    data = (folder / "good.jpg").read_bytes()
    (folder / "bad.jpg").write_bytes(data[: len(data) // 2])
    return folder


@pytest.fixture(scope="module")
def good(slides: Path, tmp_path_factory: pytest.TempPathFactory) -> Pixels:
    """What everybody reads of the good slide."""
    pixels = base(slides / "good.svs", tmp_path_factory.mktemp("good"))
    pixels.flags.writeable = False
    return pixels


def base(slide: Path, folder: Path, name: str = "o", **how: Any) -> Pixels:
    report = run(slide, folder / name, format="png", on_error="fill", **how)
    return assembled(report.target, report.levels - 1)


# Both readers by `stream`; by the others, which are read for alike, one of the two.
@pytest.mark.parametrize(
    ("backend", "reader"),
    [
        ("stream", "tiff"),
        ("stream", "openslide"),
        ("vips", "tiff"),
        ("openslide", "openslide"),
        pytest.param("vips", "openslide", marks=pytest.mark.thorough),
        pytest.param("openslide", "tiff", marks=pytest.mark.thorough),
    ],
)
def test_one_tile_of_the_slide_becomes_background_and_nothing_else(backend, reader, slides, good, tmp_path):
    found, good = base(slides / "bad.svs", tmp_path, backend=backend, reader=reader, workers=3), good.copy()
    good[BAD.y : BAD.bottom, BAD.x : BAD.right] = 255
    assert np.array_equal(found, good)


@pytest.mark.parametrize("name", ["bad.svs", "bad.jpg"])
def test_all_backends_make_the_same_of_it(name, slides, tmp_path):
    for backend in ("stream", "vips", "openslide"):
        base(slides / name, tmp_path, backend, backend=backend)
    assert differing(tmp_path / "stream.dzi", tmp_path / "vips.dzi") == []
    assert differing(tmp_path / "stream.dzi", tmp_path / "openslide.dzi") == []


@pytest.mark.parametrize(
    "how",
    [
        {"region": (100, 70, 900, 800)},
        {"executor": "processes"},
        {"background": "#102030"},
        {"tile_size": 256, "overlap": 0, "layout": "google"},
    ],
    ids=str,
)
def test_so_it_is_with(how, slides, good, tmp_path):
    if "layout" in how:
        report = run(slides / "bad.svs", tmp_path / "o", format="png", on_error="fill", **how)
        assert report.filled == len(_levels_of_one_tile(report.levels))
        return
    x, y, width, height = how.get("region", (0, 0, *good.shape[1::-1]))
    good = good[y : y + height, x : x + width].copy()
    found = base(slides / "bad.svs", tmp_path, **how)
    colour = (16, 32, 48) if "background" in how else (255, 255, 255)
    good[BAD.y - y : BAD.bottom - y, BAD.x - x : BAD.right - x] = colour
    assert np.array_equal(found, good)


def _levels_of_one_tile(levels: int) -> range:
    return range(levels)  # a tile of the slide on its own grid is one tile of each level


def test_tiles_that_are_passed_through_are_the_slides_own_but_for_that_one(slides, tmp_path):
    report = run(slides / "bad.svs", tmp_path / "o", passthrough=True, on_error="fill")
    found = assembled(report.target, report.levels - 1)
    assert np.abs(found[BAD.y : BAD.bottom, BAD.x : BAD.right].astype(int) - 255).max() <= 1
    whole = run(slides / "good.svs", tmp_path / "good", passthrough=True)
    assert report.passed_through == whole.passed_through - 1


def test_rows_that_cannot_be_read_are_background_to_the_end(slides, tmp_path):
    found, good = base(slides / "bad.jpg", tmp_path), base(slides / "good.jpg", tmp_path, "good")
    last = int(np.flatnonzero((found != 255).any((1, 2)))[-1])
    assert 300 < last < 700
    assert np.array_equal(found[: last - 40], good[: last - 40])
    assert (found[last + 1 :] == 255).all()


def test_the_tiles_are_counted_and_named_everywhere(slides, tmp_path, capsys):
    command = ["run", str(slides / "bad.svs"), "-o", str(tmp_path / "o"), "--on-error", "fill", "--viewer"]
    assert run_command(command) == 5
    captured = capsys.readouterr()
    tiles = manifest(tmp_path / "o.dzi")["tiles"]
    # The overlap of the tiles around it reaches into it.
    assert {f"o_files/11/{col}_{row}.jpeg" for col in (1, 2) for row in (1, 2)} <= set(tiles["filled_keys"])
    assert tiles["filled"] == len(tiles["filled_keys"])
    count = f"{tiles['filled']} of"
    assert captured.err.splitlines()[-1].startswith(f"tileframe: {count}")
    assert str(tmp_path / "o.dzi") in captured.out
    found = {finding.key for finding in verify(tmp_path / "o.dzi") if finding.check == "filled"}
    assert found == set(tiles["filled_keys"])
    assert run_command(["verify", str(tmp_path / "o.dzi"), "-q"]) == 5
    assert run_command(["info", str(tmp_path / "o.dzi")]) == 0
    assert f"{tiles['filled']} tiles show background" in capsys.readouterr().out
    assert "show background where the slide could not be read" in (tmp_path / "o.html").read_text()


@pytest.mark.parametrize("name", ["bad.svs", "bad.jpg"])
def test_the_tiles_can_be_compared_with_the_slide(name, slides, tmp_path):
    run(slides / name, tmp_path / "o", on_error="fill")
    assert {finding.check for finding in verify(tmp_path / "o.dzi", against=slides / name)} == {"filled"}


def test_of_many_tiles_some_are_named_and_all_are_counted(slides, tmp_path, monkeypatch):
    monkeypatch.setattr("tileframe.quickcheck.MOST_FILLED", 2)
    base(slides / "bad.svs", tmp_path)
    tiles = manifest(tmp_path / "o.dzi")["tiles"]
    assert len(tiles["filled_keys"]) == 2
    assert all(key.startswith("o_files/11/") for key in tiles["filled_keys"])
    messages = [finding.message for finding in verify(tmp_path / "o.dzi") if finding.check == "filled"]
    assert f"{tiles['filled'] - 2} more tiles show background where the slide could not be read" in messages


def test_a_good_slide_is_not_touched(slides, tmp_path):
    report = run(slides / "good.svs", tmp_path / "o", on_error="fill")
    assert report.filled == 0
    assert run_command(["run", str(slides / "good.svs"), "-o", str(tmp_path / "p"), "--on-error", "fill", "-q"]) == 0


def test_without_it_the_run_ends(slides, tmp_path):
    with pytest.raises(InputError, match=r"tile 1, 1 of the base cannot be read"):
        run(slides / "bad.svs", tmp_path / "o")
    assert list(tmp_path.iterdir()) == []


def test_another_word_is_an_error(slides, tmp_path):
    with pytest.raises(OptionError, match=r"on_error is one of fail, fill, not 'skip'"):
        run(slides / "bad.svs", tmp_path / "o", on_error="skip")


def test_a_run_that_failed_can_be_gone_on_with_by_filling_and_not_the_other_way(slides, tmp_path, monkeypatch):
    monkeypatch.setattr(journal, "EVERY", 0.0)
    monkeypatch.setattr(journal, "WORTH", 0.0)
    how: dict[str, Any] = {"tile_size": 64, "backend": "openslide", "workers": 1}
    with pytest.raises(InputError):
        run(slides / "bad.svs", tmp_path / "o", **how)
    report = run(slides / "bad.svs", tmp_path / "o", resume=True, on_error="fill", **how)
    assert report.resumed > 0
    assert report.filled > 0

    def stop(tiles: int, pixels: int) -> None:
        if tiles > 250:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(slides / "bad.svs", tmp_path / "p", on_error="fill", progress=stop, **how)
    with pytest.raises(InputError):
        run(slides / "bad.svs", tmp_path / "p", resume=True, **how)


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ETIMEDOUT])
def test_what_may_pass_is_read_again(number, slides, tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "PAUSES", (0.0, 0.0))
    failures: list[Box] = []
    read = TiledSource.read

    def failing(self: TiledSource, box: Box, *, native_level: int = 0) -> Pixels:
        if len(failures) < 2:
            failures.append(box)
            raise InputError(f"bad.svs: cannot be read at byte 5 ([Errno {number}] {os.strerror(number)})")
        return read(self, box, native_level=native_level)

    monkeypatch.setattr(TiledSource, "read", failing)
    report = run(slides / "good.svs", tmp_path / "o", workers=1, on_error="fill")
    assert len(failures) == 2
    assert report.filled == 0


def test_what_does_not_pass_ends_the_run_after_some_tries(slides, tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "PAUSES", (0.0, 0.0, 0.0))
    tries = []

    def failing(self: TiledSource, box: Box, *, native_level: int = 0) -> Pixels:
        tries.append(box)
        raise InputError(f"bad.svs: cannot be read at byte 5 ({os.strerror(errno.EIO)})")

    monkeypatch.setattr(TiledSource, "read", failing)
    with pytest.raises(InputError, match=os.strerror(errno.EIO)):
        run(slides / "good.svs", tmp_path / "o", workers=1)
    assert len(tries) == 4


def test_the_figures_say_it(slides, tmp_path, capsys):
    command = ["run", str(slides / "bad.svs"), "-o", str(tmp_path / "o"), "--on-error=fill", "--json"]
    assert run_command(command) == 5
    assert json.loads(capsys.readouterr().out)["filled"] > 0
