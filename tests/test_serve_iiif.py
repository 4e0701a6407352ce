"""`tileframe serve`: the IIIF Image API 3 at level 2, judged by IIIF's own validator, and the Presentation API."""

from __future__ import annotations

import importlib
import io
import json
from email.message import Message

import numpy as np
import pytest
from PIL import Image

import tileframe
from tests.asking import serving
from tests.pictures import gradient, photo, png, svs
from tileframe import Box, Size, TileAddress
from tileframe_serve import iiif

validator = pytest.importorskip(
    "iiif_validator.validator", reason="iiif-validator is not installed", exc_type=ImportError
)

LEVEL = 2


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """The picture that the validator knows: ten by ten squares of 100 pixels, each of one colour."""
    colours = np.array(validator.ValidationInfo().colorInfo, np.uint8).transpose(1, 0, 2)
    path = tmp_path_factory.mktemp("iiif") / "known.png"
    Image.fromarray(colours.repeat(100, 0).repeat(100, 1)).save(path)
    with serving(path, cors=("*",)) as ask:
        yield ask


def of_level_2() -> list[str]:
    known = validator.TestSuite(validator.ValidationInfo()).list_tests("3.0")
    return sorted(name for name, test in known.items() if test["level"] <= LEVEL)


# What level 2 need not have, and this server has. The validator's test of WebP does not run in Python 3.
MORE = ["quality_bitonal", "rot_full_non90", "rot_mirror", "rot_mirror_180", "rot_region_non90", "size_up"]


@pytest.mark.parametrize("name", sorted({*of_level_2(), *MORE}))
def test_iiifs_own_validator_finds_nothing_wrong(asked, monkeypatch, name):
    class Api(validator.ImageAPI):  # type: ignore[misc, name-defined]
        def fetch(self, url: str) -> bytes:
            path = url.partition("127.0.0.1")[2]
            reply = asked(path.encode("latin-1", "replace"), origin="http://iiif.io/")
            while reply.status == 303:
                reply = asked(reply.headers["location"].partition("127.0.0.1")[2], origin="http://iiif.io/")
            self.last_headers = Message()
            for key, value in reply.headers.items():
                self.last_headers[key] = value
            self.last_status, self.last_url = reply.status, url
            self.urls.append(url)
            return reply.body

    class Opened:
        """Stands for an answer of urllib, in the tests that ask by themselves."""

        def __init__(self, api: Api, url: str) -> None:
            self.data, self.code = api.fetch(url), api.last_status
            self.headers, self.url = api.last_headers, asked(url.partition("127.0.0.1")[2]).headers.get("location", url)

        def read(self):
            return self.data

        def info(self):
            return self.headers

        def geturl(self):
            return self.url

        def close(self):
            pass

    api = Api(asked.id(), "127.0.0.1", "iiif/3", version="3.0", debug=False)
    module = importlib.import_module(f"iiif_validator.tests.{name}")
    if hasattr(module, "urlopen"):
        monkeypatch.setattr(module, "urlopen", lambda request, **_: Opened(api, request.full_url))
    validator.TestSuite(validator.ValidationInfo()).run_test(name, api)
    assert api.exception is None, api.exception
    assert api.urls


def test_the_validators_level_2_has_many_tests():
    assert len(of_level_2()) > 20


def test_what_names_the_server_differs_by_its_name_and_says_so(tmp_path):
    slide = png(tmp_path / "a.png", photo(60, 40))
    with serving(slide) as ask:
        for path, by in (
            (f"/iiif/3/{ask.id()}/info.json", "Accept, Host"),
            (f"/slides/{ask.id()}/manifest.json", "Host"),
        ):
            one, other = ask(path), ask(path, host="localhost")
            assert (one.headers["vary"], other.headers["vary"]) == (by, by)
            assert (b"localhost" in one.body, b"localhost" in other.body) == (False, True)
            assert one.headers["etag"] != other.headers["etag"]
            again = ask(path, if_none_match=one.headers["etag"])
            assert (again.status, again.headers["vary"]) == (304, by)
            assert ask(path, host="localhost", if_none_match=one.headers["etag"]).status == 200
        kinds = [ask(f"/iiif/3/{ask.id()}/info.json", accept=kind) for kind in ("application/json", "*/*")]
        assert kinds[0].headers["etag"] != kinds[1].headers["etag"]


def test_a_viewers_tiles_are_the_pyramids(tmp_path):
    slide = svs(tmp_path / "a.svs", photo(701, 503), lossless=True, levels=(1,))
    with serving(slide, format="png", tile_size=128, overlap=0) as ask, tileframe.open_slide(slide) as source:
        info = ask(f"/iiif/3/{ask.id()}/info.json").json()
        assert (info["width"], info["height"], info["profile"], info["tiles"][0]["width"]) == (701, 503, "level2", 128)
        pyramid = tileframe.Pyramid(Size(701, 503), 128, 0)
        for level, col, row in ((10, 0, 0), (10, 5, 3), (9, 1, 1), (9, 2, 1), (8, 1, 0), (7, 0, 0)):
            tile = TileAddress(level, col, row)
            box, scale = pyramid.tile_box(tile), pyramid.downsample(level)
            region = Box(box.x * scale, box.y * scale, box.width * scale, box.height * scale).clipped(
                Box(0, 0, 701, 503)
            )
            found = ask(f"/iiif/3/{ask.id()}/{region}/{box.width},{box.height}/0/default.png").body
            assert np.array_equal(np.asarray(Image.open(io.BytesIO(found))), tileframe.tile(source, pyramid, tile))


