"""The page that is written beside a pyramid: where, over what, and with what in it."""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

import tileframe
from tests.pictures import MPP, gradient, png, svs
from tileframe import Location, OptionError, OutputError, PluginError, StoredPyramid
from tileframe_start.command import run_command
from tileframe_viewer import assets
from tileframe_viewer.assets import FOLDER, OPENSEADRAGON, SCRIPTS, STYLES, read_assets
from tileframe_viewer.links import address
from tileframe_viewer.page import PageViewer, is_ours

PLUGIN = Path(assets.__file__).parent


@pytest.fixture
def pyramid(tmp_path):
    svs(tmp_path / "slide.svs", gradient(600, 400))
    return tileframe.open_pyramid(tileframe.run(tmp_path / "slide.svs", tmp_path / "out" / "slide").target)


def record(page: Path) -> dict[str, Any]:
    text = page.read_text(encoding="utf-8")
    (found,) = re.findall(r'<script type="application/json" id="tileframe">(.*)</script>', text)
    told: dict[str, Any] = json.loads(found)
    return told


def test_the_page_is_beside_the_pyramid_and_its_parts_in_one_folder(tmp_path, pyramid):
    page = PageViewer().write([pyramid])
    assert page == tmp_path / "out" / "slide.html"
    text = page.read_text(encoding="utf-8")
    links = re.findall(r'<(?:script src|link [^>]*href)="([^"]+)"', text)
    assert len(links) == 4
    for link in links:
        assert link.startswith(f"{FOLDER}/")
        assert (page.parent / link).is_file()
    assert (page.parent / FOLDER / "openseadragon-LICENSE.txt").is_file()
    assert not list(page.parent.rglob("*.partial"))


def test_the_record_tells_geometry_and_scale(pyramid):
    (told,) = record(PageViewer().write([pyramid]))["pyramids"]
    facts = dict(told.pop("facts"))
    assert told == {
        "name": "slide",
        "layout": "dzi",
        "width": 600,
        "height": 400,
        "tileSize": 254,
        "overlap": 1,
        "minLevel": 0,
        "format": "jpeg",
        "tilesUrl": "slide_files/",
        "archive": None,
        "absent": None,
        "annotations": None,
        "offset": {"x": 0, "y": 0},
        "mpp": [MPP, MPP],
        "objectivePower": 20.0,
        "associated": [],
    }
    assert facts["Slide"] == "slide.svs"
    assert facts["Tile format"] == "jpeg, quality 75"


def test_what_no_manifest_tells_is_not_invented(tmp_path):
    png(tmp_path / "a.png", gradient(600, 400))
    target = tileframe.run(tmp_path / "a.png", tmp_path / "a", format="png").target
    (told,) = record(PageViewer().write([tileframe.open_pyramid(target)]))["pyramids"]
    assert (told["mpp"], told["objectivePower"]) == (None, None)
    (tmp_path / "a.tileframe.json").unlink()
    (told,) = record(PageViewer().write([tileframe.open_pyramid(target)]))["pyramids"]
    assert (told["mpp"], told["objectivePower"]) == (None, None)
    assert dict(told["facts"])["Manifest"] == "none: made by another tool than tileframe"


@pytest.mark.parametrize("mpp", [(0.0, 0.25), (-1.0, 1.0), (0.25, 1e9)])
def test_a_scale_that_cannot_be_is_left_out(pyramid, mpp):
    (told,) = record(PageViewer().write([with_source(pyramid, mpp=mpp)]))["pyramids"]
    assert told["mpp"] is None


def test_nothing_in_the_record_can_end_its_element(pyramid):
    hostile = "</script><!--<script>\u2028&amp;"
    page = PageViewer().write([with_source(pyramid, name=hostile)])
    text = page.read_text(encoding="utf-8")
    assert text.count("</script>") == 3
    assert text.count("<!--") == 1, "the page's own comment"
    assert ["Slide", hostile] in record(page)["pyramids"][0]["facts"]


def with_source(pyramid: StoredPyramid, **facts: Any) -> StoredPyramid:
    """The pyramid with a manifest that says something else of its slide."""
    manifest = pyramid.manifest
    assert manifest is not None
    source = replace(manifest.plan.source, **facts)
    return replace(pyramid, manifest=replace(manifest, plan=replace(manifest.plan, source=source)))


def test_a_layout_that_the_page_does_not_know_is_refused(pyramid):
    with pytest.raises(OptionError, match=r"slide.dzi: the page does not show the layout spiral \(it may be: dzi, "):
        PageViewer().write([replace(pyramid, layout_name="spiral")])
    assert not pyramid.location.page.exists()


def test_beside_what_is_not_on_this_machine_no_page_is_written():
    location = Location("s3", "bucket/out", "slide")
    with pytest.raises(OptionError, match=r"^s3://bucket/out/slide: a page is written only beside"):
        PageViewer().prepare([location], overwrite=False)


