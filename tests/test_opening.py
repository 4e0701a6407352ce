"""Finished pyramids are found and opened, whoever made them and whatever became of them."""

from __future__ import annotations

import dataclasses
import os
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.pictures import gradient, png
from tests.plugins.objects import Offers
from tileframe import (
    CheckError,
    InputError,
    Location,
    OptionError,
    PluginError,
    StoredFiles,
    StorePlugin,
    TileAddress,
    hookimpl,
    open_pyramid,
    run,
    verify,
)
from tileframe import registry as registry_module
from tileframe.registry import Registry
from tileframe_start.command import run_command

LAYOUTS = ["dzi", "zoomify", "google", "iiif3"]


@pytest.fixture
def slide(tmp_path: Path) -> Path:
    return png(tmp_path / "slide.png", gradient(300, 200))


@pytest.mark.parametrize("target", ["a", "a.zip"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_what_was_made_is_what_is_opened(slide, tmp_path, registry, layout, target):
    done = run(slide, tmp_path / target, layout=layout, format="png", registry=registry)
    with open_pyramid(tmp_path / target, registry=registry, workers=3) as pyramid:
        assert (pyramid.layout_name, pyramid.suffix, pyramid.workers) == (layout, "png", 3)
        assert (pyramid.tile_count, pyramid.target) == (done.tiles, done.target)
        assert pyramid.location.path == tmp_path / target
        assert pyramid.manifest is not None
        assert pyramid.manifest.plan.layout == layout


@pytest.mark.parametrize("layout", LAYOUTS)
def test_tiles_are_decoded_without_what_they_are_padded_with(slide, tmp_path, registry, layout):
    run(slide, tmp_path / "a", layout=layout, format="png", tile_size=256, overlap=0, registry=registry)
    with open_pyramid(tmp_path / "a", registry=registry) as pyramid:
        last = TileAddress(pyramid.pyramid.base_level, 1, 0)
        assert np.array_equal(pyramid.decode(last), gradient(300, 200)[:, 256:])
        assert str(pyramid.stored_size(last)) == ("256x256" if layout == "google" else "44x200")
        (tmp_path / pyramid.layout.key(last)).unlink()
        with pytest.raises(KeyError):
            pyramid.decode(last)


def test_a_location_opens_a_pyramid_as_its_text_does(slide, tmp_path, registry):
    run(slide, tmp_path / "a", registry=registry)
    with open_pyramid(Location("file", str(tmp_path), "a"), registry=registry) as pyramid:
        assert pyramid.target == str(tmp_path / "a.dzi")


def test_a_descriptor_by_another_name_is_read(slide, tmp_path, registry):
    """Many tools write Deep Zoom's as an .xml file."""
    run(slide, tmp_path / "a", registry=registry)
    (tmp_path / "a.dzi").rename(tmp_path / "a.xml")
    with open_pyramid(tmp_path / "a.xml", registry=registry) as pyramid:
        assert pyramid.target == str(tmp_path / "a.xml")
    assert verify(tmp_path / "a.xml", against=slide, registry=registry) == []


def test_a_pyramid_that_was_renamed_whole_is_sound(slide, tmp_path, registry):
    run(slide, tmp_path / "a.szi", registry=registry)
    (tmp_path / "a.szi").rename(tmp_path / "b.szi")
    with open_pyramid(tmp_path / "b.szi", registry=registry) as pyramid:
        assert pyramid.files.name == "a"
        assert pyramid.target == str(tmp_path / "b.szi")
    assert verify(tmp_path / "b.szi", against=slide, registry=registry) == []


def test_a_manifest_of_another_layout_is_not_this_pyramids(slide, tmp_path, registry):
    run(slide, tmp_path / "a", registry=registry)
    run(slide, tmp_path / "b" / "a", layout="zoomify", registry=registry)
    os.replace(tmp_path / "b" / "a.tileframe.json", tmp_path / "a.tileframe.json")
    with open_pyramid(tmp_path / "a.dzi", registry=registry) as pyramid:
        assert pyramid.manifest is None


@pytest.mark.parametrize("name", ["", "a", "a.dzi", "a.szi", "a/info.json", "folder", "folder/"])
def test_where_nothing_is_an_input_error_says_so(tmp_path, registry, name):
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError) as caught:
        open_pyramid(f"{tmp_path}/{name}", registry=registry)
    assert str(tmp_path) in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_where_nothing_is_all_places_are_named(tmp_path, registry):
    with pytest.raises(InputError, match=r"no pyramid is there \(looked for .*a\.dzi, .*info\.json, .*ImagePro"):
        open_pyramid(tmp_path / "a", registry=registry)


@pytest.fixture(scope="module")
def made(tmp_path_factory, registry) -> Path:
    """A folder with a finished pyramid of each layout, in folders of their names; nobody changes them."""
    folder = tmp_path_factory.mktemp("made")
    slide = png(folder / "slide.png", gradient(300, 200))
    for layout in LAYOUTS:
        run(slide, folder / layout / "a", layout=layout, registry=registry)
    return folder


@pytest.mark.parametrize("data", [b"", b"<", b"<Image/>", b"\xff\xfe\0", b"{}", b"<a>" * 100_000, b"x" * 100_000])
@pytest.mark.parametrize(
    ("layout", "key"), [("dzi", "a.dzi"), ("zoomify", "a/ImageProperties.xml"), ("iiif3", "a/info.json")]
)
def test_a_wrong_descriptor_is_a_check_error_in_one_line(made, tmp_path, registry, layout, key, data):
    shutil.copytree(made / layout, tmp_path, dirs_exist_ok=True)
    (tmp_path / key).write_bytes(data)
    with pytest.raises(CheckError) as caught:
        open_pyramid(tmp_path / "a", registry=registry)
    assert key in str(caught.value).replace("\\", "/")
    assert len(str(caught.value)) < 500


def test_a_format_that_no_plugin_knows_is_named(slide, tmp_path, registry):
    run(slide, tmp_path / "a", registry=registry)
    text = (tmp_path / "a.dzi").read_text()
    (tmp_path / "a.dzi").write_text(text.replace('"jpeg"', '"gif"'))
    (tmp_path / "a.tileframe.json").unlink()
    with pytest.raises(OptionError, match=r"no format named 'gif' \(have: avif, jpeg, jpg, jxl, png, webp\)"):
        open_pyramid(tmp_path / "a", registry=registry)


@pytest.mark.parametrize("layout", ["dzi", "zoomify", "iiif3"])
def test_a_descriptor_that_disagrees_with_the_manifest_is_found(slide, tmp_path, registry, layout):
    done = run(slide, tmp_path / "a", layout=layout, format="png", registry=registry)
    text = Path(done.target).read_text()
    Path(done.target).write_text(text.replace("png", "jpg"))
    found = verify(done.target, checks=["descriptor"], registry=registry)
    assert [one.message for one in found] == ["its tile suffix is jpg; the manifest says png"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_jpeg_by_the_layouts_own_suffix_is_no_difference(slide, tmp_path, registry, layout):
    """Viewers of some layouts ask for .jpg, whatever the format is called."""
    for form in ("jpeg", "jpg"):
        done = run(slide, tmp_path / form, layout=layout, format=form, registry=registry)
        assert verify(done.target, registry=registry) == []


class Counted:
    """A store whose files tell when they are closed."""

    def __init__(self, registry: Registry) -> None:
        self._offer = registry.store("directory")
        self.closed = 0

    def _open(self, location: Location) -> StoredFiles:
        files: Any = self._offer.open(location)
        files.close = self._close
        opened: StoredFiles = files
        return opened

    def _close(self) -> None:
        self.closed += 1

    @hookimpl
    def tileframe_stores(self) -> list[StorePlugin]:
        return [dataclasses.replace(self._offer, name="counted", open=self._open, schemes=("counted",))]


@pytest.fixture
def counted(registry: Registry) -> Counted:
    return Counted(registry)


def test_what_was_opened_is_closed_once(slide, tmp_path, registry, counted):
    run(slide, tmp_path / "a", registry=registry)
    with open_pyramid(Location("counted", str(tmp_path), "a"), registry=registry_module.load([counted])):
        assert counted.closed == 0
    assert counted.closed == 1


@pytest.mark.parametrize("wrong", ["a.dzi", "a.tileframe.json"])
def test_what_cannot_be_opened_is_closed(slide, tmp_path, registry, counted, wrong):
    run(slide, tmp_path / "a", registry=registry)
    (tmp_path / wrong).write_text("wrong")
    with pytest.raises(CheckError):
        open_pyramid(Location("counted", str(tmp_path), "a"), registry=registry_module.load([counted]))
    assert counted.closed == 1


def test_a_name_that_two_stores_serve_is_a_fault_of_the_installation(slide, tmp_path, registry):
    class Twin:
        @hookimpl
        def tileframe_stores(self) -> list[StorePlugin]:
            return [dataclasses.replace(registry.store("directory"), name="twin")]

    with pytest.raises(PluginError, match="two stores serve it: 'directory' and 'twin'"):
        open_pyramid(tmp_path / "a", registry=registry_module.load([Twin(), Offers()]))


@pytest.mark.parametrize("command", ["verify", "info", "compare", "view"])
def test_a_folder_of_anything_is_no_pyramid(tmp_path, capsys, command):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "letter.txt").write_text("Dear Sir")
    again = [str(tmp_path / "folder")] * (2 if command == "compare" else 1)
    assert run_command([command, *again]) == 3
    err = capsys.readouterr().err
    assert "no pyramid is there" in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("command", ["verify", "compare", "view"])
def test_a_file_of_anything_is_no_pyramid(tmp_path, capsys, command):
    (tmp_path / "letter.txt").write_text("Dear Sir")
    again = [str(tmp_path / "letter.txt")] * (2 if command == "compare" else 1)
    assert run_command([command, *again]) == 3
    assert "letter.txt: no pyramid, for the descriptor is not XML" in capsys.readouterr().err


def test_an_archive_of_anything_is_no_pyramid(tmp_path, capsys):
    with zipfile.ZipFile(tmp_path / "letters.zip", "w") as archive:
        archive.writestr("letters/letter.txt", "Dear Sir")
    assert run_command(["verify", str(tmp_path / "letters.zip")]) == 3
    err = capsys.readouterr().err
    assert "no pyramid is in it (looked for letters.dzi, " in err
    assert err.count("letters.zip") == 1


def test_info_of_a_pyramid_takes_no_options_of_readers(slide, tmp_path, registry, capsys):
    run(slide, tmp_path / "a", registry=registry)
    assert run_command(["info", str(tmp_path / "a.dzi"), "--reader-option", "x=1"]) == 2
    assert "is a pyramid, which no reader opens; leave out --page and --reader-option" in capsys.readouterr().err
