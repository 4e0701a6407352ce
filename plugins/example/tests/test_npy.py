"""NumPy arrays as slides: what no other reader promises."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tileframe import Box, InputError, Rgb, Size, UnsupportedInput
from tileframe.pixels import Pixels
from tileframe_example import tileframe_readers

READER = tileframe_readers()[0]
GREY = np.arange(60, dtype=np.uint8).reshape(6, 10)


def saved(path: Path, array: np.ndarray) -> Path:
    np.save(path, array)
    return path


def whole(path: Path, *, background: Rgb | None = None) -> Pixels:
    with READER.create().open(path, background=background) as source:
        return source.read(Box(0, 0, source.facts.size.width, source.facts.size.height))


@pytest.mark.parametrize(
    "array",
    [
        GREY,
        GREY[:, :, None],
        GREY.astype(np.uint16) << 8,
        GREY.astype(">u2") << 8,
        np.dstack([GREY] * 3),
        np.asfortranarray(np.dstack([GREY] * 3)),
        np.dstack([GREY, np.full_like(GREY, 255)]),
        np.dstack([GREY] * 3 + [np.full_like(GREY, 255)]),
    ],
    ids=["grey", "one channel", "16 bits", "big-endian", "RGB", "columns first", "grey and alpha", "RGBA"],
)
def test_every_kind_of_array_becomes_the_same_rgb(array, tmp_path):
    assert np.array_equal(whole(saved(tmp_path / "a.npy", array)), np.dstack([GREY] * 3))


def test_transparent_pixels_show_the_background_or_white(tmp_path):
    path = saved(tmp_path / "a.npy", np.zeros((2, 3, 4), np.uint8))
    assert whole(path).tolist() == [[[255, 255, 255]] * 3] * 2
    assert whole(path, background=Rgb(1, 2, 3)).tolist() == [[[1, 2, 3]] * 3] * 2


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((4, 5), np.float32), "samples are float32"),
        (np.zeros((4, 5), np.int16), "samples are int16"),
        (np.zeros((4, 5), [("x", "u1")]), "samples are"),
        (np.zeros((4, 5, 7), np.uint8), "7 channels"),
        (np.zeros(4, np.uint8), r"the array is \(4,\)"),
        (np.zeros((2, 2, 4, 3), np.uint8), r"the array is \(2, 2, 4, 3\)"),
        (np.zeros((0, 5), np.uint8), r"the array is \(0, 5\)"),
    ],
    ids=str,
)
def test_other_arrays_are_left_to_other_readers_with_the_reason(array, said, tmp_path):
    with pytest.raises(UnsupportedInput, match=said):
        READER.create().open(saved(tmp_path / "a.npy", array))


def test_the_size_of_a_pixel_is_an_option(tmp_path):
    path = saved(tmp_path / "a.npy", GREY)
    with READER.create(options=READER.resolved({"mpp": "0.5"}, "reader")).open(path) as source:
        assert source.facts.mpp == (0.5, 0.5)
    with READER.create().open(path) as source:
        assert source.facts.mpp is None


def test_another_kind_of_file_is_left_to_other_readers(tmp_path):
    (tmp_path / "a.npy").write_bytes(b"PK\3\4 is an .npz")
    with pytest.raises(UnsupportedInput, match="is no"):
        READER.create().open(tmp_path / "a.npy")


@pytest.mark.parametrize("header", [b"{'descr': '|u1', 'shape': (", b"[\n", b",1", b"\xff", b"{'shape': (-1, 2)}"])
def test_a_damaged_header_is_refused_and_left_to_nobody(header, tmp_path):
    path = tmp_path / "a.npy"
    path.write_bytes(b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header + bytes(99))
    with pytest.raises(InputError, match="damaged or cut") as caught:
        READER.create().open(path)
    assert not isinstance(caught.value, UnsupportedInput)


def test_objects_are_never_unpickled(tmp_path):
    path = tmp_path / "a.npy"
    np.save(path, np.array([[print]], object), allow_pickle=True)
    with pytest.raises(InputError, match="damaged or cut"):
        READER.create().open(path)


def test_a_huge_array_is_read_piece_by_piece(tmp_path):
    side = 40_000  # 1.6 GB, of which the disk holds only what is written
    path = tmp_path / "huge.npy"
    array = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(side, side))
    array[-1, -1] = 200
    array.flush()
    with READER.create().open(path) as source:
        assert source.facts.size == Size(side, side)
        assert source.read(Box(side - 2, side - 1, 2, 1)).tolist() == [[[0] * 3, [200] * 3]]
