"""The Deep Zoom backend on levels that a slide stores, where these do not lie exactly on the pyramid's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.pictures import photo, png
from tests.pyramids import assembled
from tileframe import Access, BaseSource, Box, Fit, NativeLevel, ReaderPlugin, Size, SlideFacts, hookimpl, run, verify
from tileframe import registry as registry_module
from tileframe.pixels import Pixels, halve


class Stored(BaseSource):
    """A slide of known levels, with bounds or without."""

    def __init__(self, levels: list[Pixels], bounds: Box | None) -> None:
        sizes = [Size(level.shape[1], level.shape[0]) for level in levels]
        native = tuple(NativeLevel(size, sizes[0].width / size.width) for size in sizes)
        super().__init__(SlideFacts("stored", sizes[0], Access.REGIONS, bounds=bounds, native_levels=native))
        self.levels = levels
        self.asked: list[int] = []

    def read(self, box: Box, *, native_level: int = 0) -> Pixels:
        self.asked.append(native_level)
        return self.levels[native_level][box.y : box.bottom, box.x : box.right].copy()


class StoredReader:
    """Opens anything as the same `Stored` slide."""

    def __init__(self, levels: list[Pixels], bounds: Box | None = None) -> None:
        self.source = Stored(levels, bounds)

    def open(self, path: Path, *, background: object = None) -> Stored:
        return self.source

    @hookimpl
    def tileframe_readers(self) -> list[ReaderPlugin]:
        return [ReaderPlugin("stored", "in tests", lambda: self, lambda path, head: Fit.NATIVE)]


def tiled(reader: StoredReader, folder: Path) -> str:
    slide = png(folder / "a.png", photo(2, 2))
    options = {"backend": "openslide", "format": "png", "tile_size": 64, "overlap": 2}
    return run(slide, folder / "o", registry=registry_module.load([reader]), **options).target  # type: ignore[arg-type]


def psnr(one: Pixels, other: Pixels) -> float:
    return 10 * np.log10(255**2 / np.mean((one.astype(int) - other) ** 2))


def test_bounds_begin_at_the_same_place_on_stored_levels(tmp_path):
    base = photo(400, 300)
    reader = StoredReader([base, halve(base)], Box(40, 20, 200, 160))
    target = tiled(reader, tmp_path)
    part = base[20:180, 40:240]
    assert np.array_equal(assembled(target, 8), part)
    assert np.array_equal(assembled(target, 7), halve(part))
    assert set(reader.source.asked) == {0, 1}


@pytest.mark.parametrize(("stored", "least"), [(3, 35), (1.5, 32)])
def test_a_stored_level_between_two_of_the_pyramids_is_averaged_not_picked_from(stored, least, tmp_path):
    base = photo(600, 480)
    size = (round(600 / stored), round(480 / stored))
    level = np.asarray(Image.fromarray(base).resize(size, Image.Resampling.BOX))
    target = tiled(StoredReader([base, level]), tmp_path)
    quarter = halve(halve(base))
    assert psnr(assembled(target, 8), quarter) > least


def test_a_stored_level_a_pixel_short_of_the_pyramids_repeats_its_last_row_and_column(tmp_path):
    base = photo(401, 301)
    short = halve(base)[:150, :200]  # rounded down, where the pyramid's 201x151 is rounded up
    target = tiled(StoredReader([base, short]), tmp_path)
    assert np.array_equal(assembled(target, 8)[:150, :200], short)
    assert np.array_equal(assembled(target, 8)[150, :200], short[149])
    assert np.array_equal(assembled(target, 8)[:150, 200], short[:, 199])


def test_levels_that_a_scanner_rounded_down_do_not_drift(tmp_path):
    base = photo(3003, 203)
    quarter = halve(halve(base))[:50, :750]  # 3003 / 4 and 203 / 4, rounded down
    target = tiled(StoredReader([base, quarter]), tmp_path)
    assert np.array_equal(assembled(target, 10)[:50, :750], quarter)


@pytest.mark.parametrize(("apart", "found"), [(22, False), (60, True)])
def test_verify_allows_stored_levels_what_their_backend_promises(apart, found, tmp_path):
    base = (photo(600, 480) // 3 + 60).astype(np.uint8)
    level = halve(base)
    level[:64, :64] += np.uint8(apart)
    reader = StoredReader([base, level])
    registry = registry_module.load([reader])
    report = run(png(tmp_path / "a.png", photo(2, 2)), tmp_path / "o", backend="openslide", format="png", tile_size=64,
                 overlap=0, registry=registry)  # fmt: skip
    findings = verify(report.target, registry=registry)
    assert bool(findings) is found
