"""What a run looks at before it shows anything: every key, no other, every size, and a sample decoded."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.pictures import gradient, photo, png
from tests.streamed import RawWriter, Slide
from tileframe import Access, CheckError, Report, Size, run
from tileframe.pixels import Pixels
from tileframe.quickcheck import SAMPLE
from tileframe.registry import Registry
from tileframe_start.command import run_command
from tileframe_stores.directory import DirectoryStore

Made = Callable[..., Report]


@pytest.fixture
def made(tmp_path: Path, registry: Registry) -> Made:
    """Make a pyramid of so few tiles that each is in the sample."""
    slide = png(tmp_path / "a.png", photo(300, 200))

    def make(**options: object) -> Report:
        how = {"tile_size": 100, "overlap": 0, "format": "png", "backend": "stream", "registry": registry}
        how |= options
        return run(slide, tmp_path / "new" / "o", **how)  # type: ignore[arg-type]

    return make


def changed(monkeypatch: pytest.MonkeyPatch, change: Callable[[str, bytes], dict[str, bytes]]) -> None:
    """Have the store keep what ``change`` makes of a tile: none, itself, or several."""
    put = DirectoryStore.put

    def instead(self: DirectoryStore, key: str, data: bytes) -> None:
        for name, content in (change(key, data) if "/" in key else {key: data}).items():
            put(self, name, content)

    monkeypatch.setattr(DirectoryStore, "put", instead)


def test_all_tiles_are_in_the_sample(made):
    assert made().tiles == SAMPLE


@pytest.mark.parametrize("key", ["o_files/9/1_1.png", "o_files/9/2_0.png", "o_files/8/0_0.png", "o_files/0/0_0.png"])
def test_a_tile_that_the_store_damages_is_refused_though_its_header_is_sound(key, made, monkeypatch, tmp_path):
    changed(monkeypatch, lambda name, data: {name: data[:-14] if name == key else data})
    with pytest.raises(CheckError, match=rf"^{key}: "):
        made()
    assert os.listdir(tmp_path) == ["a.png"]


def test_a_tile_of_a_large_pyramid_is_found_damaged_where_all_are(registry, monkeypatch, tmp_path):
    slide = png(tmp_path / "a.png", photo(600, 400))
    changed(monkeypatch, lambda name, data: {name: data[:-14]})
    with pytest.raises(CheckError, match=r"o_files/\d+/\d+_\d+\.jpeg: "):
        run(slide, tmp_path / "o", tile_size=50, backend="stream", registry=registry)
    assert os.listdir(tmp_path) == ["a.png"]


class Careless(RawWriter):
    """Its tiles have a header that says their size, and no pixels."""

    def encode(self, pixels: Pixels) -> bytes:
        return super().encode(pixels)[:8]

    def decode(self, data: bytes) -> Pixels:
        size = self.size(data)
        if len(data) != 8 + 3 * size.area:
            raise CheckError("it is cut short")
        return np.zeros((size.height, size.width, 3), np.uint8)


def test_a_tile_that_the_writer_makes_wrong_is_refused_though_its_header_is_sound(tmp_path):
    slide = Slide(tmp_path, gradient(30, 20), Access.REGIONS)
    slide.writer = Careless()
    with pytest.raises(CheckError, match=r"^a_files/\d/0_0\.raw: it is cut short$"):
        slide.run("out")
    assert os.listdir(tmp_path) == ["slide.streamed"]


def test_a_missing_tile_is_refused_by_its_key(made, monkeypatch, tmp_path):
    changed(monkeypatch, lambda name, data: {} if name in ("o_files/9/1_1.png", "o_files/9/2_1.png") else {name: data})
    with pytest.raises(CheckError, match=r"^o_files/9/1_1\.png: the tile is missing \(2 of 16 are\)$"):
        made()
    assert os.listdir(tmp_path) == ["a.png"]


@pytest.mark.parametrize("other", ["o_files/9/3_0.png", "o_files/10/0_0.png", "o_files/9/0_0.jpeg", "o_files/x"])
def test_a_file_that_is_no_tile_of_the_pyramid_is_refused_by_its_key(other, made, monkeypatch, tmp_path):
    changed(monkeypatch, lambda name, data: {name: data} | ({other: data} if name.endswith("9/0_0.png") else {}))
    with pytest.raises(CheckError, match=rf"^{other}: no such tile belongs to the pyramid \(1 do not\)$"):
        made()
    assert os.listdir(tmp_path) == ["a.png"]


def test_a_tile_that_never_came_through_the_job_is_looked_at_too(made, monkeypatch, tmp_path):
    adopt = DirectoryStore.adopt

    def shortened(self: DirectoryStore, folder: Path, key: str) -> None:
        small = next(folder.rglob("0_0.png")).parent.parent / "9" / "2_1.png"
        png(small, photo(100, 99))
        adopt(self, folder, key)

    monkeypatch.setattr(DirectoryStore, "adopt", shortened)
    with pytest.raises(CheckError, match=r"^o_files/9/2_1\.png: the tile is 100x99, not 100x100$"):
        made(backend="vips")
    assert os.listdir(tmp_path) == ["a.png"]


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_the_second_copy_of_a_tile_is_looked_at_too(damage, made, monkeypatch, tmp_path):
    def change(name: str, data: bytes) -> dict[str, bytes]:
        if "full/max" not in name:
            return {name: data}
        return {name: data[:-14]} if damage == "cut" else {}

    changed(monkeypatch, change)
    with pytest.raises(CheckError, match=r"^o/full/max/0/default\.png: "):
        made(layout="iiif3", tile_size=256, overlap=None)
    assert os.listdir(tmp_path) == ["a.png"]


def test_the_command_exits_with_5(made, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    png(tmp_path / "b.png", photo(30, 20))
    changed(monkeypatch, lambda name, data: {name: data[:-14]})
    assert run_command(["run", "b.png", "--format", "png", "--backend", "stream"]) == 5
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (tmp_path / "b.dzi").exists()


def test_the_sizes_of_the_report_are_those_of_the_files(made):
    report = made()
    files = [path for path in Path(report.target).with_name("o_files").rglob("*") if path.is_file()]
    assert (report.tiles, report.size) == (len(files), Size(300, 200))
    assert report.tile_bytes == sum(path.stat().st_size for path in files)
