"""Which slides a folder holds, what their pyramids are called, and the index of them."""

from __future__ import annotations

import json
import os
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.pictures import jpeg, photo, png, svs
from tileframe import InputError, Location, OptionError, OutputError, run
from tileframe_batch.dicom import series_of
from tileframe_batch.finding import found
from tileframe_batch.index import Index
from tileframe_batch.naming import named, output_of
from tileframe_start.command import run_command

SMALL = photo(60, 50)


def names(folder: Path, registry, *arguments: str) -> list[str]:
    """The slides that are found, from the folder on."""
    return [Path(f"{one.path}").relative_to(folder).as_posix() for one in found(arguments or [str(folder)], registry)]


def dicom(path: Path, series: str, size: int = 100) -> Path:
    """A file that begins as one of DICOM does."""

    def element(group: int, number: int, kind: bytes, value: bytes) -> bytes:
        long = kind in (b"OB", b"SQ")
        return struct.pack("<HH", group, number) + kind + struct.pack("<2xI" if long else "<H", len(value)) + value

    content = element(2, 1, b"OB", b"\0\1") + element(8, 8, b"CS", b"VOLUME")
    # A sequence of undefined length, and one of a known length.
    # In it, an item that names another series.
    item, end_of_item, end = (struct.pack("<HHI", 0xFFFE, one, size) for one, size in
                              ((0xE000, 0xFFFFFFFF), (0xE00D, 0), (0xE0DD, 0)))  # fmt: skip
    sequence = struct.pack("<HH2s2xI", 8, 0x1115, b"SQ", 0xFFFFFFFF)
    content += sequence + item + element(0x20, 0xE, b"UI", b"9.9.9") + end_of_item + end
    content += element(8, 0x2218, b"SQ", b"another item") + element(0x20, 0xE, b"UI", series.encode())
    path.write_bytes(bytes(128) + b"DICM" + content + bytes(size))
    return path


def test_slides_are_known_by_their_beginning_in_all_folders_and_come_by_name(tmp_path, registry):
    for name in ("b", "a"):
        (tmp_path / name).mkdir()
        png(tmp_path / name / "2.png", SMALL)
        svs(tmp_path / name / "1.svs", SMALL, levels=(1,))
    no_slides = {"notes.txt": b"text", "table.csv": b"1,2", ".hidden.png": b"\x89PNG", "a.svs.part": b"II*\0"}
    no_slides |= {"~$a.svs": b"II*\0", "b.tif.bak": b"II*\0"}
    for name, content in no_slides.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / ".cache").mkdir()
    png(tmp_path / ".cache" / "x.png", SMALL)
    assert names(tmp_path, registry) == ["a/1.svs", "a/2.png", "b/1.svs", "b/2.png"]


def test_what_is_called_as_a_slide_is_one_and_is_told_if_it_cannot_be_read(tmp_path, registry, capsys):
    for name, content in {"empty.svs": b"", "zeros.ndpi": bytes(5000), "text.TIF": b"text"}.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere")
    png(tmp_path / "good.png", SMALL)
    assert names(tmp_path, registry) == ["empty.svs", "gone.png", "good.png", "text.TIF", "zeros.ndpi"]
    assert run_command(["run", str(tmp_path), "-o", f"{tmp_path}/out/", "-q"]) == 3
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 5
    assert said[-1].startswith("tileframe: 4 of 5 slides failed: ")


def test_what_consists_of_several_files_is_one_slide(tmp_path, registry):
    (tmp_path / "m").mkdir()
    (tmp_path / "m.mrxs").write_bytes(b"\xff\xd8\xff a preview")
    jpeg(tmp_path / "m" / "part.jpg", SMALL)
    (tmp_path / "_o_").mkdir()
    (tmp_path / "o.vsi").write_bytes(b"II*\0 a preview")
    png(tmp_path / "_o_" / "part.png", SMALL)
    (tmp_path / "h.vms").write_text(
        "[Virtual Microscope Specimen]\r\nImageFile=h(0,0).jpg\r\nMacroImage=macro.jpg\r\nDate=2009/12/31\r\nA=.\r\n"
    )
    for name in ("h(0,0).jpg", "macro.jpg", "own.jpg"):
        jpeg(tmp_path / name, SMALL)
    assert names(tmp_path, registry) == ["h.vms", "m.mrxs", "o.vsi", "own.jpg"]


def test_a_dicom_series_is_one_slide_of_which_the_largest_file_is_taken(tmp_path, registry):
    for name, series, size in (("1", "1.2.3", 50), ("2", "1.2.3", 500), ("3", "1.2.4", 10)):
        dicom(tmp_path / f"{name}.dcm", series, size)
    (tmp_path / "4.dcm").write_bytes(bytes(128) + b"DICM" + bytes(40))
    (tmp_path / "other").mkdir()
    dicom(tmp_path / "other" / "1.dcm", "1.2.3")
    assert names(tmp_path, registry) == ["2.dcm", "3.dcm", "4.dcm", "other/1.dcm"]
    assert names(tmp_path, registry, f"{tmp_path}/[12].dcm") == ["2.dcm"]


