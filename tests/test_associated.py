"""Label, macro and thumbnail are exported when asked for, and never else; recorded, checked, replaced and shown."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.pictures import photo
from tests.test_manifest import recorded
from tileframe import InputError, OptionError, compare, open_pyramid, run, verify
from tileframe.registry import Registry
from tileframe_start.command import run_command
from tileframe_viewer.page import PageViewer

LABEL, MACRO = photo(60, 50, seed=4), photo(90, 40, seed=5)


@pytest.fixture
def slide(tmp_path: Path) -> Path:
    """An Aperio slide with thumbnail, label and macro."""
    how: dict[str, Any] = {"photometric": "rgb", "metadata": None}
    with tifffile.TiffWriter(tmp_path / "a.svs") as file:
        file.write(photo(500, 400), tile=(256, 256), description="Aperio Image Library v1\r\n500x400|MPP = 0.5", **how)
        file.write(photo(50, 40), rowsperstrip=40, description="Aperio Image Library v1\r\n50x40", **how)
        for name, pixels, kind in (("label", LABEL, 1), ("macro", MACRO, 9)):
            text = f"Aperio Image Library v1\r\n{name} {pixels.shape[1]}x{pixels.shape[0]}"
            file.write(pixels, rowsperstrip=len(pixels), description=text, subfiletype=kind, **how)
    return tmp_path / "a.svs"


def decoded(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


@pytest.mark.parametrize("layout", ["dzi", "zoomify", "google", "iiif3"])
def test_they_stand_beside_the_pyramid_in_the_format_of_its_tiles(layout, slide, tmp_path, registry):
    run(slide, tmp_path / "o", layout=layout, format="png", associated=["label", "macro"], registry=registry)
    folder = tmp_path / "o_associated"
    assert sorted(path.name for path in folder.iterdir()) == ["label.png", "macro.png"]
    assert np.array_equal(decoded((folder / "label.png").read_bytes()), LABEL)
    assert np.array_equal(decoded((folder / "macro.png").read_bytes()), MACRO)


@pytest.mark.parametrize("container", ["szi", "zip"])
def test_in_an_archive_they_are_where_szi_has_them(container, slide, tmp_path, registry):
    run(slide, tmp_path / f"o.{container}", format="png", associated=["all"], registry=registry)
    with zipfile.ZipFile(tmp_path / f"o.{container}") as archive:
        names = [name for name in archive.namelist() if "associated" in name]
        assert names == [f"o/associated_images/{name}.png" for name in ("label", "macro", "thumbnail")]
        assert np.array_equal(decoded(archive.read("o/associated_images/label.png")), LABEL)
    assert verify(tmp_path / f"o.{container}", registry=registry) == []


def test_nothing_of_them_is_written_without_being_asked(slide, tmp_path, registry):
    report = run(slide, tmp_path / "out" / "o", registry=registry)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "o.dzi", "o.sha256", "o.tileframe.json", "o_files",
    ]  # fmt: skip
    assert recorded(report.target).associated == ()


def test_the_record_and_info_name_them(slide, tmp_path, registry, capsys):
    report = run(slide, tmp_path / "o", associated=["macro", "macro"], registry=registry)
    (one,) = recorded(report.target).associated
    content = (tmp_path / "o_associated" / one.file).read_bytes()
    assert (one.name, one.file, str(one.size), one.bytes) == ("macro", "macro.jpeg", "90x40", len(content))
    assert run_command(["info", report.target]) == 0
    assert "associated  macro" in capsys.readouterr().out
    assert run_command(["info", str(slide)]) == 0
    assert "associated  label, macro, thumbnail" in capsys.readouterr().out


@pytest.mark.parametrize("reader", ["tiff", "openslide"])
@pytest.mark.parametrize("backend", ["stream", "vips", "openslide"])
def test_every_reader_and_backend_exports_the_same(backend, reader, slide, tmp_path, registry):
    how: dict[str, Any] = {"format": "png", "associated": ["label"], "region": (9, 9, 99, 99), "registry": registry}
    run(slide, tmp_path / "o", reader=reader, backend=backend, **how)
    assert np.array_equal(decoded((tmp_path / "o_associated" / "label.png").read_bytes()), LABEL)


def test_an_unknown_name_is_an_error_before_the_work(slide, tmp_path, registry, capsys):
    with pytest.raises(OptionError, match=r"no associated image named 'slip' \(have: label, macro, thumbnail\)"):
        run(slide, tmp_path / "o", associated=["slip"], registry=registry)
    assert run_command(["run", str(slide), "-o", str(tmp_path / "o"), "--associated", "slip"]) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["a.svs"]


def test_a_slide_that_has_none_says_so(tmp_path, registry):
    slide = tmp_path / "a.png"
    Image.fromarray(photo(90, 60)).save(slide)
    assert run(slide, tmp_path / "o", associated=["all"], registry=registry).notes == (
        "the slide has no associated images to export",
    )
    with pytest.raises(OptionError, match=r"\(have: none\)"):
        run(slide, tmp_path / "p", associated=["label"], registry=registry)


def test_one_that_cannot_be_read_ends_the_run_and_leaves_nothing(slide, tmp_path, registry):
    with tifffile.TiffFile(slide) as file:
        label = file.pages.get(2, aspage=True)
        assert isinstance(label, tifffile.TiffPage)
        place = label.tags[273].valueoffset
    with slide.open("r+b") as raw:
        raw.seek(place)
        raw.write((2**31).to_bytes(4, "little"))
    with pytest.raises((InputError, OptionError)):
        run(slide, tmp_path / "out" / "o", associated=["label"], registry=registry)
    assert not (tmp_path / "out").exists()


def test_a_pyramid_that_replaces_another_leaves_nothing_of_its_label(slide, tmp_path, registry):
    for output in ("o", "o.szi"):
        run(slide, tmp_path / output, associated=["label"], registry=registry)
        run(slide, tmp_path / output, overwrite=True, registry=registry)
    assert not (tmp_path / "o_associated").exists()
    with zipfile.ZipFile(tmp_path / "o.szi") as archive:
        assert not [name for name in archive.namelist() if "associated" in name]


@pytest.mark.parametrize("name", ["notes.txt", "folder/a.png"])
def test_what_is_not_ours_in_that_folder_is_not_overwritten(name, slide, tmp_path, registry):
    run(slide, tmp_path / "o", associated=["label"], registry=registry)
    (tmp_path / "o_associated" / name).parent.mkdir(exist_ok=True)
    (tmp_path / "o_associated" / name).write_text("mine")
    with pytest.raises(Exception, match=r"o_associated: holds '(notes\.txt|folder)', and is not overwritten"):
        run(slide, tmp_path / "o", overwrite=True, registry=registry)
    assert (tmp_path / "o_associated" / name).read_text() == "mine"
    assert (tmp_path / "o_associated" / "label.jpeg").exists()


def test_verify_finds_one_that_is_missing_altered_or_strange(slide, tmp_path, registry):
    target = run(slide, tmp_path / "o", associated=["label", "macro"], registry=registry).target
    folder = tmp_path / "o_associated"
    (folder / "label.jpeg").unlink()
    (folder / "macro.jpeg").write_bytes(b"another")
    (folder / "more.jpeg").write_bytes(b"more")
    found = {finding.key: finding.message for finding in verify(target, registry=registry)}
    assert found == {
        "o_associated/label.jpeg": "the associated image 'label' is missing",
        "o_associated/macro.jpeg": "the associated image 'macro' is not the one of the run",
        "o_associated/more.jpeg": "no associated image of this pyramid has that name",
    }


def test_compare_says_what_differs_and_does_not_count_it(slide, tmp_path, registry):
    first = run(slide, tmp_path / "a", associated=["label"], registry=registry)
    second = run(slide, tmp_path / "b", registry=registry)
    with open_pyramid(first.target, registry=registry) as one, open_pyramid(second.target, registry=registry) as other:
        found = compare(one, other)
    assert found.notes == ("the associated images are not the same: label; and none",)
    assert str(found.strength) == "pixels"


@pytest.mark.parametrize("output", ["o", "o.szi"])
def test_the_pages_record_has_them(output, slide, tmp_path, registry: Registry):
    target = run(slide, tmp_path / output, associated=["label"], registry=registry).target
    with open_pyramid(target, registry=registry) as pyramid:
        page = PageViewer().write([pyramid]).read_text(encoding="utf-8")
    record = page.split('id="tileframe">')[1].split("</script>")[0]
    (image,) = json.loads(record)["pyramids"][0]["associated"]
    assert (image["name"], image["width"], image["height"]) == ("label", 60, 50)
    assert image.get("url") == ("o_associated/label.jpeg" if output == "o" else None)
    assert bool(image.get("data")) is (output == "o.szi")