WRONG = [
    "full/full/0/default.jpg", "1,2,3/max/0/default.jpg", "0,0,0,5/max/0/default.jpg", "900,0,5,5/max/0/default.jpg",
    "full/0,/0/default.jpg", "full/,0/0/default.jpg", "full/800,/0/default.jpg", "full/!,5/0/default.jpg",
    "full/pct:0/0/default.jpg", "full/pct:101/0/default.jpg", "full/^99999,99999/0/default.jpg",
    "full/max/361/default.jpg", "full/max/-90/default.jpg", "full/max/!/default.jpg", "full/max/0/best.jpg",
    "full/max/0/default.tif", "full/max/0/default", "pct:0,0,0,0/max/0/default.jpg", "pct:-1,0,5,5/max/0/default.jpg",
    "nan,0,1,1/max/0/default.jpg", "full/^!0,0/0/default.jpg", "full/1e3,/0/default.jpg", "full/!800,800/0/default.jpg",
]  # fmt: skip


@pytest.mark.parametrize("parts", WRONG)
def test_what_the_api_does_not_have_is_a_bad_request(parts):
    with pytest.raises(iiif.BadRequest):
        iiif.parse(parts.split("/"), Size(700, 500))


def test_an_answer_has_a_bound_whatever_is_asked_for(tmp_path):
    base = Size(200_000, 100_000)
    assert iiif.parse(["full", "max", "0", "default.jpg"], base).size.area <= iiif.MOST_AREA
    with pytest.raises(iiif.BadRequest):
        iiif.parse(["full", "200000,100000", "0", "default.jpg"], base)


@pytest.mark.parametrize(
    "parts",
    ["^8388608,1/45/default.png", "^100000,80/1/default.png", "^20,400000/!91/default.png",
     "^65501,1/0/default.jpg", "^65501,1/90/default.jpg", "^16384,1/0/default.webp", "^1,16384/270/default.webp"],
)  # fmt: skip
def test_what_is_too_long_turned_or_for_its_format_is_a_bad_request(parts):
    with pytest.raises(iiif.BadRequest, match="pixels"):
        iiif.parse(["full", *parts.split("/")], Size(300, 200))


@pytest.mark.parametrize(
    ("parts", "size"),
    [
        ("^65500,1/0/default.jpg", (65500, 1)),
        ("^1,16383/0/default.webp", (1, 16383)),
        pytest.param("^2890,2890/45/gray.png", None, marks=pytest.mark.thorough),
    ],
)
def test_what_a_format_just_has_is_answered(parts, size, tmp_path):
    with serving(png(tmp_path / "a.png", gradient(300, 200))) as ask:
        (one,) = ask("/index.json").json()["slides"]
        reply = ask(f"/iiif/3/{one['id']}/full/{parts}")
        assert reply.status == 200
        assert size in (None, Image.open(io.BytesIO(reply.body)).size)


def test_max_of_a_long_picture_is_what_the_format_has(tmp_path):
    base = Size(1, 70_000)
    sizes = {ending: iiif.parse(["full", "max", "0", f"default.{ending}"], base).size for ending in iiif.FORMATS}
    assert sizes == {"jpg": Size(1, 65_500), "png": base, "webp": Size(1, 16_383)}
    with serving(png(tmp_path / "a.png", gradient(1, 70_000))) as ask:
        assert ask(f"/slides/{ask.id()}/thumbnail.jpg").status == 200
        assert ask(f"/iiif/3/{ask.id()}/full/max/0/default.jpg").status == 200


def test_the_presentation_manifest_leads_to_the_picture(tmp_path):
    with serving(png(tmp_path / "a b.png", gradient(300, 200))) as ask:
        reply = ask(f"/slides/{ask.id()}/manifest.json")
        manifest = reply.json()
        assert 'profile="http://iiif.io/api/presentation/3/context.json"' in reply.headers["content-type"]
        assert (manifest["type"], manifest["label"]) == ("Manifest", {"none": ["a b.png"]})
        (canvas,) = manifest["items"]
        body = canvas["items"][0]["items"][0]["body"]
        assert (canvas["width"], canvas["height"]) == (300, 200)
        assert ask(body["id"].partition("127.0.0.1")[2]).headers["content-type"] == "image/jpeg"
        assert ask(f"{body['service'][0]['id'].partition('127.0.0.1')[2]}/info.json").json()["type"] == "ImageService3"
        assert ask(manifest["thumbnail"][0]["id"].partition("127.0.0.1")[2]).status == 200
        assert str(tmp_path) not in json.dumps(manifest)
