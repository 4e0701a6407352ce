"""Pyramids in one zip file: what is in them, and that every zip program opens them."""

from __future__ import annotations

import os
import shutil
import subprocess
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import pytest

import tileframe_stores
from tests.archived import DESCRIPTOR, FILES, LAYOUT, TILES, fill, finished, place, prepared, store_for
from tests.pictures import gradient, png
from tileframe import Location, OutputError, Size, Target, run, verify
from tileframe.facts import WHITE
from tileframe.findings import Severity
from tileframe.records import SourceRecord
from tileframe.testing.made import MadeLayout
from tileframe_storage.members import Members
from tileframe_storage.zipformat import (
    TOO_LARGE,
    TOO_MANY,
    Directory,
    central_record,
    end_records,
    local_header,
)
from tileframe_stores.directory import DirectoryStore
from tileframe_stores.loose import StoredDirectory
from tileframe_stores.stored_archive import StoredArchive

SZI = next(offer for offer in tileframe_stores.tileframe_stores() if offer.name == "szi")


def test_every_file_is_a_stored_member_below_a_folder_of_the_pyramids_name(tmp_path):
    with zipfile.ZipFile(finished(tmp_path)) as archive:
        assert archive.testzip() is None
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
        found = {name: archive.read(name) for name in archive.namelist()}
    whole = {**TILES, "out.sha256": b"0" * 64 + b"  out_files/0/0_0.png\n", "out.dzi": DESCRIPTOR}
    assert found == {f"out/{key}": data for key, data in whole.items()}
    assert os.listdir(tmp_path) == ["out.zip"]


def test_the_directory_begins_with_the_descriptor_and_goes_on_from_the_top_of_the_pyramid(tmp_path):
    with zipfile.ZipFile(finished(tmp_path)) as archive:
        names = archive.namelist()
    assert names[0] == "out/out.dzi"
    assert [name.split("/")[2] for name in names[1:-1]] == ["0"] * 3 + ["1"] * 3 + ["2"] * 3
    assert names[-1] == "out/out.sha256"


def test_a_directory_without_a_descriptor_begins_with_the_top_level(tmp_path):
    layout = MadeLayout(folder="out", described_by="out/info.xml")
    store = store_for(tmp_path, layout=layout)
    store.prepare()
    for level in (1, 0):
        store.put(f"out/{level}/0_0.png", b"tile")
    store.commit({"out/blank.png": b"blank"})
    store.discard()
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.namelist() == ["out/out/0/0_0.png", "out/out/1/0_0.png", "out/out/blank.png"]


def test_two_equal_runs_give_equal_bytes(tmp_path):
    assert finished(tmp_path / "one").read_bytes() == finished(tmp_path / "two").read_bytes()


def test_the_members_are_those_of_the_folder_store(tmp_path):
    fill(prepared(tmp_path))
    loose = Location("file", str(tmp_path / "loose"), "out")
    folder = DirectoryStore(Target(loose, LAYOUT))
    folder.prepare()
    fill(folder)
    one, other = StoredArchive(place(tmp_path)), StoredDirectory(loose)
    keys = sorted(one.keys(""))
    assert keys == sorted([*other.keys("out_files"), *FILES])
    assert {key: one.get(key) for key in keys} == {key: other.get(key) for key in keys}
    one.close()


@pytest.mark.parametrize("layout", ["dzi", "zoomify", "google", "iiif3"])
def test_a_run_writes_the_same_files_into_an_archive_and_into_a_folder(layout, tmp_path):
    slide = png(tmp_path / "slide.png", gradient(700, 600))
    run(slide, tmp_path / "loose" / "out", layout=layout)
    run(slide, tmp_path / "out.zip", layout=layout)
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        members = {name.removeprefix("out/"): archive.read(name) for name in archive.namelist()}
    folder = tmp_path / "loose"
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert members.pop("out.tileframe.json")  # has its own time
    del files["out.tileframe.json"]
    assert members == files