def test_the_series_of_real_files_is_found(shared_data):
    for path in (shared_data / "dicom").rglob("*.dcm"):
        series = series_of(path)
        assert series is not None
        assert re.fullmatch(r"[0-9.]+", series)


def test_finished_pyramids_and_the_outputs_folder_are_no_slides(tmp_path, registry):
    slide = png(tmp_path / "a.png", photo(300, 260))
    for layout in ("dzi", "zoomify", "google", "iiif3"):
        run(slide, tmp_path / "made" / layout, layout=layout)
    out = tmp_path / "out"
    out.mkdir()
    png(out / "b.png", SMALL)
    assert [one.path for one in found([str(tmp_path)], registry, except_in=out)] == [slide]


def test_each_slide_is_taken_once_however_it_was_given(tmp_path, registry):
    slide = png(tmp_path / "a.png", SMALL)
    given = [str(slide), str(tmp_path), f"{tmp_path}/*.png"]
    assert [one.path for one in found(given, registry)] == [slide]


def test_a_file_may_be_called_as_a_pattern(tmp_path, registry, monkeypatch):
    monkeypatch.chdir(tmp_path)
    png(tmp_path / "a[1].png", SMALL)
    assert [str(one.path) for one in found(["a[1].png"], registry)] == ["a[1].png"]
    assert run_command(["run", "a[1].png", "-o", "o", "-q"]) == 0


