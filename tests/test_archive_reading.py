"""Archives of ours and of others are read by our own index; what is wrong with one is said in a line."""

from __future__ import annotations

import os
import struct
import threading
import tracemalloc
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.archived import DESCRIPTOR, LAYOUT, TILES, finished, place, prepared, zipped
from tileframe import InputError, TileAddress
from tileframe_storage.zipformat import (
    TOO_MANY,
    Directory,
    end_records,
)
from tileframe_stores.stored_archive import StoredArchive


def test_an_archive_may_be_renamed_and_keeps_its_name_inside(tmp_path):
    finished(tmp_path).rename(tmp_path / "moved.zip")
    stored = StoredArchive(place(tmp_path, "moved"))
    assert stored.name == "out"
    assert stored.get("out.dzi") == DESCRIPTOR
    assert sorted(stored.keys("out_files")) == sorted(TILES)
    stored.close()


def test_the_index_keeps_no_names(tmp_path):
    count = 3_000
    store = prepared(tmp_path)
    for number in range(count):
        store.put(f"out_files/16/{number}_0.png", b"")
    store.commit({"out.dzi": DESCRIPTOR})
    store.discard()
    StoredArchive(place(tmp_path)).close()  # loads what is loaded once
    tracemalloc.start()
    stored = StoredArchive(place(tmp_path))
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    stored.close()
    assert kept / count < 40  # in bytes: a dictionary of names takes 200


@pytest.mark.parametrize("has_pread", [True, False])
def test_many_threads_read_at_once(has_pread, tmp_path, monkeypatch):
    finished(tmp_path)
    if not has_pread:
        monkeypatch.delattr(os, "pread", raising=False)
    stored = StoredArchive(place(tmp_path))
    barrier = threading.Barrier(6)

    def read(_: int) -> bool:
        barrier.wait()
        return all(stored.get(key) == data for _ in range(30) for key, data in TILES.items())

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(read, range(6)))
    stored.close()


def test_an_archive_of_another_program_can_be_read(tmp_path):
    """With folders, a comment, extra fields and, as in a pipe, lengths after the data."""
    path = tmp_path / "out.zip"
    with path.open("wb") as file, zipfile.ZipFile(Unseekable(file), "w") as archive:  # type: ignore[call-overload]
        archive.mkdir("out")
        archive.comment = b"PK\5\6 is in this comment"
        info = zipfile.ZipInfo("out/out_files/0/0_0.png")
        info.extra = struct.pack("<2H4s", 0x9999, 4, b"more")
        archive.writestr(info, b"tile")
    stored = StoredArchive(place(tmp_path))
    assert list(stored.keys("")) == ["out_files/0/0_0.png"]
    assert stored.get("out_files/0/0_0.png") == b"tile"
    stored.close()


class Unseekable:
    """A file as zipfile sees a pipe."""

    def __init__(self, file: object) -> None:
        self.write, self.flush = file.write, file.flush  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("out/../../thesis.txt", r"has a member 'out/\.\./\.\./thesis\.txt', whose name would lead out of its folder"),
        ("/etc/passwd", "would lead out"),
        ("out\\thesis.txt", "would lead out"),
        ("C:/thesis.txt", "would lead out"),
        ("out//thesis.txt", "would lead out"),
        ("out/./thesis.txt", "would lead out"),
        ("thesis.txt", "has a member 'thesis.txt' outside of the pyramid's folder"),
        ("other/out.dzi", "has members in 'out' and in 'other'; all must be in one folder"),
        ("out/a\n\u202eb/../c", r"has a member 'out/a\\n\\u202eb/\.\./c'"),
        ("out/out.dzi", "has two members of the same name"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_archive_with_a_strange_member_is_refused(name, said, tmp_path):
    zipped(tmp_path / "out.zip", "out/out.dzi", name)
    with pytest.raises(InputError, match=said):
        StoredArchive(place(tmp_path))


def test_a_compressed_member_is_refused(tmp_path):
    zipped(tmp_path / "out.zip", "out/out.dzi", compression=zipfile.ZIP_DEFLATED)
    with pytest.raises(InputError, match=r"has a compressed member, 'out/out\.dzi'; members must be stored \(zip -0\)"):
        StoredArchive(place(tmp_path))


def changed(path: Path, old: bytes, new: bytes, *, last: bool = True) -> None:
    """Write ``new`` over the last, or the first, occurrence of ``old``."""
    data = bytearray(path.read_bytes())
    at = data.rindex(old) if last else data.index(old)
    data[at : at + len(new)] = new
    path.write_bytes(data)


def test_an_encrypted_member_is_refused(tmp_path):
    zipped(tmp_path / "out.zip", "out/out.dzi")
    changed(tmp_path / "out.zip", b"PK\1\2", b"PK\1\2\x14\0\x14\0\1")
    with pytest.raises(InputError, match=r"has an encrypted member, 'out/out\.dzi'"):
        StoredArchive(place(tmp_path))


@pytest.mark.parametrize("kept", [0, 10, 21, 100, 500, -1, -22, -23, -60, -300])
def test_a_cut_archive_is_refused(kept, tmp_path):
    path = finished(tmp_path)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(InputError, match=r"out\.zip: is no zip file, or one that was cut off"):
        StoredArchive(place(tmp_path))


@pytest.mark.parametrize(
    ("field", "value"),
    [(8, b"\x0c\0\x0c\0"), (12, b"\xff\xff\xff\x7f"), (16, b"\xff\xff\xff\x7f"), (16, bytes(4)), (4, b"\1\0")],
    ids=["count", "size", "start", "start of the file", "another disk"],
)
def test_a_directory_that_cannot_be_is_refused(field, value, tmp_path):
    path = finished(tmp_path)
    data = bytearray(path.read_bytes())
    data[len(data) - 22 + field : len(data) - 22 + field + len(value)] = value
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"out\.zip: is (damaged|a part of an archive)"):
        StoredArchive(place(tmp_path))