def test_another_pages_file_is_not_overwritten(pyramid):
    page = pyramid.location.page
    page.write_text("<p>mine</p>")
    with pytest.raises(OutputError, match=r"slide.html: exists already and is no page of a pyramid; move it"):
        PageViewer().write([pyramid])
    assert page.read_text() == "<p>mine</p>"
    PageViewer().write([pyramid], overwrite=True)
    assert is_ours(page)
    PageViewer().write([pyramid])


def test_a_damaged_part_is_made_good_and_others_are_left_alone(pyramid):
    page = PageViewer().write([pyramid])
    folder = page.parent / FOLDER
    (folder / "viewer-of-another-version.js").write_text("kept")
    (script,) = folder.glob("viewer-?????????*[0-9a-f].js")
    script.write_text("damaged")
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir() if path != script}
    PageViewer().write([pyramid])
    assert script.read_bytes() == read_assets().files[script.name]
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir() if path != script} == before


def test_names_carry_the_digest_of_what_is_in_them():
    for name, data in read_assets().files.items():
        if match := re.search(r"-([0-9a-f]{10})\.", name):
            assert hashlib.sha256(data).hexdigest().startswith(match[1])


def test_every_script_and_style_is_in_the_page():
    assert {f"{name}.js" for name in SCRIPTS} == {path.name for path in (PLUGIN / "page").glob("*.js")}
    assert {f"{name}.css" for name in STYLES} == {path.name for path in (PLUGIN / "page").glob("*.css")}
    assert SCRIPTS[-1] == "main"


def test_openseadragon_is_the_version_that_is_locked():
    lock = json.loads((PLUGIN / "package-lock.json").read_text())
    assert lock["packages"]["node_modules/openseadragon"]["version"] == OPENSEADRAGON
    assert f"//! openseadragon {OPENSEADRAGON}\n".encode() in read_assets().files[read_assets().openseadragon][:100]
    for name, package in lock["packages"].items():
        assert not name or package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, "which registry it came from is the builder's affair"


def test_without_openseadragon_the_error_says_how_to_get_it(pyramid, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(assets, "VENDOR", tmp_path / "nowhere")
    with pytest.raises(PluginError, match=f"needs OpenSeadragon {OPENSEADRAGON}.*npm registry.*nowhere"):
        PageViewer().write([pyramid])
    assert not pyramid.location.page.exists()
    assert run_command(["run", str(tmp_path / "slide.svs"), "-o", str(tmp_path / "new"), "--viewer"]) == 6
    assert not (tmp_path / "new.dzi").exists(), "it is told before the work, not after it"
    assert run_command(["demo", "-o", str(tmp_path / "demo"), "--megapixels", "1"]) == 0
    assert "needs OpenSeadragon" in capsys.readouterr().err


def test_the_page_weighs_little():
    import gzip

    files = read_assets().files
    page = (PLUGIN / "page" / "page.html").read_bytes()
    assert sum(len(gzip.compress(data)) for data in (*files.values(), page)) < 150_000


@pytest.mark.parametrize("name", ["a b", "a#b", "50%", "grün", "a?b&c", "x\u00a0y", "日本"])
def test_links_lead_to_files_of_any_name(tmp_path, name):
    path = tmp_path / f"{name}_files"
    link = address(path, tmp_path)
    assert re.fullmatch(r"[A-Za-z0-9_.%/~-]+", link)
    assert tmp_path / unquote(link) == path


def test_a_link_to_another_folder_is_relative(tmp_path):
    assert address(tmp_path / "b" / "x_files", tmp_path / "a") == "../b/x_files"


def test_a_colon_makes_no_scheme_of_a_name(tmp_path):
    assert address(tmp_path / "javascript:x_files", tmp_path) == "javascript%3Ax_files"


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_pipe_or_a_folder_in_the_place_of_the_page_is_refused(overwrite, pyramid):
    page = pyramid.location.page
    page.mkdir()
    with pytest.raises(OutputError, match="is no file; the page cannot be written there"):
        PageViewer().prepare([pyramid.location], overwrite=overwrite)
    page.rmdir()
    if hasattr(os, "mkfifo"):
        os.mkfifo(page)
        with pytest.raises(OutputError, match="is no file"):
            PageViewer().prepare([pyramid.location], overwrite=overwrite)


def test_a_file_in_the_place_of_the_pages_folder_is_refused_before_any_work(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    png(tmp_path / "a.png", gradient(30, 20))
    (tmp_path / FOLDER).touch()
    assert run_command(["run", "a.png", "-o", "o", "--viewer"]) == 4
    said = f"tileframe: {FOLDER}: is no folder, and the page needs one of that name; move it away\n"
    assert capsys.readouterr().err == said
    assert sorted(os.listdir(tmp_path)) == sorted(["a.png", FOLDER])


def test_a_run_never_replaces_a_page_of_the_users_own(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    png(tmp_path / "a.png", gradient(30, 20))
    (tmp_path / "o.html").write_text("mine")
    assert run_command(["run", "a.png", "-o", "o", "--overwrite", "--viewer"]) == 4
    assert "o.html: exists already and is no page of a pyramid; move it away, or let" in capsys.readouterr().err
    assert (tmp_path / "o.html").read_text() == "mine"
    assert sorted(os.listdir(tmp_path)) == ["a.png", "o.html"]
