"""A file that is no picture is named for what it is, with what to do; a slide without its data is never its preview."""

from __future__ import annotations

from pathlib import Path

import pytest
import tifffile

from tests.pictures import gradient, jpeg, photo
from tileframe import InputError, UnsupportedInput, run
from tileframe.registry import Registry
from tileframe_start.command import run_command

FILES: dict[str, tuple[bytes, str]] = {
    "a.heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "is a HEIC picture; convert it to TIFF, PNG or JPEG"),
    "a.jxl": (b"\xff\x0a\xfa\x1f\x01", "is a JPEG XL picture; convert"),
    "a.cr3": (b"\0\0\0\x18ftypcrx \0\0\0\1", "is a camera's raw file; develop it"),
    "a.raf": (b"FUJIFILMCCD-RAW 0201", "is a camera's raw file; develop it"),
    "a.mp4": (b"\0\0\0\x18ftypisom\0\0\2\0", "is a film; give a picture"),
    "a.pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3", "is a PDF document; draw it to a PNG"),
    "a.svg": (b'<?xml version="1.0"?>\n<!-- drawn -->\n<svg xmlns="http://www.w3.org/2000/svg"/>', "is an SVG drawing"),
    "a.html": (b"\n<!DOCTYPE html><html><body>Sign in</body></html>", "is an HTML page, and not the picture it shows"),
    "a.xml": (b'<?xml version="1.0"?><slide/>', "is an XML document"),
    "a.zip": (b"PK\3\4\x14\0\0\0", "is a ZIP archive; unpack it"),
    "a.gz": (b"\x1f\x8b\x08\0", "is a gzip file; unpack it"),
    "a.tar": (bytes(257) + b"ustar\x0000", "is a tar archive; unpack it"),
    "a.tif": (b"version https://git-lfs.github.com/spec/v1\noid", "is a pointer of Git LFS, .* git lfs pull"),
    "a.isyntax": (b'<DataObject ObjectType="DPUfsImport">', "is a Philips iSyntax slide; export it"),
    "a.h5": (b"\x89HDF\r\n\x1a\n", "is an HDF5 file"),
    "a.txt": ("Straße, Präparat\n".encode(), "is a text file, and no picture"),
    "b.txt": ("Straße".encode("utf-16"), "is a text file, and no picture"),
    "a.svs": (bytes(9000), "is a file of nothing but zeros, as a download leaves it that was broken off"),
    "a.bin": (bytes(range(1, 255)), "is in no format that Pillow knows"),
    "empty.svs": (b"", "is empty"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_what_is_no_picture_is_named(name, tmp_path, registry):
    content, words = FILES[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=rf"{name}: {words}"):
        run(tmp_path / name, tmp_path / "o", registry=registry)


def test_text_cut_inside_a_letter_is_text(tmp_path, registry):
    (tmp_path / "a.txt").write_bytes(b"x" + "ß".encode() * 4096)
    with pytest.raises(InputError, match="is a text file"):
        run(tmp_path / "a.txt", tmp_path / "o", registry=registry)


@pytest.mark.parametrize("reader", [None, "vips", "imageslide", "openslide"])
def test_a_slide_without_its_folder_is_never_its_overview(reader, tmp_path, registry):
    jpeg(tmp_path / "a.jpg", gradient(300, 200)).rename(tmp_path / "case.mrxs")
    words = r"case\.mrxs: is the preview of a slide whose data are in the folder case, which is not there"
    with pytest.raises(InputError, match=words):
        run(tmp_path / "case.mrxs", tmp_path / "o", reader=reader, registry=registry)


def test_a_slide_with_a_folder_that_is_not_its_data_is_never_its_overview(tmp_path, registry):
    jpeg(tmp_path / "a.jpg", gradient(300, 200)).rename(tmp_path / "case.mrxs")
    (tmp_path / "case").mkdir()
    with pytest.raises(InputError, match=r"case\.mrxs: is in no format that OpenSlide knows"):
        run(tmp_path / "case.mrxs", tmp_path / "o", registry=registry)


@pytest.mark.parametrize(("there", "words"), [(False, "which is not there"), (True, "which no reader here opens")])
@pytest.mark.parametrize("reader", [None, "tiff", "imageslide"])
def test_a_vsi_is_never_its_preview(reader, there, words, tmp_path, registry):
    tifffile.imwrite(tmp_path / "case.vsi", photo(90, 60), photometric="rgb")
    if there:
        (tmp_path / "_case_").mkdir()
    with pytest.raises(InputError, match=rf"whose data are in the folder _case_, {words}"):
        run(tmp_path / "case.vsi", tmp_path / "o", reader=reader, registry=registry)


def test_a_vms_names_the_files_that_are_not_beside_it(tmp_path, registry):
    (tmp_path / "a.vms").write_text(
        "[Virtual Microscope Specimen]\nNoLayers=1\nNoJpegColumns=1\nNoJpegRows=1\nImageFile=a.jpg\n"
        "MapFile=map.jpg\nOptimisationFile=a.opt\nMacroImage=macro.jpg\n"
    )
    with pytest.raises(InputError, match=r"OpenSlide cannot open it \(its files a\.jpg, map\.jpg, macro\.jpg are not"):
        run(tmp_path / "a.vms", tmp_path / "o", registry=registry)


@pytest.mark.parametrize("url", ["ftp://example.org/a.svs", "swift://bucket/a.svs"])
def test_a_url_that_nobody_reads_is_recognised(url, capsys):
    assert run_command(["run", url]) == 3
    said = "is a URL, and nothing installed reads slides from there, or it is a Path and no text; download it"
    assert capsys.readouterr().err == f"tileframe: {url}: {said}\n"


def test_a_url_that_nobody_reads_is_named_without_its_secrets(capsys):
    said = "is a URL, and nothing installed reads slides from there, or it is a Path and no text; download it"
    assert run_command(["bench", "ftp://me:secret@host/a.svs?token=secret"]) == 3
    assert capsys.readouterr().err == f"tileframe: ftp://host/a.svs: {said}\n"


def test_the_reader_alone_leaves_them_to_others(tmp_path: Path, registry: Registry) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.7")
    with pytest.raises(UnsupportedInput, match="is a PDF document"):
        registry.reader("imageslide").create().open(tmp_path / "a.pdf")


@pytest.mark.parametrize("name", ["a.heic", "a.html", "a.isyntax", "a.pdf", "a.svg", "a.zip", "lfs.tif"])
def test_files_of_public_reports_are_named(name, shared_data, tmp_path, registry, capfd):
    with pytest.raises(InputError, match=rf"{name}: is an? (?!text)"):
        run(shared_data / "reports" / name, tmp_path / "o", registry=registry)
    assert capfd.readouterr() == ("", "")