def test_a_member_that_is_said_to_be_huge_is_refused_and_not_allocated(tmp_path):
    path = finished(tmp_path)
    changed(path, b"PK\1\2", b"PK\1\2" + struct.pack("<6H3L", 20, 20, 0x800, 0, 0, 33, 0, 1 << 31, 1 << 31))
    with pytest.raises(InputError, match=r"is damaged: 'out/out\.sha256' is said to lie outside of it"):
        StoredArchive(place(tmp_path))


def test_a_zip64_record_that_is_not_where_it_should_be_is_refused(tmp_path):
    (tmp_path / "out.zip").write_bytes(
        end_records(Directory(0, 0, TOO_MANY))[56:]  # the locator, and nothing to be located
    )
    with pytest.raises(InputError, match="its ZIP64 record is not where it should be"):
        StoredArchive(place(tmp_path))


def test_one_wrong_byte_in_a_tile_is_found(tmp_path):
    changed(finished(tmp_path), TILES["out_files/2/1_0.png"], b"T")
    stored = StoredArchive(place(tmp_path))
    with pytest.raises(InputError, match="its CRC-32 is wrong"):
        stored.get("out_files/2/1_0.png")
    assert stored.get("out_files/2/2_0.png") == TILES["out_files/2/2_0.png"]
    stored.close()


def test_a_member_whose_own_header_has_another_name_is_damaged(tmp_path):
    changed(finished(tmp_path), b"out/out_files/2/1_0.png", b"out/out_files/2/9_9.png", last=False)
    stored = StoredArchive(place(tmp_path))
    with pytest.raises(InputError, match="what is stored there is something else"):
        stored.get("out_files/2/1_0.png")
    stored.close()


def test_an_archive_cut_off_while_it_is_read_is_damaged(tmp_path):
    path = finished(tmp_path)
    stored = StoredArchive(place(tmp_path))
    os.truncate(path, 50)
    with pytest.raises(InputError, match="damaged"):
        stored.get("out.dzi")
    with pytest.raises(InputError, match="cut off"):
        list(stored.keys(""))
    stored.close()


@pytest.mark.parametrize("kind", ["nothing", "a folder", "an empty zip"])
def test_what_is_no_archive_cannot_be_opened(kind, tmp_path):
    if kind == "a folder":
        (tmp_path / "out.zip").mkdir()
    elif kind == "an empty zip":
        zipped(tmp_path / "out.zip")
    with pytest.raises(InputError, match=r"out\.zip: (cannot be read|is no file|is empty)"):
        StoredArchive(place(tmp_path))


def test_a_closed_archive_says_so(tmp_path):
    finished(tmp_path)
    stored = StoredArchive(place(tmp_path))
    stored.close()
    with pytest.raises(InputError, match="cannot be read"):
        stored.get("out.dzi")


@given(st.data())
@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_anywhere_is_an_input_error_or_harmless(tmp_path, data):
    sound = tmp_path / "out.zip"
    if not sound.exists():
        finished(tmp_path)
    damaged = bytearray(sound.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    start = data.draw(st.integers(0, 20))
    (tmp_path / "bad.zip").write_bytes(damaged[start * (start > 18) :])
    try:
        stored = StoredArchive(place(tmp_path, "bad"))
    except InputError:
        return
    for key in stored.keys(""):
        try:
            found = stored.get(key)
        except InputError:
            continue
        assert key not in TILES or found == TILES[key]
    stored.close()


def test_the_tiles_of_a_pyramid_are_found_by_their_address(tmp_path):
    finished(tmp_path)
    stored = StoredArchive(place(tmp_path))
    tiles = {LAYOUT.address(key) for key in stored.keys(LAYOUT.folder)}
    assert tiles == {TileAddress(level, col, 0) for level in range(3) for col in range(3)}
    stored.close()
