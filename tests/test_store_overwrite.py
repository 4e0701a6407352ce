"""What is somebody else's is never replaced in a folder, with ``--overwrite`` or without."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.loose import (
    DESCRIPTOR,
    MANIFEST,
    SUM,
    contents,
    old_pyramid,
    prepared,
    store_for,
)
from tests.pictures import gradient, png
from tileframe import OutputError, open_pyramid, run
from tileframe_stores import exchange
from tileframe_stores.directory import DirectoryStore
from tileframe_viewer.page import PageViewer


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[DirectoryStore]:
    store = prepared(tmp_path)
    yield store
    store.discard()


@pytest.mark.parametrize("there", ["out.dzi", "out_files", "out.sha256", "out.tileframe.json"])
def test_an_existing_pyramid_is_not_touched(there, tmp_path):
    (tmp_path / there).mkdir()
    with pytest.raises(OutputError, match=f"{there}: exists; give --overwrite"):
        store_for(tmp_path).prepare()
    assert os.listdir(tmp_path) == [there]


@pytest.mark.parametrize("there", ["out.dzi", "out.sha256", "out.tileframe.json"])
def test_a_file_that_appears_during_the_run_is_not_touched(there, opened, tmp_path):
    opened.put("out_files/0/0_0.png", b"new")
    (tmp_path / there).write_bytes(b"someone else's")
    with pytest.raises(OutputError, match=f"{there}: exists"):
        opened.commit({"out.sha256": SUM, "out.tileframe.json": MANIFEST, "out.dzi": DESCRIPTOR})
    opened.discard()
    assert contents(tmp_path) == {there: b"someone else's"}


@pytest.mark.parametrize("overwrite", [False, True], ids=["plain", "overwrite"])
@pytest.mark.parametrize("name", ["out.sha256", "out.tileframe.json", "out.dzi"])
@pytest.mark.parametrize(
    "data", [b"", b"precious", b'{"schema": "mine"}', SUM.replace(b"out_", b"raw_"), b"\xff[" * 99]
)
def test_a_users_own_file_is_never_replaced(data, name, overwrite, tmp_path):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(OutputError, match=name):
        store_for(tmp_path, overwrite=overwrite).prepare()
    assert contents(tmp_path) == {name: data}


@pytest.mark.parametrize("overwrite", [False, True], ids=["plain", "overwrite"])
@pytest.mark.parametrize("name", ["slide.sha256", "slide.tileframe.json"])
def test_a_run_beside_its_slide_keeps_what_the_user_has_there(name, overwrite, tmp_path):
    slide = png(tmp_path / "slide.png", gradient(30, 20))
    (tmp_path / name).write_bytes(b"precious")
    with pytest.raises(OutputError, match=name):
        run(slide, tmp_path / "slide.dzi", overwrite=overwrite)
    assert contents(tmp_path) == {"slide.png": slide.read_bytes(), name: b"precious"}


@pytest.mark.parametrize("layout", ["dzi", "zoomify", "google", "iiif3"])
def test_a_run_overwrites_what_a_run_has_written(layout, tmp_path):
    slide = png(tmp_path / "slide.png", gradient(600, 500))
    run(slide, tmp_path / "out", layout=layout, tile_size=64, overlap=0)
    (tmp_path / "other").mkdir()
    run(slide, tmp_path / "other" / "out", layout=layout, tile_size=128, overlap=0, format="jpeg")
    run(slide, tmp_path / "out", layout=layout, tile_size=128, overlap=0, format="jpeg", overwrite=True)
    new = contents(tmp_path / "other")
    assert {key for key in contents(tmp_path) if key.startswith("out")} == new.keys()


@pytest.mark.parametrize("name", ["out.dzi", "out_files", "out.sha256", "out.tileframe.json", "out_files/3"])
@pytest.mark.parametrize("kind", ["dangling", "to a pyramid's own"])
def test_a_link_is_never_replaced(kind, name, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    old_pyramid(elsewhere)
    (elsewhere / "out_files" / "3").mkdir()
    folder = tmp_path / "here"
    (folder / name).parent.mkdir(parents=True)
    try:
        (folder / name).symlink_to(elsewhere / (f"{name}.gone" if kind == "dangling" else name))
    except OSError:
        pytest.skip("this user cannot make links here")
    with pytest.raises(OutputError, match="move"):
        store_for(folder, overwrite=True).prepare()
    assert (folder / name).is_symlink()


def test_the_dead_end_of_a_link_is_no_free_name(tmp_path):
    try:
        (tmp_path / "out.dzi").symlink_to("nowhere")
    except OSError:
        pytest.skip("this user cannot make links here")
    with pytest.raises(OutputError, match="exists"):
        store_for(tmp_path).prepare()


@pytest.mark.parametrize("path", ["out_files/thesis.txt", "out_files/3/thesis.txt", "out_files/0/notes/0_0.png"])
def test_a_folder_that_holds_something_else_is_not_overwritten(path, tmp_path):
    files = old_pyramid(tmp_path)
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / path).write_bytes(b"precious")
    with pytest.raises(OutputError, match=r"holds '.*', and is not overwritten"):
        store_for(tmp_path, overwrite=True).prepare()
    assert contents(tmp_path) == {**files, path: b"precious"}


@pytest.mark.parametrize("name", ["vips-properties.xml", ".DS_Store", "Thumbs.db", "desktop.ini"])
def test_what_programs_add_to_a_pyramid_does_not_stop_an_overwrite(name, tmp_path):
    old_pyramid(tmp_path)
    (tmp_path / "out_files" / name).write_bytes(b"")
    store = prepared(tmp_path, overwrite=True)
    store.put("out_files/0/0_0.png", b"new")
    store.commit({"out.dzi": DESCRIPTOR})
    store.discard()
    assert contents(tmp_path) == {"out_files/0/0_0.png": b"new", "out.dzi": DESCRIPTOR}


@pytest.mark.parametrize(
    "descriptor",
    [
        DESCRIPTOR.replace(b"2008", b"2009"),
        b'<?xml version="1.0"?>\n<!-- dzsave -->\n<Image\n  Overlap="1" ' + DESCRIPTOR.removeprefix(b"<Image"),
        b"\xef\xbb\xbf" + DESCRIPTOR,
    ],
)
def test_a_descriptor_of_another_program_can_be_overwritten(descriptor, tmp_path):
    (tmp_path / "out.dzi").write_bytes(descriptor)
    store = prepared(tmp_path, overwrite=True)
    store.put("out_files/0/0_0.png", b"new")
    store.commit({"out.dzi": DESCRIPTOR})
    store.discard()
    assert (tmp_path / "out.dzi").read_bytes() == DESCRIPTOR


def test_overwrite_replaces_the_whole_pyramid_and_only_at_commit(tmp_path):
    files = old_pyramid(tmp_path)
    store = prepared(tmp_path, overwrite=True)
    store.put("out_files/0/0_0.png", b"new")
    assert {key: contents(tmp_path)[key] for key in files} == files
    store.commit({"out.dzi": DESCRIPTOR})
    store.discard()
    assert contents(tmp_path) == {"out.dzi": DESCRIPTOR, "out_files/0/0_0.png": b"new"}


def test_what_appears_in_the_old_pyramid_during_the_run_is_kept(tmp_path):
    files = old_pyramid(tmp_path)
    store = prepared(tmp_path, overwrite=True)
    store.put("out_files/0/0_0.png", b"new")
    (tmp_path / "out_files" / "thesis.txt").write_bytes(b"precious")
    with pytest.raises(OutputError, match=r"holds 'thesis\.txt'"):
        store.commit({"out.dzi": DESCRIPTOR})
    store.discard()
    assert contents(tmp_path) == {**files, "out_files/thesis.txt": b"precious"}


@pytest.mark.parametrize("output", ["out.dzi", "out.szi"])
def test_the_page_of_the_old_pyramid_never_stands_beside_the_new_one(output, tmp_path):
    slide, target, page = png(tmp_path / "a.png", gradient(300, 200)), tmp_path / output, tmp_path / "out.html"
    run(slide, target)
    with open_pyramid(target) as pyramid:
        assert PageViewer().write([pyramid]) == page
    run(slide, target, overwrite=True)
    assert not page.exists()


@pytest.mark.parametrize("output", ["out.dzi", "out.szi"])
def test_another_page_of_that_name_is_left_alone(output, tmp_path):
    slide, target, page = png(tmp_path / "a.png", gradient(300, 200)), tmp_path / output, tmp_path / "out.html"
    page.write_text("<p>About this slide")
    run(slide, target)
    run(slide, target, overwrite=True)
    assert page.read_text() == "<p>About this slide"


def test_where_the_exchange_fails_the_old_page_is_put_back_with_the_old_pyramid(tmp_path, monkeypatch):
    slide, page = png(tmp_path / "a.png", gradient(300, 200)), tmp_path / "out.html"
    run(slide, tmp_path / "out")
    with open_pyramid(tmp_path / "out") as pyramid:
        PageViewer().write([pyramid])
    before = contents(tmp_path)

    def failing(made: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exchange, "show", failing)
    with pytest.raises(OutputError):
        run(slide, tmp_path / "out", overwrite=True)
    assert page.name in before
    assert contents(tmp_path) == before