@pytest.mark.parametrize("backend", ["stream", "vips", "openslide"])
def test_every_backend_writes_an_szi_in_which_nothing_is_wrong(backend, tmp_path):
    slide = png(tmp_path / "slide.png", gradient(700, 600))
    assert run(slide, tmp_path / "out.szi", backend=backend).target == str(tmp_path / "out.szi")
    findings = verify(tmp_path / "out.szi", against=slide)
    assert [finding for finding in findings if finding.severity is Severity.ERROR] == []
    assert sorted(os.listdir(tmp_path)) == ["out.szi", "slide.png"]


def test_unzip_finds_no_fault(tmp_path):
    if shutil.which("unzip") is None:
        pytest.skip("unzip is not installed")
    said = subprocess.run(["unzip", "-t", finished(tmp_path)], capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout
    assert "No errors detected" in said.stdout


def test_names_are_utf_8_and_say_so(tmp_path):
    layout = MadeLayout(folder="größe_files", described_by="größe.dzi")
    store = store_for(tmp_path, layout=layout, name="größe")
    store.prepare()
    store.put("größe_files/0/0_0.png", b"tile")
    store.commit({})
    store.discard()
    with zipfile.ZipFile(tmp_path / "größe.zip") as archive:
        assert archive.namelist() == ["größe/größe_files/0/0_0.png"]
        assert archive.infolist()[0].flag_bits == 0x800


@pytest.mark.parametrize("name", ["..", "a\\b", "C:", "\udcff"])
def test_a_name_that_no_archive_can_have_is_refused_before_anything_is_made(name, tmp_path):
    with pytest.raises(OutputError, match="is no name for a folder in an archive"):
        store_for(tmp_path, name=name).prepare()
    assert os.listdir(tmp_path) == []


def test_where_the_system_has_no_gathered_writes_the_bytes_are_the_same(tmp_path, monkeypatch):
    wanted = finished(tmp_path / "one").read_bytes()
    monkeypatch.delattr(os, "writev", raising=False)
    assert finished(tmp_path / "two").read_bytes() == wanted


def test_a_system_that_writes_only_a_part_is_asked_again(tmp_path, monkeypatch):
    wanted, write = finished(tmp_path / "one").read_bytes(), os.write
    monkeypatch.setattr(os, "writev", lambda file, pieces: write(file, b"".join(pieces)[:7]), raising=False)
    monkeypatch.setattr(os, "write", lambda file, data: write(file, data[:100]))
    assert finished(tmp_path / "two").read_bytes() == wanted


def test_more_members_than_a_plain_zip_can_have(tmp_path):
    count = 65_600
    store = prepared(tmp_path)
    for number in range(count):
        store.put(f"out_files/16/{number}_0.png", b"%d" % number)
    store.commit({"out.dzi": DESCRIPTOR})
    store.discard()
    path = tmp_path / "out.zip"
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        assert len(set(names)) == count + 1
        assert archive.read("out/out_files/16/65599_0.png") == b"65599"
    stored = StoredArchive(place(tmp_path))
    assert stored.get("out_files/16/65535_0.png") == b"65535"
    assert sum(map(bool, stored.keys("out_files"))) == count
    stored.close()
    if shutil.which("unzip"):
        said = subprocess.run(["unzip", "-tqq", path], capture_output=True, text=True, check=False)
        assert said.returncode == 0, said.stdout


@pytest.mark.parametrize("count", [TOO_MANY - 1, TOO_MANY])
def test_the_65535th_member_needs_zip64(count):
    end = end_records(Directory(0, 46 * count, count))
    assert (len(end) > 22) == (count == TOO_MANY)


def test_members_beyond_4_gb(tmp_path):
    # A hole in the file stands for 4 GB of members.
    (tmp_path / "archive").touch()
    os.truncate(tmp_path / "archive", TOO_LARGE - 20)
    archive = Members(tmp_path)
    for number in range(3):
        archive.add("0", b"out/out_files/0/%d_0.png" % number, b"tile %d" % number)
    assert archive.get("0", b"out/out_files/0/2_0.png") == b"tile 2"
    archive.finish(["0"])
    path = archive.path.rename(tmp_path / "out.zip")
    with zipfile.ZipFile(path) as read:
        assert read.testzip() is None
        assert [info.header_offset > TOO_LARGE for info in read.infolist()] == [False, True, True]
    stored = StoredArchive(place(tmp_path))
    assert [stored.get(f"out_files/0/{number}_0.png") for number in range(3)] == [b"tile 0", b"tile 1", b"tile 2"]
    stored.close()
    if shutil.which("unzip"):
        said = subprocess.run(["unzip", "-tqq", path], capture_output=True, text=True, check=False)
        # It speaks of what is before the first member, and finds no fault in any.
        assert "bad CRC" not in said.stdout + said.stderr
        assert said.returncode in (0, 1), said.stdout + said.stderr


def test_a_member_of_more_than_4_gb(tmp_path):
    size, name = TOO_LARGE + 10, b"out/out_files/0/0_0.png"
    header = local_header(name, 0, size)
    record = central_record(name, 0, size, 0) + central_record(b"out/last", 0xD202EF8D, 1, len(header) + size)
    with (tmp_path / "out.zip").open("wb") as file:
        file.write(header)
        file.seek(size, os.SEEK_CUR)
        file.write(local_header(b"out/last", 0xD202EF8D, 1) + b"\0")
        file.write(record + end_records(Directory(file.tell(), len(record), 2)))
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.getinfo(name.decode()).file_size == size
        with archive.open(name.decode()) as member:
            assert member.read(10) == bytes(10)
        assert archive.read("out/last") == b"\0"
    stored = StoredArchive(place(tmp_path))
    assert stored.get("last") == b"\0"
    stored.close()


def source(mpp: tuple[float, float] | None, power: float | None) -> SourceRecord:
    return SourceRecord("slide.svs", 1, "sampled-sha256:0", "aperio", Size(9, 9), mpp, power, WHITE)


def szi_properties(folder: Path, record: SourceRecord | None) -> dict[str, str]:
    layout = MadeLayout(folder="out_files", described_by="out.dzi")
    described = b'<Image xmlns="http://schemas.microsoft.com/deepzoom/2008"><Size Width="7" Height="5"/></Image>'
    object.__setattr__(layout, "descriptor", lambda: {"out.dzi": described})
    store = SZI.create(Target(Location("file", str(folder), "out", "szi"), layout, source=record))
    store.prepare()
    store.put("out_files/0/0_0.png", b"tile")
    store.commit(layout.descriptor())
    store.discard()
    with zipfile.ZipFile(folder / "out.szi") as archive:
        root = ET.fromstring(archive.read("out/scan-properties.xml"))
    assert root.tag == "{http://www.pathozoom.com/szi}image"
    assert root.attrib == {"version": "1.0"}
    return {entry[0].text or "": entry[1].text or "" for entry in root[0]}


def test_an_szi_says_what_a_viewer_needs_to_measure(tmp_path):
    assert szi_properties(tmp_path, source((0.25, 0.26), 40.0)) == {
        "ImageWidth": "7",
        "ImageHeight": "5",
        "MicronsPerPixel": "0.255",
        "MicronsPerPixelX": "0.25",
        "MicronsPerPixelY": "0.26",
        "ObjectiveMagnification": "40",
    }


@pytest.mark.parametrize("record", [None, source(None, None)])
def test_an_szi_makes_up_nothing_that_is_not_known(record, tmp_path):
    assert szi_properties(tmp_path, record) == {"ImageWidth": "7", "ImageHeight": "5"}


def test_an_szi_of_dzsave_can_be_read(tmp_path):
    pyvips = pytest.importorskip("pyvips")
    pyvips.Image.black(600, 500).dzsave(str(tmp_path / "out.szi"), container="szi", suffix=".png")
    stored = StoredArchive(Location("file", str(tmp_path), "out", "szi"))
    keys = list(stored.keys(f"{stored.name}_files"))
    assert f"{stored.name}_files/0/0_0.png" in keys
    assert all(stored.get(key) for key in keys)
    assert b"deepzoom" in stored.get(f"{stored.name}.dzi")
    stored.close()
