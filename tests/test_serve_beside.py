"""`tileframe serve`: what belongs to a slide beside its tiles: annotations in a file, and associated images."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from PIL import Image

import tileframe
from tests.asking import serving
from tests.pictures import gradient, photo, png, svs
from tests.running import served
from tileframe.registry import load
from tileframe_serve.app import App
from tileframe_serve.settings import Settings

TOKEN = "0123456789abcdef"
MARKS = b'{"type": "FeatureCollection", "features": []}'


@pytest.fixture
def annotated(tmp_path):
    """A slide and a pyramid, each with annotations beside it."""
    png(tmp_path / "a.png", gradient(60, 40))
    tileframe.run(tmp_path / "a.png", tmp_path / "made" / "b.dzi")
    for path in (tmp_path / "a.geojson", tmp_path / "made" / "b.geojson"):
        path.write_bytes(MARKS)
    return tmp_path


def record(page: bytes) -> dict[str, Any]:
    text = page.partition(b'id="tileframe">')[2].partition(b"</script>")[0]
    (told,) = json.loads(text)["pyramids"]
    found: dict[str, Any] = told
    return found


def test_annotations_beside_slides_and_pyramids_are_served_and_named_in_their_pages(annotated):
    with serving(annotated) as ask:
        for name, file in (("a.png", "a.geojson"), ("made/b.dzi", "b.geojson")):
            address = f"/slides/{ask.id(name)}/"
            page = ask(address)
            assert record(page.body)["annotations"] == {"name": file, "url": "annotations.geojson"}
            assert "connect-src 'self'" in page.headers["content-security-policy"]
            metadata = ask(f"{address}metadata.json")
            assert metadata.json()["annotations"] == "annotations.geojson"
            head = ask(f"{address}annotations.geojson", method="HEAD")
            assert (head.status, head.headers["content-length"]) == (200, str(len(MARKS)))
            tag = head.headers["etag"]
            assert ask(f"{address}annotations.geojson", if_none_match=tag).status == 304
            (annotated / name).with_suffix(".geojson").unlink()
            assert ask(f"{address}metadata.json", if_none_match=metadata.headers["etag"]).json()["annotations"] is None


def test_annotations_come_whole_and_only_to_who_is_let_in(annotated):
    from urllib.error import HTTPError
    from urllib.request import Request, urlopen

    app = App(Settings(paths=(str(annotated / "a.png"),), token=TOKEN), load())
    with served(app) as origin:
        (name,) = app.served.catalogue.entries
        url = f"{origin}/slides/{name}/annotations.geojson"
        with pytest.raises(HTTPError, match="401"):
            urlopen(url)
        with urlopen(Request(url, headers={"Authorization": f"Bearer {TOKEN}"})) as answer:
            assert (answer.headers["Content-Type"], answer.read()) == ("application/geo+json", MARKS)


def test_without_a_file_there_are_no_annotations_and_the_page_fetches_nothing(tmp_path):
    png(tmp_path / "a.png", gradient(60, 40))
    (tmp_path / "b.geojson").write_bytes(MARKS)
    with serving(tmp_path) as ask:
        page = ask(f"/slides/{ask.id()}/")
        assert record(page.body)["annotations"] is None
        assert "connect-src" not in page.headers["content-security-policy"]
        assert ask(f"/slides/{ask.id()}/annotations.geojson").status == 404


def test_annotations_that_are_a_link_out_of_the_folder_are_not_there(tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    slide = png(inside / "a.png", gradient(60, 40))
    (tmp_path / "secret.geojson").write_bytes(MARKS)
    try:
        (inside / "a.geojson").symlink_to(tmp_path / "secret.geojson")
    except OSError:
        pytest.skip("links cannot be made here")
    for shown in (inside, slide):  # of a slide that was named, what leads out of its own folder
        with serving(shown) as ask:
            assert ask(f"/slides/{ask.id()}/annotations.geojson").status == 404


def test_associated_images_of_slides_and_pyramids_are_shown_only_if_asked_for(tmp_path):
    slide = svs(tmp_path / "a.svs", photo(700, 500))
    tileframe.run(slide, tmp_path / "made" / "b.szi", associated=["thumbnail"])
    tileframe.run(slide, tmp_path / "made" / "c.dzi", associated=["thumbnail"], format="png")
    for asked in (False, True):
        with serving(tmp_path, associated=asked) as ask:
            for name, file in (("a.svs", "thumbnail.jpg"), ("made/b.szi", "thumbnail.jpeg"),
                               ("made/c.dzi", "thumbnail.png")):  # fmt: skip
                address = f"/slides/{ask.id(name)}"
                found = ask(f"{address}/associated/{file}")
                pictures = record(ask(f"{address}/").body)["associated"]
                listed = ask(f"{address}/metadata.json").json()["associated"]
                assert ask(f"{address}/associated/nothing.jpg").status == 404
                if not asked:
                    assert (found.status, pictures, listed) == (404, [], [])
                    continue
                assert listed == [f"associated/{file}"]
                assert [(one["name"], one["url"]) for one in pictures] == [("thumbnail", f"associated/{file}")]
                assert Image.open(io.BytesIO(found.body)).size == (88, 63)


def test_an_exported_image_that_is_gone_is_404(tmp_path):
    tileframe.run(svs(tmp_path / "a.svs", photo(300, 200)), tmp_path / "made" / "b", associated=["thumbnail"])
    (tmp_path / "made" / "b_associated" / "thumbnail.jpeg").unlink()
    with serving(tmp_path / "made", associated=True) as ask:
        assert ask(f"/slides/{ask.id()}/associated/thumbnail.jpeg").status == 404


def test_a_strangers_manifest_names_no_file_that_is_no_picture_of_its_own(tmp_path):
    slide = svs(tmp_path / "a.svs", photo(300, 200))
    tileframe.run(slide, tmp_path / "made" / "b.dzi", associated=["thumbnail"])
    path = tmp_path / "made" / "b.tileframe.json"
    told = json.loads(path.read_text())
    (tmp_path / "made" / "secret.png").write_bytes(b"\x89PNG")
    (picture,) = told["associated"]
    told["associated"] = [{**picture, "file": file} for file in ("../secret.png", "..\\secret.png", "thumbnail.html")]
    path.write_text(json.dumps(told))
    with serving(tmp_path / "made", associated=True) as ask:
        address = f"/slides/{ask.id('b.dzi')}"
        assert record(ask(f"{address}/").body)["associated"] == []
        for file in ("..%2fsecret.png", "thumbnail.html", "thumbnail.jpeg"):
            assert ask(f"{address}/associated/{file}").status == 404
