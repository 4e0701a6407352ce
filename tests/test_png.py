"""Whether a PNG goes on to its end."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.pictures import gradient
from tileframe_damage.png import PNG_END, PNG_SIGNATURE, png_is_complete

PICTURE = gradient(23, 17)


def by_pillow() -> bytes:
    file = io.BytesIO()
    Image.fromarray(PICTURE).save(file, "PNG")
    return file.getvalue()


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def by_hand(*, piece: int, comment: bytes = b"") -> bytes:
    """A PNG whose compressed pixels are cut into chunks of ``piece`` bytes."""
    height, width, _ = PICTURE.shape
    packed = zlib.compress(b"".join(b"\0" + row.tobytes() for row in PICTURE))
    pieces = [chunk(b"IDAT", packed[start : start + piece]) for start in range(0, len(packed), piece)]
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return PNG_SIGNATURE + header + chunk(b"tEXt", b"Comment\0" + comment) + b"".join(pieces) + PNG_END


def is_complete(data: bytes) -> bool:
    return png_is_complete(io.BytesIO(data))


def test_a_complete_file_is_complete():
    assert is_complete(by_pillow())


def test_a_file_without_its_last_byte_is_not():
    assert not is_complete(by_pillow()[:-1])


def test_a_file_without_its_end_chunk_is_not():
    assert not is_complete(by_pillow().removesuffix(PNG_END))


@given(st.integers(0, len(by_pillow()) - 1))
def test_a_file_cut_anywhere_is_not(length):
    assert not is_complete(by_pillow()[:length])


def test_an_empty_file_is_not():
    assert not is_complete(b"")


@pytest.mark.parametrize("trailing", [b"\0", b"\n", bytes(5000), b"appended by a camera", PNG_END[:-1]])
def test_bytes_after_the_end_do_not_matter(trailing):
    assert is_complete(by_pillow() + trailing)


def test_bytes_appended_to_a_cut_file_do_not_complete_it():
    assert not is_complete(by_pillow().removesuffix(PNG_END) + bytes(100))


@pytest.mark.parametrize("piece", [1, 7, 10_000])
@pytest.mark.parametrize("trailing", [b"", b"more"], ids=["alone", "followed"])
def test_the_pixels_may_be_in_many_small_chunks(piece, trailing):
    data = by_hand(piece=piece)
    with Image.open(io.BytesIO(data)) as image:
        assert np.array_equal(np.asarray(image), PICTURE)
    assert is_complete(data + trailing)


@pytest.mark.parametrize("removed", [1, 12, 13, 40])
def test_a_cut_among_many_small_chunks_is_seen(removed):
    assert not is_complete(by_hand(piece=5)[:-removed])


def test_an_end_chunk_quoted_in_a_comment_is_no_end():
    data = by_hand(piece=10_000, comment=b"IEND" + PNG_END + b" is how a PNG ends")
    assert is_complete(data + b"more")
    assert not is_complete(data.removesuffix(PNG_END))


def test_a_chunk_that_claims_more_than_there_is_does_not_end_the_file():
    header_end = len(PNG_SIGNATURE) + 25
    data = by_pillow()
    assert not is_complete(data[:header_end] + struct.pack(">I", 0xFFFFFFFF) + data[header_end + 4 :] + b"more")


def test_only_headers_are_read_of_a_large_file():
    class Counting(io.BytesIO):
        taken = 0

        def read(self, size: int | None = -1, /) -> bytes:
            found = super().read(size)
            self.taken += len(found)
            return found

    file = Counting(by_hand(piece=10_000, comment=bytes(1_000_000)) + b"more")
    assert png_is_complete(file)
    assert file.taken < 100
