"""Rows that are decoded apart, of JPEGs with restart markers and TIFFs in strips: as one pass from the top has them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.pictures import photo
from tests.pyramids import tiles
from tests.streamed import Slide, StreamedSource
from tileframe import Access, Box, InputError, OnError, RowsApart, Size, open_slide, run
from tileframe.pixels import Pixels
from tileframe.testing import gradient
from tileframe_vips.restarts import Bands

WIDTH, HEIGHT = 403, 611
PHOTO = photo(WIDTH, HEIGHT)
CODINGS: dict[str, dict[str, Any]] = {
    "4:4:4": {"subsampling": "4:4:4"},
    "4:2:2": {"subsampling": "4:2:2"},
    "4:2:0": {"subsampling": "4:2:0"},
    "grey": {"mode": "L"},
    "RGB": {"keep_rgb": True},
    "with EXIF": {"exif": b"Exif\0\0" + bytes(5000)},
}
RESTARTS: dict[str, dict[str, Any]] = {
    "each row": {"restart_marker_rows": 1},
    "each third row": {"restart_marker_rows": 3},
    "each MCU": {"restart_marker_blocks": 1},
    "now and then": {"restart_marker_blocks": 10},
}
EACH_ROW = RESTARTS["each row"]


def saved(path: Path, mode: str = "RGB", **how: Any) -> Path:
    Image.fromarray(PHOTO).convert(mode).save(path, "JPEG", **{"quality": 90, **how})
    return path


def from_the_top(path: Path) -> Pixels:
    with open_slide(path, reader="vips") as source:
        return source.read(Box(0, 0, WIDTH, HEIGHT))


def apart(path: Path, boxes: list[Box]) -> Iterator[tuple[Box, Pixels]]:
    with open_slide(path, reader="vips") as source:
        assert isinstance(source, RowsApart)
        assert source.find_rows()
        for box in boxes:
            into = np.empty((box.height, box.width, 3), np.uint8)
            source.rows(box, into)
            yield box, into


# Every coding and every spacing of the markers, each with half of the others.
PAIRS = [
    pytest.param(coding, restarts, id=f"{name}-{spacing}", marks=[] if (one + other) % 2 else pytest.mark.thorough)
    for one, (name, coding) in enumerate(CODINGS.items())
    for other, (spacing, restarts) in enumerate(RESTARTS.items())
]


@pytest.mark.parametrize(("coding", "restarts"), PAIRS)
def test_rows_that_are_decoded_apart_are_those_of_one_pass(coding, restarts, tmp_path):
    path = saved(tmp_path / "a.jpg", **coding, **restarts)
    expected = from_the_top(path)
    rows = [(0, 1), (600, 611), (100, 356), (15, 17), (16, 32), (0, 611), (257, 300)]
    for box, found in apart(path, [Box(0, top, WIDTH, end - top) for top, end in rows]):
        assert np.array_equal(found, expected[box.y : box.bottom]), box


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"progressive": True, **EACH_ROW},
        {"restart_marker_rows": 30},  # too far apart to be of use
        {"exif": b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0", **EACH_ROW},
    ],
    ids=["no markers", "progressive", "few markers", "to be turned"],
)
def test_what_cannot_be_decoded_apart_says_so(how, tmp_path):
    with open_slide(saved(tmp_path / "a.jpg", **how), reader="vips") as source:
        assert isinstance(source, RowsApart)
        assert not source.find_rows()
        with pytest.raises(InputError):
            source.rows(Box(0, 0, WIDTH, 1), np.empty((1, WIDTH, 3), np.uint8))


@pytest.mark.parametrize("overlap", [0, 1])
def test_many_workers_decode_a_jpeg_apart_and_make_the_bytes_of_one(overlap, tmp_path, monkeypatch, registry):
    bands: list[Box] = []
    decoded = Bands.read

    def read(self: Bands, box: Box) -> Pixels:
        bands.append(box)
        return decoded(self, box)

    monkeypatch.setattr(Bands, "read", read)
    path = saved(tmp_path / "a.jpg", **EACH_ROW)
    made = {}
    for workers in (1, 2, 3, 8):
        bands.clear()
        how: dict[str, Any] = {"tile_size": 64, "overlap": overlap, "workers": workers, "backend": "stream"}
        target = run(path, tmp_path / f"{workers}", registry=registry, **how).target
        made[workers] = sorted((key, file.read_bytes()) for key, file in tiles(target).items())
        assert len(bands) == (3 if workers > 2 else 0)  # strips are 256 pixels high
    assert made[1] == made[2] == made[3] == made[8]


def corrupted() -> dict[str, bytes]:
    """Damage of each kind, and what is none."""
    file = io.BytesIO()
    Image.fromarray(PHOTO).save(file, "JPEG", quality=90, **EACH_ROW)
    good = file.getvalue()
    third, half = good.index(b"\xff\xd3"), good.index(b"\xff\xd4", len(good) // 2)
    return {
        "a marker is missing": good[:third] + good[third + 2 :],
        "a marker has another number": good[:third] + b"\xff\xd5" + good[third + 2 :],
        "a row is missing": good[:third] + good[good.index(b"\xff\xd4", third) :],
        "data are missing": good[: half - 300] + good[half:],
        "words hide that data are missing": good[:third] + b"more" + good[third : half - 300] + good[half:],
        "it ends early": good[:half],
        "it ends early, with an end marker": good[:half] + b"\xff\xd9",
        "the last data are missing": good[:-100] + b"\xff\xd9",
    }


@pytest.mark.parametrize("name", corrupted())
def test_damage_is_refused_with_the_words_of_one_pass(name, tmp_path, registry):
    path = tmp_path / "a.jpg"
    path.write_bytes(corrupted()[name])
    said = []
    for workers in (1, 4):
        with pytest.raises(InputError, match="the JPEG is damaged") as found:
            run(path, tmp_path / "o" / "a", workers=workers, backend="stream", registry=registry)
        said.append(str(found.value).partition(" (rows ")[0])
        assert not (tmp_path / "o").exists()
    assert said[0] == said[1]


def test_bytes_before_a_marker_that_lose_no_pixel_are_passed_over(tmp_path):
    data = saved(tmp_path / "a.jpg", **EACH_ROW).read_bytes()
    third = data.index(b"\xff\xd3")
    path = tmp_path / "b.jpg"
    path.write_bytes(data[:third] + b"more" + data[third:])
    ((_, found),) = apart(path, [Box(0, 0, WIDTH, HEIGHT)])
    assert np.array_equal(found, from_the_top(path))
    assert np.array_equal(found, from_the_top(tmp_path / "a.jpg"))


def test_a_source_that_is_closed_gives_no_rows(tmp_path):
    with open_slide(saved(tmp_path / "a.jpg", **EACH_ROW), reader="vips") as source:
        assert isinstance(source, RowsApart)
        assert source.find_rows()
    with pytest.raises(InputError, match="was closed"):
        source.rows(Box(0, 0, WIDTH, 1), np.empty((1, WIDTH, 3), np.uint8))


@pytest.mark.parametrize(
    "saving",
    [
        {"compression": "tiff_lzw"},
        {"compression": "tiff_adobe_deflate", "mode": "L"},
        {"compression": "jpeg"},
        {"mode": "RGBA"},
        {"compression": "tiff_lzw", "mode": "P"},
    ],
    ids=lambda saving: " ".join(saving.values()),
)
def test_strips_of_a_tiff_are_decoded_apart(saving, tmp_path, registry):
    path = tmp_path / "a.tif"
    Image.fromarray(PHOTO).convert(saving.get("mode", "RGB")).save(
        path, "TIFF", compression=saving.get("compression"), tiffinfo={278: 16}
    )
    with open_slide(path) as source:
        assert source.facts.access is Access.ROWS
        assert isinstance(source, RowsApart)
        assert source.find_rows()
        expected, found = source.read(Box(0, 0, WIDTH, HEIGHT)), np.empty((HEIGHT, WIDTH, 3), np.uint8)
        for top, end in ((600, HEIGHT), (0, 100), (100, 101), (101, 600)):
            source.rows(Box(0, top, WIDTH, end - top), found[top:end])
    assert np.array_equal(found, expected)
    how: dict[str, Any] = {"format": "png", "backend": "stream", "registry": registry}
    one, many = (run(path, tmp_path / f"{workers}", workers=workers, **how).target for workers in (1, 4))
    assert {key: file.read_bytes() for key, file in tiles(one).items()} == {
        key: file.read_bytes() for key, file in tiles(many).items()
    }


class ApartSource(StreamedSource):
    """Gives rows in any order, the later ones sooner, and remembers which."""

    def find_rows(self) -> bool:
        return True

    def rows(self, box: Box, into: Pixels) -> None:
        self._slide.boxes.append(box)
        self._slide.fault(box.y)
        into[:] = self._slide.pixels[box.y : box.bottom]


class ApartSlide(Slide):
    def open(self, path: Path, *, background: object = None) -> StreamedSource:
        return ApartSource(self)


@pytest.mark.parametrize("overlap", [pytest.param(0, marks=pytest.mark.thorough), 3])
def test_strips_that_come_in_any_order_make_the_same_pyramid(overlap, tmp_path):
    import time

    slide = ApartSlide(
        tmp_path, gradient(Size(700, 2900)), Access.ROWS, fault=lambda y: time.sleep(0.03 * (y // 256 % 3 == 0))
    )
    how: dict[str, Any] = {"tile_size": 64, "overlap": overlap}
    one = slide.run("one", workers=1, **how).target
    slide.boxes.clear()
    five = slide.run("five", workers=5, **how).target
    assert sorted(box.y for box in slide.boxes) == list(range(0, 2900, 256))
    assert {key: file.read_bytes() for key, file in tiles(one).items()} == {
        key: file.read_bytes() for key, file in tiles(five).items()
    }


def test_a_fault_in_any_strip_ends_the_run_with_its_rows(tmp_path):
    def fault(y: int) -> None:
        if y == 512:
            raise InputError("a row is damaged")

    slide = ApartSlide(tmp_path, gradient(Size(700, 2900)), Access.ROWS, fault=fault)
    with pytest.raises(InputError, match=r"^a row is damaged \(rows 512 to 767 of the base\)$"):
        slide.run("out", workers=4, tile_size=64)
    assert not (tmp_path / "out").exists()


def test_rows_are_read_in_order_where_what_fails_is_filled(tmp_path):
    slide = ApartSlide(tmp_path, gradient(Size(300, 900)), Access.ROWS)
    slide.run("out", workers=4, on_error=OnError.FILL)
    assert [box.y for box in slide.boxes] == list(range(900))