@pytest.mark.parametrize("given", ["*.png", "empty"])
def test_what_names_no_slide_is_refused_where_it_is_all_there_is_and_told_beside_others(
    given, tmp_path, registry, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no slide is there"):
        found([given], registry)
    jpeg(tmp_path / "a.jpg", SMALL)
    assert run_command(["run", given, "a.jpg", "-o", "out/", "-q"]) == 3
    assert capsys.readouterr().err.splitlines()[0].startswith(f"tileframe: {given}: no s")
    assert Path("out/a.dzi").is_file()


def test_an_output_that_is_a_folder_needs_no_slash(tmp_path, registry):
    (tmp_path / "out").mkdir()
    assert Path(output_of(str(tmp_path / "out"), "dzi", registry).folder) == tmp_path / "out"
    with pytest.raises(OptionError, match="names one pyramid"):
        output_of(str(tmp_path / "other"), "dzi", registry)


def places(folder: Path, registry, output: str = "out/") -> list[str]:
    into = output_of(output, "dzi", registry)
    return [str(one.location) for one in named(found([str(folder)], registry), into)]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are POSIX's")
@pytest.mark.parametrize("name", ["pipe.jpg", "pipe.vms"])
def test_a_pipe_that_is_called_as_a_slide_is_not_waited_for(name, tmp_path, capsys):
    folder = tmp_path / "slides"
    folder.mkdir()
    os.mkfifo(folder / name)
    assert run_command(["run", str(folder), "-o", f"{tmp_path / 'out'}{os.sep}"]) == 3
    assert f"{folder / name}: is not a file" in capsys.readouterr().err


def test_a_folder_that_may_not_be_read_is_told_and_stops_no_other(tmp_path, monkeypatch, capsys):
    folder, closed = tmp_path / "slides", tmp_path / "slides" / "closed"
    closed.mkdir(parents=True)
    png(folder / "a.png", SMALL)
    scandir, stat = os.scandir, os.stat

    def refusing(real: Callable[..., Any]) -> Callable[..., Any]:
        def called(path: Any = ".", *args: Any, **kwargs: Any) -> Any:
            if f"{path}".startswith(f"{closed}") and (real is scandir or f"{path}" != f"{closed}"):
                raise PermissionError(13, "Permission denied", f"{path}")
            return real(path, *args, **kwargs)

        return called

    monkeypatch.setattr(os, "scandir", refusing(scandir))  # and not chmod(), which does not count for root
    monkeypatch.setattr(os, "stat", refusing(stat))
    assert run_command(["run", str(folder), "-o", f"{tmp_path / 'out'}{os.sep}"]) == 3
    said = capsys.readouterr()
    assert f"tileframe: {closed}: cannot be read (Permission denied)\n" in said.err
    assert "2 slides: 1 made, 0 up to date, 1 failed" in said.out
    assert run_command(["run", str(closed / "b.png"), "-o", f"{tmp_path / 'b'}"]) == 3
    assert capsys.readouterr().err == f"tileframe: {closed / 'b.png'}: cannot be read (Permission denied)\n"
    assert run_command(["info", str(closed / "b.png")]) == 3
    assert capsys.readouterr().err == f"tileframe: {closed / 'b.png'}: cannot be read (Permission denied)\n"


def test_slides_of_one_name_keep_their_endings_whatever_their_case(tmp_path, registry):
    for name in ("A.png", "a.jpg", "b.png"):
        (png if name.endswith("png") else jpeg)(tmp_path / name, SMALL)
    (tmp_path / "sub").mkdir()
    png(tmp_path / "sub" / "b.png", SMALL)
    assert places(tmp_path, registry) == ["out/A.png", "out/a.jpg", "out/b", "out/sub/b"]
    assert places(tmp_path, registry, "out/.szi") == ["out/A.png.szi", "out/a.jpg.szi", "out/b.szi", "out/sub/b.szi"]


def test_a_slide_of_the_name_of_the_gallery_keeps_its_ending(tmp_path, registry):
    (tmp_path / "sub").mkdir()
    for name in ("Index.png", "sub/index.png"):
        png(tmp_path / name, SMALL)
    assert places(tmp_path, registry) == ["out/Index.png", "out/sub/index"]


def test_what_no_name_tells_apart_is_refused(tmp_path, registry):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        png(tmp_path / folder / "a.png", SMALL)
    slides = found([str(tmp_path / "one"), str(tmp_path / "two")], registry)
    with pytest.raises(OptionError, match=r"two/a\.png and .*one/a\.png would have the same pyramid; run them apart"):
        named(slides, Location("file", "out", "-"))


@pytest.fixture
def made(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in" / "sub").mkdir(parents=True)
    png(tmp_path / "in" / 'odd <b>"&\u00e9#?.png', photo(300, 200))
    svs(tmp_path / "in" / "sub" / "a.svs", photo(500, 600), levels=(1,))
    return tmp_path


@pytest.mark.parametrize("output", ["out/", "out/.szi"])
def test_the_index_has_every_pyramid_with_a_thumbnail(output, made):
    assert run_command(["run", "in", "-o", output, "--viewer", "-q"]) == 0
    entries = json.loads(Path("out/index.json").read_text())["pyramids"]
    assert [(one["name"], one["width"], one["mpp"]) for one in entries] == [
        ('odd <b>"&\u00e9#?', 300, None),
        ("sub/a", 500, 0.499),
    ]
    for one in entries:
        assert Path("out", one["target"]).is_file()
        assert Path("out", one["page"]).is_file()
        assert Path("out", one["thumbnail"]).read_bytes()[:3] == b"\xff\xd8\xff"
    page = Path("out/index.html").read_text()
    assert "odd &lt;b&gt;&quot;&amp;\u00e9#?" in page
    assert "<b>&quot;" not in page
    assert 'href="odd%20%3Cb%3E%22%26%C3%A9%23%3F.html"' in page


def test_a_later_run_adds_to_the_index_and_what_is_gone_leaves_it(made):
    run_command(["run", "in", "-o", "out/", "-q"])
    assert not Path("out/index.html").exists()
    Path("out/sub/a.dzi").unlink()
    png(made / "b.png", SMALL)
    png(made / "c.png", SMALL)
    run_command(["run", "b.png", "c.png", "-o", "out/", "-q"])
    entries = json.loads(Path("out/index.json").read_text())["pyramids"]
    assert [one["name"] for one in entries] == ["b", "c", 'odd <b>"&\u00e9#?']


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("index.json", '{"my": "own"}'),
        ("index.json", "[" * 100_000),
        ("index.json", '{"schema": "tileframe-index/9", "pyramids": []}'),
        ("index.html", "<p>My own"),
    ],
)
def test_a_file_of_that_name_that_is_no_index_is_never_replaced(name, content, made, capsys):
    Path("out").mkdir()
    Path("out", name).write_text(content)
    assert run_command(["run", "in", "-o", "out/", "--viewer"]) == 4
    assert capsys.readouterr().err == (
        f"tileframe: out/{name}: exists already, and is no index of tileframe's; give another folder\n"
    )
    assert sorted(os.listdir("out")) == [name]


def test_a_page_of_that_name_is_in_nobodys_way_where_no_gallery_is_made(made):
    Path("out").mkdir()
    Path("out/index.html").write_text("<p>My own")
    assert run_command(["run", "in", "-o", "out/", "-q"]) == 0
    assert Path("out/index.html").read_text() == "<p>My own"


def test_an_index_that_cannot_be_read_is_refused(tmp_path):
    (tmp_path / "index.html").mkdir()
    with pytest.raises(OutputError, match="cannot be read"):
        Index(tmp_path, page=True)


def test_the_index_counts_as_people_do(tmp_path):
    slides = [str(png(tmp_path / f"slide {number}.png", photo(260, 250))) for number in (10, 2, 1)]
    assert run_command(["run", *slides, "-o", f"{tmp_path}/out/", "-q"]) == 0
    record = json.loads((tmp_path / "out" / "index.json").read_text())
    assert [one["name"] for one in record["pyramids"]] == ["slide 1", "slide 2", "slide 10"]
