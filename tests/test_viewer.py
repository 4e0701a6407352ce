"""The page that is written beside a pyramid: where, over what, and with what in it."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

import tileframe
from tests.pictures import MPP, gradient, png, svs
from tileframe import OutputError, PluginError, StoredPyramid
from tileframe.cli import run_command
from tileframe_viewer import assets
from tileframe_viewer.assets import FOLDER, OPENSEADRAGON, SCRIPTS, STYLES, read_assets
from tileframe_viewer.page import PageViewer, is_ours
from tileframe_viewer.record import address

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


def test_the_page_is_beside_the_pyramid_and_its_parts_in_one_folder(pyramid):
    page = PageViewer().write([pyramid])
    assert page == pyramid.target.with_suffix(".html")
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
        "width": 600,
        "height": 400,
        "tileSize": 254,
        "overlap": 1,
        "format": "jpeg",
        "tilesUrl": "slide_files/",
        "mpp": [MPP, MPP],
        "objectivePower": 20.0,
    }
    assert facts["Slide"] == "slide.svs"
    assert facts["Tile format"] == "jpeg, quality 75"


def test_what_no_manifest_tells_is_not_invented(tmp_path):
    png(tmp_path / "a.png", gradient(600, 400))
    target = tileframe.run(tmp_path / "a.png", tmp_path / "a", format="png").target
    (told,) = record(PageViewer().write([tileframe.open_pyramid(target)]))["pyramids"]
    assert (told["mpp"], told["objectivePower"]) == (None, None)
    target.with_suffix(".tileframe.json").unlink()
    (told,) = record(PageViewer().write([tileframe.open_pyramid(target)]))["pyramids"]
    assert (told["mpp"], told["objectivePower"]) == (None, None)
    assert dict(told["facts"])["Manifest"] == "none: made by another tool than tileframe"


@pytest.mark.parametrize("mpp", [[0.25], [0, 0.25], ["0.25", "0.25"], [True, True], "0.25", {"x": 1}, [-1, 1]])
def test_a_scale_that_is_none_is_left_out(pyramid, mpp):
    path = pyramid.target.with_suffix(".tileframe.json")
    manifest = json.loads(path.read_text())
    manifest["source"]["mpp"] = mpp
    path.write_text(json.dumps(manifest))
    (told,) = record(PageViewer().write([tileframe.open_pyramid(pyramid.target)]))["pyramids"]
    assert told["mpp"] is None


def test_nothing_in_the_record_can_end_its_element(pyramid):
    manifest = dict(pyramid.manifest)
    hostile = "</script><!--<script>\u2028&amp;"
    manifest["notes"] = [hostile]
    manifest["source"] = {"name": hostile}
    page = PageViewer().write([as_it_is(pyramid, manifest)])
    text = page.read_text(encoding="utf-8")
    assert text.count("</script>") == 3
    assert text.count("<!--") == 1, "the page's own comment"
    assert ["Note", hostile] in record(page)["pyramids"][0]["facts"]


def as_it_is(pyramid: StoredPyramid, manifest: dict[str, Any]) -> StoredPyramid:
    parts = (pyramid.pyramid, pyramid.layout, pyramid.writer, pyramid.files)
    return StoredPyramid(pyramid.target, *parts, manifest, workers=1)


def test_another_pages_file_is_not_overwritten(pyramid):
    page = pyramid.target.with_suffix(".html")
    page.write_text("<p>mine</p>")
    with pytest.raises(OutputError, match=r"slide.html: exists already and is no page of tileframe's; --overwrite"):
        PageViewer().write([pyramid])
    assert page.read_text() == "<p>mine</p>"
    PageViewer().write([pyramid], overwrite=True)
    assert is_ours(page)
    PageViewer().write([pyramid])


def test_a_folder_in_its_place_is_told(pyramid):
    pyramid.target.with_suffix(".html").mkdir()
    with pytest.raises(OutputError, match=r"slide.html: is a folder"):
        PageViewer().write([pyramid], overwrite=True)


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
    assert not pyramid.target.with_suffix(".html").exists()
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
