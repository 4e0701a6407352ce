"""Zoomify, Google and IIIF: descriptors, what is refused, and which names are theirs."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.layouts import OFFERS, OTHERS, SIZES, dzsave, made, pyramid_of
from tests.pictures import gradient
from tileframe import CheckError, OptionError, Pyramid, Size, TileAddress, tiles_of


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_zoomify_descriptor_is_dzsaves_to_the_byte(size, tmp_path):
    theirs = dzsave(tmp_path, gradient(*size), "zoomify")["name/ImageProperties.xml"]
    assert made("zoomify", size, suffix="jpeg").descriptor() == {"name/ImageProperties.xml": theirs}


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("name", ["zoomify", "iiif3"])
def test_dzsaves_descriptor_can_be_read(name, size, tmp_path):
    offer = OFFERS[name]
    theirs = dzsave(tmp_path, gradient(*size), name)[offer.descriptor.format(name="name")]
    assert offer.read is not None
    assert offer.read(theirs) == (pyramid_of(offer, size), "jpg")


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_iiif_says_what_dzsave_says_and_more(size, tmp_path):
    theirs = json.loads(dzsave(tmp_path, gradient(*size), "iiif3")["name/info.json"])
    info = json.loads(made("iiif3", size, suffix="jpeg").descriptor()["name/info.json"])
    del theirs["id"]  # of example.com
    assert theirs.items() <= info.items()
    assert info.keys() - theirs.keys() <= {"id", "sizes", "maxWidth", "maxHeight"}


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_iiif_lists_the_size_of_the_whole_that_is_kept(size):
    layout = made("iiif3", size)
    (whole,) = json.loads(layout.descriptor()["name/info.json"])["sizes"]
    assert (
        layout.key(TileAddress(layout.levels[0], 0, 0)) == f"name/full/{whole['width']},{whole['height']}/0/default.png"
    )


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_iiif_keeps_full_max_as_a_copy_of_the_largest_whole(size):
    layout = made("iiif3", size)
    assert layout.extras == {"name/full/max/0/default.png": TileAddress(layout.levels[0], 0, 0)}


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_iiif_limits_make_full_max_true_and_allow_every_tile(size):
    info = json.loads(made("iiif3", size, 256).descriptor()["name/info.json"])
    whole = info["sizes"][0]
    if (whole["width"], whole["height"]) == size:
        assert "maxWidth" not in info  # full/max is the picture itself
    else:
        # The API: sizes and tiles must be within the limits, and full/max is as large as there is within them.
        assert info["maxWidth"] == info["maxHeight"] == info["tiles"][0]["width"] == 256
        assert max(whole["width"], whole["height"]) <= 256 < max(size)


def test_iiif_id_is_relative_unless_its_folder_is_given():
    layout = OFFERS["iiif3"].create("täst 1", "jpg", Pyramid(Size(9, 9), 512, 0))
    assert json.loads(layout.descriptor()["täst 1/info.json"])["id"] == "t%C3%A4st%201"


@pytest.mark.parametrize("url", ["https://example.org/slides", "https://example.org/slides/"])
def test_iiif_id_is_the_folders_url_and_the_name(url):
    info = json.loads(made("iiif3", (300, 200), id=url).descriptor()["name/info.json"])
    assert info["id"] == "https://example.org/slides/name"


@pytest.mark.parametrize("url", ["slides", "ftp://example.org", "https://", "https://example.org/a b", "https://a/?q"])
def test_iiif_id_that_is_no_url_is_refused(url):
    with pytest.raises(OptionError, match="id of the layout iiif3 must be a URL"):
        made("iiif3", (300, 200), id=url)


@pytest.mark.parametrize(("size", "side"), [((1025, 1025), 512), ((513, 257), 64), ((1025, 1), 512), ((66, 65), 16)])
def test_iiif_refuses_what_it_has_one_name_for(size, side, tmp_path):
    with pytest.raises(OptionError, match=r"has one name for two tiles .* take \d+") as refusal:
        made("iiif3", size, side)
    other = int(str(refusal.value).rpartition(" ")[2])
    layout, pyramid = made("iiif3", size, other), pyramid_of(OFFERS["iiif3"], size, other)
    keys = [layout.key(tile) for tile in tiles_of(layout, pyramid)]
    assert len(set(keys)) == len(keys)
    # dzsave writes one of the two over the other.
    theirs = [key for key in dzsave(tmp_path, gradient(*size), "iiif3", suffix=".png", tile_size=side) if ".png" in key]
    tiles = pyramid_of(OFFERS["iiif3"], size, side)
    assert len(theirs) < sum(tiles.grid(level).area for level in made("zoomify", size, side).levels)


def test_iiif_names_are_unique_wherever_they_are_not_refused():
    refused = 0
    for width in range(1, 45):
        for height in range(1, 45):
            try:
                layout = made("iiif3", (width, height), 4)
            except OptionError:
                refused += 1
                continue
            keys = [layout.key(tile) for tile in tiles_of(layout, pyramid_of(OFFERS["iiif3"], (width, height), 4))]
            assert len(set(keys)) == len(keys), f"{width}x{height}"
    assert 0 < refused < 150


@pytest.mark.parametrize("name", ["zoomify", "iiif3"])
@given(st.integers(1, 2_000_000), st.integers(1, 2_000_000), st.integers(128, 8192))
def test_descriptor_gives_back_its_pyramid(name, width, height, side):
    offer, pyramid = OFFERS[name], Pyramid(Size(width, height), side, 0)
    try:
        layout = offer.create("name", "jpeg", pyramid)
    except OptionError:
        assume(False)
    (data,) = layout.descriptor().values()
    assert offer.read is not None
    assert offer.read(data) == (pyramid, "jpg")


@pytest.mark.parametrize(
    ("name", "suffix"),
    [*((name, suffix) for name in ("zoomify", "iiif3") for suffix in ("jpg", "png", "webp")), ("zoomify", "avif")],
)
def test_format_of_the_tiles_is_read_back(name, suffix):
    offer = OFFERS[name]
    (data,) = made(name, (1021, 769), suffix=suffix).descriptor().values()
    assert offer.read is not None
    assert offer.read(data)[1] == suffix


@pytest.mark.parametrize(
    ("name", "suffix", "takes"),
    [
        ("zoomify", "gif", "jpg, png, webp, avif, jxl"),
        ("iiif3", "avif", "jpg, png, webp"),
        ("iiif3", "jxl", "jpg, png, webp"),
    ],
)
def test_format_that_no_viewer_asks_for_is_refused(name, suffix, takes):
    with pytest.raises(OptionError, match=f"the layout {name} takes tiles in {takes}, not in {suffix}"):
        made(name, (300, 200), suffix=suffix)


@pytest.mark.parametrize("name", OTHERS)
def test_overlap_is_refused(name):
    with pytest.raises(OptionError, match=f"the layout {name} has no overlap: it must be 0, not 1"):
        OFFERS[name].create("name", "jpg", Pyramid(Size(300, 200), 254, 1))


@pytest.mark.parametrize("name", OTHERS)
def test_first_level_is_the_largest_that_fits_one_tile(name):
    pyramid = Pyramid(Size(1025, 1025), 256, 0)
    assert OFFERS[name].create("name", "jpg", Pyramid(Size(1024, 700), 256, 0)).levels == range(8, 11)
    assert pyramid.level_size(8) == Size(129, 129)
    if name != "iiif3":
        assert OFFERS[name].create("name", "jpg", pyramid).levels == range(8, 12)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("IMAGE_PROPERTIES", "IMAGE"),
        ('WIDTH="1021"', ""),
        ('"1021"', '"0"'),
        ('"1021"', '"1_021"'),
        ('"769"', '"-769"'),
        ('TILESIZE="256"', ""),
        ('TILESIZE="256"', 'TILESIZE="9000"'),
        ('NUMTILES="21"', 'NUMTILES="20"'),
        ('NUMTILES="21"', ""),
        ("/>", ""),
        ("/>", 'FORMAT="../x"/>'),
        ("<IMAGE", "<!DOCTYPE x><IMAGE"),
    ],
)
def test_wrong_zoomify_descriptor_is_refused(right, wrong):
    (good,) = made("zoomify", (1021, 769), suffix="jpg").descriptor().values()
    assert right.encode() in good
    read = OFFERS["zoomify"].read
    assert read is not None
    with pytest.raises(CheckError, match="the descriptor"):
        read(good.replace(right.encode(), wrong.encode()))


def changed(info: dict[str, Any], **values: Any) -> bytes:
    return json.dumps({**info, **values}).encode()


@pytest.mark.parametrize(
    "values",
    [
        {"protocol": "http://iiif.io/api/presentation"},
        {"type": "ImageService2"},
        {"width": "1021"},
        {"width": 0},
        {"width": True},
        {"height": 769.0},
        {"height": None},
        {"tiles": None},
        {"tiles": []},
        {"tiles": [1]},
        {"tiles": [{"width": 512, "scaleFactors": [1, 2]}, {"width": 256, "scaleFactors": [4]}]},
        {"tiles": [{"width": 512, "height": 256, "scaleFactors": [1, 2]}]},
        {"tiles": [{"width": 512, "scaleFactors": [1, 2, 4]}]},
        {"tiles": [{"width": 512}]},
        {"tiles": [{"width": 9000, "scaleFactors": [1]}]},
        {"preferredFormats": []},
        {"preferredFormats": "png"},
        {"preferredFormats": ["../x"]},
        {"preferredFormats": [7]},
    ],
    ids=str,
)
def test_wrong_iiif_descriptor_is_refused(values):
    (good,) = made("iiif3", (1021, 769)).descriptor().values()
    read = OFFERS["iiif3"].read
    assert read is not None
    with pytest.raises(CheckError, match="the descriptor"):
        read(changed(json.loads(good), **values))


@pytest.mark.parametrize("data", [b"[" * 100_000, b"[]", b"\xff", b"nothing"], ids=["deep", "list", "bytes", "text"])
def test_what_is_no_iiif_json_is_refused(data):
    read = OFFERS["iiif3"].read
    assert read is not None
    with pytest.raises(CheckError, match="the descriptor"):
        read(data)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("zoomify", "name/TileGroup1/2-0-0.png"),  # of another group
        ("zoomify", "name/TileGroup0/3-0-0.png"),
        ("zoomify", "name/TileGroup0/02-0-0.png"),
        ("zoomify", "name/TileGroup0/2-4-0.png"),
        ("google", "name/2/0/4.png"),
        ("google", "name/2/4/0.png"),
        ("google", "name/3/0/0.png"),
        ("google", "name/2/00/0.png"),
        ("google", "name/blank.png"),
        ("iiif3", "name/0,0,512,512/512,511/0/default.png"),
        ("iiif3", "name/0,0,512,512/512,512/0/default.jpg"),
        ("iiif3", "name/0,0,512,512/512,512/90/default.png"),
        ("iiif3", "name/0,0,1021,769/511,385/0/default.png"),
        ("iiif3", "name/full/max/0/default.png"),
        ("iiif3", "name/full/512,386/0/default.png"),
        ("iiif3", "name/1024,0,512,512/512,512/0/default.png"),
    ],
)
def test_what_is_not_exactly_a_key_is_no_tile(name, key):
    assert made(name, (1021, 769)).address(key) is None


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("zoomify", "name/TileGroup77/9-300-2.jpg"),
        ("zoomify", "name/ImageProperties.xml"),
        ("google", "name/9/300/2.webp"),
        ("google", "name/blank.png"),
        ("iiif3", "name/4096,0,1024,17/256,5/0/default.jpg"),
        ("iiif3", "name/full/99,17/0/default.jpg"),
        ("iiif3", "name/full/max/0/default.jpg"),
        ("iiif3", "name/info.json"),
    ],
)
def test_files_of_any_pyramid_of_the_layout_are_known(name, key):
    assert made(name, (1, 1)).owns(key)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("zoomify", "name/TileGroup0/ImageProperties.xml"),
        ("zoomify", "name/TileGroup0/photo-1-2.jpg"),
        ("zoomify", "name/TileGroup0/0-1-0.jpg"),
        ("google", "name/2026/11/25.jpg"),
        ("google", "name/3/8/0.jpg"),
        ("google", "name/1/blank.png"),
        ("google", "name/1/0/0.jpg/x"),
        ("iiif3", "name/full/max/0/color.jpg"),
        ("iiif3", "name/full/max/0/default.jpg.bak"),
        ("iiif3", "name/data/info.json"),
        ("iiif3", "name.json"),
    ],
)
def test_other_files_are_somebody_elses(name, key):
    assert not made(name, (1021, 769)).owns(key)
